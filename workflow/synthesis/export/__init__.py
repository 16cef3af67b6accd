"""What others need of a result: the metafor call, a model card, the reporting checklist, a research object."""

"""Every defensible analysis of a synthesis: enumerated, fitted in batches, summarised."""

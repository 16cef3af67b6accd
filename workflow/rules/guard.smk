# Reads the plan before Snakemake does: its own reader evaluates Python in a file that asks for it. What is wrong with an
# input is said alone, and what a run says is kept short.

from synthesis.errors import stops
from synthesis.data.reading import read_layers
from synthesis.cli.progress import speak

# Other levels of --quiet than the profile's bring Snakemake's own log back. The log of a cluster's job is short, too.
if not workflow.output_settings.dryrun and (
    "RULES" in {level.name for level in workflow.output_settings.quiet or ()} or not workflow.is_main_process
):
    speak(logger)

with stops():
    LAYERS = read_layers("config.yaml", workflow.overwrite_configfiles, workflow.config_settings.config)

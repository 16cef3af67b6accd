# Reads the plan before Snakemake does: its own reader evaluates Python in a file that asks for it. What is wrong with an
# input is said alone, and what a run says is kept short.

import os
import sys

# The package beside this file and the packages of this Python: another numpy on a PYTHONPATH would win over the locked one.
foreign = set(os.environ.pop("PYTHONPATH", "").split(os.pathsep))
sys.path[:] = [
    os.path.join(workflow.basedir, "workflow"),
    *(entry for entry in sys.path if entry not in foreign),
]

from synthesis.errors import InputError, Problem, stops
from synthesis.data.reading import read_layers
from synthesis.cli.progress import speak

# Snakemake itself has loaded some by now.
with stops():
    for name in ("numpy", "pandas", "pydantic", "yaml"):
        place = getattr(sys.modules.get(name), "__file__", None) or ""
        if any(entry and place.startswith(os.path.join(entry, "")) for entry in foreign):
            raise InputError(
                [Problem("PYTHONPATH", place, "no other packages than the environment's", "unset PYTHONPATH")]
            )

# Other levels of --quiet than the profile's bring Snakemake's own log back. The log of a cluster's job is short, too.
if not workflow.output_settings.dryrun and (
    "RULES" in {level.name for level in workflow.output_settings.quiet or ()} or not workflow.is_main_process
):
    speak(logger)

with stops():
    LAYERS = read_layers("config.yaml", workflow.overwrite_configfiles, workflow.config_settings.config)

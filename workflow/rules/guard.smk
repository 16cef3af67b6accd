# Reads the plan before Snakemake does: its own reader evaluates Python in a file that asks for it. What is wrong with an
# input is said alone, and what a run says is kept short.

import gc
import os
import sys
from pathlib import Path

# Planning makes objects that stay: looking for garbage among them takes a fifth of the time of a large review.
gc.set_threshold(100_000, 50, 50)
# The package beside this file and the packages of this Python: another numpy on a PYTHONPATH would win over the locked one.
# As a module from elsewhere (docs/module.md) these files lie in no folder, and the package is the one that is installed.
here = Path(workflow.current_basedir.get_path_or_uri(secret_free=True))
beside = [here.parent] if here.is_dir() else []
foreign = set(os.environ.pop("PYTHONPATH", "").split(os.pathsep))
sys.path[:] = [
    *map(str, beside),
    *(entry for entry in sys.path if entry not in foreign),
]

from synthesis.cli.run import snakefile
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

# As a module, the rules of the workflow that takes it: they are its own matter.
OTHERS = {made.name for made in workflow.rules}
# Of the checkout, or inside the installed package: holds the Snakefile and its rules.
WORKFLOW = beside[0].parent if beside else snakefile().parent

# `snakedeploy` puts the plan into config/.
plan_file = "config.yaml"
if not Path(plan_file).exists() and Path("config", plan_file).exists():
    plan_file = f"config/{plan_file}"
# Where each key of the plan was written, for the process that was started by hand: the jobs of a cluster have its plan.
LAYERS = []
if workflow.is_main_process:
    with stops():
        LAYERS = read_layers(plan_file, workflow.overwrite_configfiles, workflow.config_settings.config)

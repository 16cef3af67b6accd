# How a command of a rule runs: where, in which image, by which Python, with what ready.

import os
import shlex
import sys
from pathlib import Path

from snakemake.io import is_flagged

from synthesis.cli import asking, preloaded
from synthesis.plan.passing import among_copies, written
from synthesis.results.files import digest

# Where files are kept elsewhere (`--default-storage-provider`), jobs work on copies in a folder of their own: `synthesis` runs in
# it, with the names that the files have everywhere. Empty where the folder of the run is shared.
kept = workflow.modifier.path_modifier.modify("results")
PLACE = str(kept).removesuffix("results") if is_flagged(kept, "storage_object") else ""

# With `--software-deployment-method apptainer` alone (docs/container.md); else no rule has a container, and none is looked for.
deployed = {method.name for method in workflow.deployment_settings.deployment_method}
if "APPTAINER" in deployed:
    image = os.environ.get("SYNTHESIS_IMAGE") or str(WORKFLOW / "synthesis.sif")
    with stops():
        if "://" not in image and not Path(image).is_file():
            raise InputError(
                [
                    Problem(
                        "image",
                        image,
                        "an image of this workflow",
                        "docs/container.md makes one; or SYNTHESIS_IMAGE",
                    )
                ]
            )

    container: image


# Where there are copies, a command runs among them, and its arguments are as ever. Those of data must be what was checked here.
COPIES = ""
if PLACE:
    at_hand = sorted(path for path in Path("data/raw").glob("**/*") if path.is_file())
    listed = Path.cwd() / written("\n".join(f"{digest([path])} {path.as_posix()}" for path in at_hand))
    COPIES = among_copies(PLACE, listed).replace("{", "{{").replace("}", "}}")
# `synthesis` in a shell command is the package beside this file, run by the Python that runs Snakemake, or by that of the
# image or the rule's conda environment where one is deployed; `$WORKFLOW` is the folder of the Snakefile. One thread
# for linear algebra: the arrays are small, and sums must not depend on the number of cores. A PYTHONPATH of one's own goes:
# another numpy on it would win over the locked one.
CALLED = "python -m synthesis" if deployed else shlex.join([sys.executable, "-I", "-S", asking.__file__])
shell.prefix(
    "set -euo pipefail; WORKFLOW={folder}; "
    "export OPENBLAS_NUM_THREADS=1 PYTHONPATH=$WORKFLOW/workflow; "
    'synthesis() {{{{ {copies}{called} "$@"; }}}}; '.format(
        folder=shlex.quote(str(WORKFLOW)),
        copies=COPIES,
        called=CALLED.replace("{", "{{").replace("}", "}}"),
    )
)
# A first run has many jobs to do: what they import is imported while they are planned. (Steps that are sent elsewhere are
# limited in number of nodes.)
if workflow.is_main_process and not exists("results/config.json"):
    if workflow.resource_settings.nodes is None and not workflow.output_settings.dryrun and not deployed:
        preloaded.start()


onstart:
    # Snakemake's own limit of submissions (100 in a second) wakes the scheduler once a second for every step so far, which
    # took a sixth of a run; a limit that was asked for stays.
    limiter = workflow.scheduler.job_rate_limiter
    if limiter and (limiter.max_jobs, limiter.timespan) == (100, 1):
        workflow.scheduler.job_rate_limiter = None
    here = workflow.local_exec and not workflow.touch and not deployed
    if workflow.is_main_process:
        preloaded.prepare(len(list(workflow.dag.needrun_jobs())) if here else 0)

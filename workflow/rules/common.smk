# Checks the plan and the data before the first job, and names what the rules share.

import os
import shlex
import sys
from functools import cache
from pathlib import Path

from snakemake.io import is_flagged

from synthesis.cli import preloaded
from synthesis.plan import plan as planning
from synthesis.plan import code
from synthesis.plan.passing import among_copies, as_arguments, as_input, written
from synthesis.results.files import check_times, check_writable, digest, settle_times

with stops(LAYERS):
    PLAN = planning.load(config)
    # Jobs on a cluster parse this file again; the data are checked once, by the process that was started by hand.
    if workflow.is_main_process:
        from synthesis.compare.claims import check_folder

        rows, notes = planning.check_and_note(PLAN)
        check_folder(planning.RAW, PLAN.config, rows)
        for note in notes:
            print(note, file=sys.stderr)
        if not workflow.output_settings.dryrun:
            check_times(Path("data/raw").glob("**/*.*"))
            check_writable(Path("results"))
            settle_times(Path("results"))

digest_of_code = cache(code.code_of)


def code_of(command):
    """The digest of the code behind a command, of those alone that a process has jobs of."""
    return lambda wildcards: digest_of_code(command)


# Everything that a run makes but its logs; each file of rules adds its own.
RESULTS = []
# Sources whose risk of bias is judged by domain, and the syntheses that draw on them.
ASSESSED = [name for name in PLAN.config.sources if exists(f"data/raw/{name}/risk_of_bias.csv")]
JUDGED = [name for name in PLAN.config.syntheses if set(PLAN.sources(name)) & set(ASSESSED)]
# What a name of the plan can be.
NAME = "[a-z][a-z0-9_]*"


# Where files are kept elsewhere (`--default-storage-provider`), jobs work on copies in a folder of their own: `synthesis` runs in
# it, with the names that the files have everywhere. Empty where the folder of the run is shared.
kept = workflow.modifier.path_modifier.modify("results")
PLACE = str(kept).removesuffix("results") if is_flagged(kept, "storage_object") else ""


def sources_of(*syntheses):
    """The extracted sources of syntheses."""
    return expand("results/sources/{source}.json", source=PLAN.sources(*syntheses))


def read_of(source):
    """What extraction reads of a source: where any has columns of its own, what declares them too."""
    files = ["effects.csv", "source.yaml"] if PLAN.config.own_columns or PLACE else ["effects.csv"]
    files += ["risk_of_bias.csv"] if source in ASSESSED else []
    return [f"data/raw/{source}/{name}" for name in files]


def other_files(name):
    """The files of a figure but its SVG."""
    return [
        f"results/figures/{name}.pdf",
        f"results/figures/{name}.png",
        f"results/figures/data/{name}.csv",
    ]


def further_pages(name):
    """The folder of a figure's second and further pages as PNG: how many, only the drawing knows."""
    return directory(f"results/figures/pages/{name}")


wildcard_constraints:
    source=NAME,
    synthesis=NAME,
    bridge=NAME,
    multiverse=NAME,


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
shell.prefix(
    "set -euo pipefail; WORKFLOW={folder}; "
    "export OPENBLAS_NUM_THREADS=1 PYTHONPATH=$WORKFLOW/workflow; "
    'synthesis() {{{{ {copies}{python} -m synthesis "$@"; }}}}; '.format(
        folder=shlex.quote(str(WORKFLOW)),
        copies=COPIES,
        python="python" if deployed else shlex.quote(sys.executable),
    )
)


onstart:
    # Snakemake's own limit of submissions (100 in a second) wakes the scheduler once a second for every step so far, which
    # took a sixth of a run; a limit that was asked for stays.
    limiter = workflow.scheduler.job_rate_limiter
    if limiter and (limiter.max_jobs, limiter.timespan) == (100, 1):
        workflow.scheduler.job_rate_limiter = None
    if workflow.local_exec and workflow.is_main_process and not workflow.touch and not deployed:
        preloaded.start(len(list(workflow.dag.needrun_jobs())))

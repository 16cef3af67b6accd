# Checks the plan and the data before the first job, and names what the rules share.

import shlex
import sys
from pathlib import Path

from synthesis import plan as planning
from synthesis.errors import InputError
from synthesis.models.config import read_yaml

try:
    for path in workflow.configfiles:
        read_yaml(Path(path))
    PLAN = planning.load(config)
    # Jobs on a cluster parse this file again; the data are checked once, by the process that was started by hand.
    if workflow.is_main_process:
        planning.check(PLAN)
except InputError as error:
    raise WorkflowError(str(error))

SOURCES = list(PLAN.config.sources)
MODELS = expand("results/models/{synthesis}.json", synthesis=PLAN.config.syntheses)
FIGURES = expand("results/figures/forest_{figure}.{kind}", figure=PLAN.figures(), kind=["svg", "pdf", "png"])
# Kind and name of the figures beside each synthesis' forest plot.
BESIDE = {synthesis: PLAN.diagnostic_figures(synthesis) for synthesis in PLAN.config.diagnostic_figures}
FIGURES += expand(
    "results/figures/{figure}.{kind}",
    figure=[name for figures in BESIDE.values() for _, name in figures],
    kind=["svg", "pdf", "png"],
)
DIAGNOSTIC_TABLES = expand(
    "results/tables/{table}.csv",
    table=["influence", "cumulative", "small_study", "moderators", "few_samples"],
)
# A value in the params of every rule: results are made again when the package's code changes.
CODE = planning.code_fingerprint()


wildcard_constraints:
    source="|".join(SOURCES),
    figure="|".join(PLAN.config.figures),


# `synthesis` in a shell command is the package beside this file, run by the Python that runs Snakemake,
# or by that of the rule's conda environment where one is deployed. One thread for linear algebra: the arrays are
# small, and sums must not depend on the number of cores.
with_conda = bool(workflow.deployment_settings.deployment_method)
shell.prefix(
    "set -euo pipefail; export OPENBLAS_NUM_THREADS=1 PYTHONPATH={package}${{{{PYTHONPATH:+:$PYTHONPATH}}}}; "
    'synthesis() {{{{ {python} -m synthesis "$@"; }}}}; '.format(
        package=shlex.quote(str(Path(workflow.basedir) / "workflow")),
        python="python" if with_conda else shlex.quote(sys.executable),
    )
)

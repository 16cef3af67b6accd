# Checks the plan and the data before the first job, and names what the rules share.

import shlex
import sys
from pathlib import Path

from synthesis.plan import plan as planning
from synthesis.compare.claims import check_folder
from synthesis.results.files import check_times, check_writable, digest, settle_times
from synthesis.rules import edges

with stops(LAYERS):
    PLAN = planning.load(config)
    # Jobs on a cluster parse this file again; the data are checked once, by the process that was started by hand.
    if workflow.is_main_process:
        check_folder(planning.RAW, PLAN.config, planning.check(PLAN))
        if not workflow.output_settings.dryrun:
            check_times(Path("data/raw").glob("**/*.*"))
            check_writable(Path("results"))
            settle_times(Path("results"))

SOURCES = list(PLAN.config.sources)
MODELS = expand("results/models/{synthesis}.json", synthesis=PLAN.config.syntheses)
# Made only where a second route to the fit agrees with it.
CHECKS = expand("results/crosscheck/{synthesis}.json", synthesis=PLAN.config.syntheses)
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
COMPARISON_TABLES = expand(
    "results/tables/{table}.csv",
    table=["comparison", "bridge", "relevance", "interactions", "claims"],
)
TIPPING_TABLES = expand("results/tables/{table}.csv", table=["tipping_points", "tipping_points_all"])
AGREEMENT_TABLES = expand("results/tables/{table}.csv", table=["agreement", "disagreements"])
TABLES = expand("data/raw/{source}/effects.csv", source=SOURCES)
ABOUT = expand("data/raw/{source}/source.yaml", source=SOURCES)
# A folder of one's own need not have claims or corrections.
CORRECTIONS = ["data/raw/corrections.csv"] if exists("data/raw/corrections.csv") else []
CLAIMS = ["data/raw/claims.csv"] if exists("data/raw/claims.csv") else []
COMPARISON_FIGURES = [f"bridge_{name}" for name in PLAN.config.bridges] + (
    ["claims_verdicts"] if CLAIMS else []
)
# Figures that the report embeds.
REPORTING_FIGURES = ["prisma_flow", "risk_of_bias"]
LIVE = [
    *REPORTING_FIGURES,
    *expand("forest_{figure}", figure=PLAN.figures()),
    *COMPARISON_FIGURES,
    *(figure for figures in BESIDE.values() for _, figure in figures),
]
MULTIVERSES = list(PLAN.config.multiverses)
MULTIVERSE_FIGURES = expand("{kind}_{name}", kind=["specification", "vibration"], name=MULTIVERSES)
MULTIVERSE_FIGURES += expand("multiverse_bridge_{name}", name=PLAN.bridged_multiverses())
MULTIVERSE_TABLES = (
    expand(
        "results/tables/{table}.csv",
        table=["multiverse", "multiverse_decisions", "multiverse_bridge"],
    )
    if MULTIVERSES
    else []
)
LIVE += MULTIVERSE_FIGURES
EXPORTS = [
    *expand("results/r/{synthesis}.{kind}", synthesis=PLAN.config.syntheses, kind=["R", "csv"]),
    *expand("results/model_cards/{synthesis}.json", synthesis=PLAN.config.syntheses),
]
# Everything that a run makes but its logs; the crate describes it.
RESULTS = [
    "results/config.json",
    "results/effects.parquet",
    "results/dropped.csv",
    "results/tables/effects.csv",
    "results/tables/pooled.csv",
    *COMPARISON_TABLES,
    *TIPPING_TABLES,
    "results/claims.json",
    *AGREEMENT_TABLES,
    *DIAGNOSTIC_TABLES,
    *FIGURES,
    *expand("results/figures/{name}.{kind}", name=COMPARISON_FIGURES, kind=["svg", "pdf", "png"]),
    *EXPORTS,
    *expand("results/multiverse/{name}.{kind}", name=MULTIVERSES, kind=["jsonl", "parquet", "json"]),
    *MULTIVERSE_TABLES,
    *expand("results/figures/{name}.{kind}", name=MULTIVERSE_FIGURES, kind=["svg", "pdf", "png"]),
    "results/prisma_checklist.csv",
    *expand("results/figures/{name}.{kind}", name=REPORTING_FIGURES, kind=["svg", "pdf", "png"]),
    *expand("results/figures/data/{name}.csv", name=LIVE),
    *MODELS,
    *expand("results/diagnostics/{synthesis}.json", synthesis=PLAN.config.syntheses),
    "results/tables/crosscheck.csv",
    *CHECKS,
    "results/report.html",
]
# What is read of the folder, by content: Snakemake goes by times, and a file put back may be older than the results.
# (Params that are functions of inputs would not do: it does not compare those.)
CLAIMS_READ = digest(CLAIMS)
ABOUT_READ = digest(ABOUT)
# A value in the params of every rule: results are made again when the package's code changes.
CODE = planning.code_fingerprint()
# Wildcards to ask input functions with, for the drawing of the workflow.
TRIED = {
    "source": SOURCES[0],
    "figure": next(iter(PLAN.config.figures), ""),
    "multiverse": next(iter(MULTIVERSES), ""),
}


wildcard_constraints:
    source="|".join(SOURCES),
    # What nothing matches, where there are none: an empty constraint would be no constraint.
    figure="|".join(PLAN.config.figures) or "(?!)",
    multiverse="|".join(MULTIVERSES) or "(?!)",
    shard=r"\d+",


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

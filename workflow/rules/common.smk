# Reads the plan, checks it and the data before the first job, and names what the rules share.

from functools import cache

from synthesis.cli.checking import check_run
from synthesis.plan import code
from synthesis.plan import plan as planning
from synthesis.plan.passing import as_arguments, as_input

with stops(LAYERS):
    PLAN = planning.load(config)
    # Jobs on a cluster parse this file again; the data are checked once, by the process that was started by hand.
    if workflow.is_main_process:
        check_run(PLAN, writes=not workflow.output_settings.dryrun)

digest_of_code = cache(code.code_of)


def code_of(command):
    """The digest of the code behind a command, of those alone that a process has jobs of."""
    return lambda wildcards: digest_of_code(command)


# Everything that a run makes but its logs; each file of rules adds its own.
RESULTS = []
# What a name of the plan can be.
NAME = "[a-z][a-z0-9_]*"


def sources_of(*syntheses):
    """The extracted sources of syntheses."""
    return [f"results/sources/{source}.json" for source in PLAN.sources(*syntheses)]


def read_of(source):
    """What extraction reads of a source: where any has columns of its own, what declares them too."""
    files = ["effects.csv", "source.yaml"] if PLAN.config.own_columns or PLACE else ["effects.csv"]
    files += ["risk_of_bias.csv"] if source in ASSESSED else []
    return [f"data/raw/{source}/{name}" for name in files]


def other_files(name):
    """The files of a figure but its SVG."""
    return expand("results/figures/{file}", file=[f"{name}.pdf", f"{name}.png", f"data/{name}.csv"])


def further_pages(name):
    """The folder of a figure's second and further pages as PNG: how many, only the drawing knows."""
    return directory(f"results/figures/pages/{name}")


wildcard_constraints:
    source=NAME,
    synthesis=NAME,
    bridge=NAME,
    multiverse=NAME,

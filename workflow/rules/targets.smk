# A target that nothing makes is said before anything is planned, with what it could have been: Snakemake names a rule that
# "might raise exceptions", and a name that the plan does not have ends in a traceback.

import difflib
import shutil
from itertools import takewhile

from snakemake.cli import get_argument_parser

# On a node of a cluster the jobs of a group run in the process that was started there for all of them, and many of them in forks
# of one: a process of Snakemake for each would take longer than the job. What limits them is the cores that the group asked for;
# Snakemake's limit there is one job, since it takes each for a step that is sent on.
if not workflow.is_main_process:
    workflow.localrules(*{made.name for made in workflow.rules} - OTHERS)
    workflow.global_resources["_nodes"] = None
    if "--target-jobs" in sys.argv and not deployed:
        given = sys.argv[sys.argv.index("--target-jobs") + 1 :]
        preloaded.prepare(len(list(takewhile(lambda word: not word.startswith("-"), given))))


# Whether this is the workflow that was called, and no module of another.
ALONE = Path(workflow.main_snakefile).parent == WORKFLOW
# So many sources are extracted in some seconds where the run was started, in less time than a queue and its status check take;
# more are sent by the dozen, like the groups of the profile.
MOST_HERE = 40
if workflow.is_main_process and ALONE:
    if len(PLAN.config.sources) <= MOST_HERE:
        workflow.localrules("config", "extract")
    else:
        for made in map(workflow.get_rule, ("config", "extract")):
            made.group = "sources"

# Options with which Snakemake runs no job.
LOOKS = "dryrun lint list_rules list_target_rules dag rulegraph filegraph d3dag summary detailed_summary unlock touch".split()
LOOKS += "cleanup_metadata list_input_changes list_params_changes list_untracked archive containerize report".split()
# What Snakemake was called with: it knows its targets itself only later. In a module they are those of the workflow that takes it.
asked = []
if workflow.is_main_process and ALONE:
    if Path(sys.argv[0]).stem in {"snakemake", "__main__"}:
        given = get_argument_parser().parse_known_args(sys.argv[1:])[0]
        asked = given.targets
        # A copy of a figure that was deleted comes back with the others: Snakemake does not miss a file of a folder. Whatever
        # only looks at the workflow removes nothing.
        runs = not any(getattr(given, option, None) for option in LOOKS)
        if runs and not PLACE and not all(map(os.path.exists, COPIED_FIGURES)):
            shutil.rmtree(COPIED, ignore_errors=True)
# The names of the plan that stand for wildcards.
NAMES = {
    "source": PLAN.config.sources,
    "synthesis": PLAN.config.syntheses,
    "bridge": PLAN.config.bridges,
    "multiverse": PLAN.config.multiverses,
}


def made_by(target):
    """Whether a file is made here, of names that the plan has."""
    for made in workflow.rules:
        if made.is_producer(target):
            named = made.get_wildcards(target).items()
            if all(value in NAMES.get(name, [value]) for name, value in named):
                return True
    return False


with stops():
    known = {made.name for made in workflow.rules}
    for target in asked:
        if target not in known and not Path(target).exists() and not made_by(target):
            close = difflib.get_close_matches(target, [*RESULTS, *known], n=1, cutoff=0.7)
            raise InputError(
                [
                    Problem(
                        "target",
                        target,
                        "a result (results/README.md) of names in the plan, or a rule (snakemake --list)",
                        f"did you mean {close[0]}?" if close else "",
                    )
                ]
            )

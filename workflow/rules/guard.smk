# Reads the plan before Snakemake does: its own reader evaluates Python in a file that asks for it.

from pathlib import Path

from synthesis.errors import InputError
from synthesis.data.reading import read_yaml

if Path("config.yaml").exists():
    try:
        read_yaml(Path("config.yaml"))
    except InputError as error:
        raise WorkflowError(str(error))

"""`python -m synthesis`."""

import gc
import sys

from synthesis.cli.asking import status_of

status = status_of(sys.argv[1:])
if status is None:
    from synthesis.cli.main import main

    # A job is short, and imports make many objects that stay: looking for garbage among them takes a tenth of its time.
    gc.set_threshold(100_000, 50, 50)
    status = main()
sys.exit(status)

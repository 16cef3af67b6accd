"""`python -m synthesis`."""

import gc
import sys

from synthesis.cli.main import main

# A job is short, and imports make many objects that stay: looking for garbage among them takes a tenth of its time.
gc.set_threshold(100_000, 50, 50)
sys.exit(main())

"""`python -m synthesis`."""

import sys

from synthesis.cli.main import main

sys.exit(main())

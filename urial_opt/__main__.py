"""`python -m urial_opt` is `urial-opt`."""

import sys

from urial_opt.cli import main

sys.exit(main())

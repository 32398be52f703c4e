"""`python -m worker`: the worker, until SIGTERM or SIGINT."""

from __future__ import annotations

import sys

from worker.main import main

if __name__ == "__main__":
    sys.exit(main())

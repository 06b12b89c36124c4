"""`python -m loadtest`: the same as the command `loadtest`."""

from __future__ import annotations

import sys

from loadtest.command_line import main

if __name__ == "__main__":
    sys.exit(main())

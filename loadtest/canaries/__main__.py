"""`loadtest canaries`: install the official clients that `--canaries` has among the members."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from loadtest.canaries import programs
from loadtest.exit_codes import ExitCode

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Install them.

    :returns: the exit code.
    """
    argparse.ArgumentParser(prog="loadtest canaries", description=__doc__).parse_args(arguments)
    if failure := programs.install():
        sys.stderr.write(f"loadtest canaries: {failure}\n")
        return ExitCode.SETUP_FAILED
    sys.stdout.write(f"The official clients are in {programs.HERE}\n")
    return ExitCode.PASSED


if __name__ == "__main__":
    sys.exit(main())

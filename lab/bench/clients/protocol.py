"""What a client in Python says on standard output, and when it ends."""

import json
import sys


def say(**what: object) -> None:
    """One line of JSON."""
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()

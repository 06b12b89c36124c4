"""What `--script` gives: the script itself, or the name of a file that has it."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Final

from faults import Fault, Owner

_NO_FILE: Final = (errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG)
"""As files are not called: then it is the script itself."""


def script_text(option: str) -> str:
    """The script of an option; empty for an empty one.

    :raises Fault: if there is such a file, and it cannot be read as text.
    """
    if not option:
        return ""
    try:
        return Path(option).read_text(encoding="utf-8")
    except OSError as error:
        if error.errno in _NO_FILE:
            return option
        why = error.strerror
    except UnicodeDecodeError as error:
        why = str(error)
    raise Fault(Owner.USER, f"--script {option} cannot be read: {why}", "Give a script, or a file that has one.")

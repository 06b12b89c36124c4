"""The options of a command that plays a script: `--script` and `--log`."""

from __future__ import annotations

import errno
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from loadtest.errors import Fault, Owner

if TYPE_CHECKING:
    from collections.abc import Mapping

_NO_FILE: Final = (errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG)
"""As files are not called: then it is the script itself."""


def script_text(option: str) -> str:
    """What `--script` gives: the script itself, or what the file of this name has; empty for an empty one.

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


class StepLog:
    """What was done, and when: a line of JSON for each step, at the end of a file.

    :param path: of `--log`; None for nowhere.
    :raises Fault: if it cannot be written.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._append("")

    def add(self, done: Mapping[str, Any]) -> str:
        """One step; its line.

        :raises Fault: if it cannot be written any more.
        """
        line = json.dumps(done)
        self._append(line + "\n")
        return line

    def _append(self, text: str) -> None:
        if self._path is None:
            return
        try:
            with self._path.open("a", encoding="utf-8") as file:
                file.write(text)
        except OSError as error:
            said = f"--log {self._path} cannot be written: {error.strerror}"
            raise Fault(Owner.USER, said, "Name a file that can.") from error

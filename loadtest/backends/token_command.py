"""A shell command that prints a token: the user's own way to get one, and later a fresh one."""

from __future__ import annotations

import os
import signal
import subprocess
from contextlib import suppress
from typing import Final

from loadtest.errors import Fault, Owner

_TIMEOUT_S: Final = 60.0
_KILLED_S: Final = 2.0
_WAY_ON: Final = "It must print exactly one token on one line and exit with 0: try it in a shell."


class TokenCommand:
    """See the module. The command's text is never quoted: it may contain secrets.

    :param command: for the shell.
    :param timeout_s: how long it may take.
    """

    def __init__(self, command: str, timeout_s: float = _TIMEOUT_S) -> None:
        self._command = command
        self._timeout_s = timeout_s

    def token(self) -> str:
        """Run it; the token that it prints.

        :raises Fault: if it fails, takes too long, or prints anything but one line.
        """
        pipe = subprocess.PIPE
        # A session of its own: what the shell has started ends with it.
        process = subprocess.Popen(  # noqa: S602 - a shell's command is what the option is
            self._command, shell=True, stdin=subprocess.DEVNULL, stdout=pipe, stderr=pipe, start_new_session=True
        )
        try:
            printed, complaints = process.communicate(timeout=self._timeout_s)
        except subprocess.TimeoutExpired:
            raise _fault(f"has printed no token within {self._timeout_s:g} s") from None
        finally:
            if process.returncode is None:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                with suppress(subprocess.TimeoutExpired):
                    # A child with a session of its own may keep the pipe open.
                    process.communicate(timeout=_KILLED_S)
        if process.returncode:
            last = complaints.decode(errors="replace").strip().splitlines()[-1:]
            raise _fault(f"ended with {process.returncode}: {''.join(last) or 'no error output'}")
        lines = printed.decode(errors="replace").split("\n")
        found = [line.strip() for line in lines if line.strip()]
        if len(found) != 1:
            raise _fault(f"printed {len(found)} lines" if found else "printed nothing")
        if not (found[0].isascii() and found[0].isprintable()):
            raise _fault("printed a token that is not printable ASCII, which no header can carry")
        return found[0]


def _fault(what: str) -> Fault:
    return Fault(Owner.USER, f"--token-command {what}", _WAY_ON)

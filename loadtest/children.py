"""Child processes that do not outlive their parent, whatever ends it."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

_PR_SET_PDEATHSIG = 1
_HELD = (signal.SIGINT, signal.SIGTERM)


def start(
    command: Sequence[str | Path], *, death_signal: signal.Signals = signal.SIGTERM, **options: Any
) -> subprocess.Popen[str]:
    """Start a child in a session of its own: a Ctrl-C reaches the parent alone.

    :param death_signal: what the child gets if the parent dies (on Linux).
    :param options: of `subprocess.Popen`.
    """
    libc = ctypes.CDLL(None)
    parent = os.getpid()

    def prepare() -> None:
        libc.prctl(_PR_SET_PDEATHSIG, death_signal)
        if os.getppid() != parent:
            os._exit(1)

    # Python runs hooks of its own around a fork. An exception that a signal handler raises in one of them is
    # printed and dropped, and the Ctrl-C is lost.
    with _signals_held():
        child: subprocess.Popen[str] = subprocess.Popen(  # noqa: S603 - our own commands
            command,
            start_new_session=True,
            text=True,
            preexec_fn=prepare if sys.platform == "linux" else None,  # noqa: PLW1509 - no threads here
            **options,
        )
    return child


@contextmanager
def _signals_held() -> Iterator[None]:
    """Have signals handled after the block, and not within it.

    Blocking them would not do: the kernel hands a signal of the process to another thread, and Python runs its
    handler in this one.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    held: list[int] = []
    handlers = {number: signal.signal(number, lambda number, _: held.append(number)) for number in _HELD}
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
        for came in held:
            signal.raise_signal(came)

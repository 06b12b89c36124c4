"""Children are started by a process of its own here: signals and forks of the test's process stay as they are."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from typing import TYPE_CHECKING

from .support import ROOT, until

if TYPE_CHECKING:
    from pathlib import Path


def _run(script: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", textwrap.dedent(script), *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=30, check=False)


def test_a_ctrl_c_in_the_moment_of_the_fork_is_not_lost() -> None:
    """Python's own hook after a fork (logging has one) drops what a signal handler raises.

    Another thread, as NumPy has, takes a signal that the main thread blocks.
    """
    ended = _run("""
        import os, signal, threading, time
        threading.Thread(target=time.sleep, args=(5,), daemon=True).start()
        from loadtest import children
        os.register_at_fork(after_in_parent=lambda: os.kill(os.getpid(), signal.SIGINT))
        try:
            children.start(["true"])
        except KeyboardInterrupt:
            print("interrupted")
    """)
    assert (ended.stdout, ended.stderr) == ("interrupted\n", "")


def test_a_child_can_be_ended_by_the_signals_that_were_held() -> None:
    ended = _run("""
        import signal
        from loadtest import children
        for number in (signal.SIGINT, signal.SIGTERM):
            child = children.start(["sleep", "20"])
            child.send_signal(number)
            print(child.wait(10))
    """)
    assert ended.stdout.split() == [str(-signal.SIGINT), str(-signal.SIGTERM)]


def test_a_child_ends_with_its_parent(tmp_path: Path) -> None:
    _run(
        """
        import os, signal, sys
        from pathlib import Path
        from loadtest import children
        Path(sys.argv[1], "pid").write_text(str(children.start(["sleep", "20"]).pid))
        os.kill(os.getpid(), signal.SIGKILL)
        """,
        str(tmp_path),
    )
    child = int((tmp_path / "pid").read_text())

    def gone() -> bool:
        try:
            os.kill(child, 0)
        except ProcessLookupError:
            return True
        return False

    until(gone)

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

from transport.receive_clock import KERNEL, USER_SPACE, receive_clock, stamped_ns

from ..integration.machines import wrong_clock
from ..support import ROOT

if TYPE_CHECKING:
    from pathlib import Path

SAY = "from transport.receive_clock import receive_clock; print(receive_clock())"


def test_linux_stamps_what_it_receives() -> None:
    assert receive_clock() == (KERNEL if sys.platform == "linux" else USER_SPACE)


def test_a_process_that_sees_another_time_than_the_kernel_takes_its_own(tmp_path: Path) -> None:
    wrong = os.environ | wrong_clock(tmp_path, -3.0)
    said = subprocess.run(
        [sys.executable, "-c", SAY], cwd=ROOT, env=wrong, capture_output=True, text=True, check=True
    )
    assert said.stdout.strip() == USER_SPACE


def test_a_timestamp_is_in_nanoseconds() -> None:
    ancillary = [(1, 35, (3).to_bytes(8, sys.byteorder) + (5).to_bytes(8, sys.byteorder))]
    assert stamped_ns(ancillary) == 3_000_000_005

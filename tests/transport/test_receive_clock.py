from __future__ import annotations

import os
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from loadtest.transport.receive_clock import (
    KERNEL,
    USER_SPACE,
    Stopwatch,
    clocks_by_transport,
    receive_clock,
    stamped_ns,
)

from ..integration.machines import wrong_clock
from ..support import ROOT

if TYPE_CHECKING:
    from pathlib import Path

SAY = "from loadtest.transport.receive_clock import receive_clock; print(receive_clock())"


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


def test_each_transport_has_its_clock() -> None:
    every = ("polling", "websocket")
    assert clocks_by_transport([KERNEL, KERNEL], every) == dict.fromkeys((*every, "rest"), KERNEL)
    mixed = clocks_by_transport([USER_SPACE, KERNEL], ("websocket",))
    assert mixed == dict.fromkeys(("websocket", "rest"), "kernel and user-space")
    assert clocks_by_transport([], ("websocket",)) == {"websocket": "", "rest": ""}


def test_a_stopwatch_times_until_the_timestamp_and_not_until_now() -> None:
    since_ns = time.time_ns() - 10**9
    watch = Stopwatch(since_ns)
    assert watch.until_ns(since_ns + 5) == 5
    assert watch.until_ns(since_ns) == 0


@pytest.mark.parametrize("set_ns", [-(10**15), 10**15])
def test_where_the_clock_was_set_meanwhile_a_stopwatch_times_until_now(set_ns: int) -> None:
    watch = Stopwatch()
    assert 0 < watch.until_ns(time.time_ns() + set_ns) < 10**15

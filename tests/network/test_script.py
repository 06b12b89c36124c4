"""Scripts of bad networks: what is read, what is refused, and when it is done."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
from random import Random
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtest.errors import Fault
from loadtest.exit_codes import ExitCode
from loadtest.network import script
from loadtest.network.conditions import BOTH, Conditions, Direction
from loadtest.network.player import play
from loadtest.network.relay import Relay
from loadtest.network.script import Step, parse

from ..support import ROOT

if TYPE_CHECKING:
    from pathlib import Path


def test_the_documented_script_is_one() -> None:
    assert script.__doc__ is not None
    example = "\n".join(line for line in script.__doc__.splitlines() if line.startswith("    "))
    assert parse(example) == [
        Step(0, "", (Direction.UP,), Conditions(0.04, 0.01, 0.01)),
        Step(0, "", (Direction.DOWN,), Conditions(latency_s=0.04, bytes_per_s=250_000)),
        Step(20, "stall", (Direction.DOWN,)),
        Step(25, "go-on"),
        Step(30, "reset"),
        Step(35, "refuse"),
        Step(40, "accept"),
        Step(50, "half-open", side="server"),
        Step(60, "cut"),
        Step(90, "end"),
    ]


@given(st.lists(st.tuples(st.integers(0, 999), st.sampled_from(["cut", "reset", "stall", "up stall", "loss=5%"]))))
def test_steps_come_in_order_of_time_whatever_separates_them(steps: list[tuple[int, str]]) -> None:
    lines = [f"{at} {act}  # why" for at, act in steps]
    found = parse("\n".join(lines))
    assert found == parse(";".join(line.partition("#")[0] for line in lines))
    assert [step.at_s for step in found] == sorted(at for at, _ in steps)


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("cut", "begins with 'cut'"),
        ("-3 cut", "begins with '-3'"),
        ("3", "nothing to do"),
        ("3 up", "nothing to do"),
        ("3 explode", "'explode' is nothing that can be done"),
        ("3 up cut", "'up cut' is nothing"),
        ("3 half-open", "'half-open' is nothing"),
        ("3 half-open middle", "'half-open middle' is nothing"),
        ("3 latency=5", "'latency=5' is none of latency=…ms/s"),
        ("3 latency=5kB", "'latency=5kB' is none"),
        ("3 loss=1% speed=3s", "'speed=3s' is none"),
        ("3 loss=101%", "more than everything"),
    ],
)
def test_what_is_no_step_is_refused_in_one_line(line: str, why: str) -> None:
    with pytest.raises(Fault) as caught:
        parse(f"0 cut\n{line}")
    assert why in str(caught.value)
    assert str(caught.value).count("\n") == 0


def test_each_step_is_done_to_the_relay_and_said() -> None:
    steps = parse(
        "0 up latency=1s;0.01 down stall;0.02 go-on;0.03 refuse;0.04 accept;0.05 cut;0.06 reset;"
        "0.07 half-open client;0.08 end;0.09 cut"
    )
    done: list[str] = []
    said: list[dict[str, Any]] = []

    class Spy(Relay):
        """Which says what is done to it."""

        def __getattribute__(self, name: str) -> Any:
            if name in {"stall", "go_on", "refuse", "accept", "cut", "reset", "half_open"}:
                done.append(name)
            return super().__getattribute__(name)

    with Spy(("127.0.0.1", 1), Random(1)) as relay:
        play(relay, steps, said.append)
        assert relay.conditions == {Direction.UP: Conditions(latency_s=1.0), Direction.DOWN: Conditions()}
    assert done == ["stall", "go_on", "refuse", "accept", "cut", "reset", "half_open", "go_on"]
    assert [row["act"] for row in said] == [step.act or "conditions" for step in steps[:-1]]
    assert said[1]["directions"] == ["down"]
    assert BOTH == (Direction.UP, Direction.DOWN)


COMMAND = [sys.executable, "-m", "loadtest.network"]


def run_network(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *arguments], cwd=ROOT, capture_output=True, text=True, timeout=30, check=False
    )


def test_the_command_until_its_script_ends_and_until_it_is_told_to(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        target = [f"127.0.0.1:{server.getsockname()[1]}"]
        log = tmp_path / "log"
        ended = run_network(*target, "--script", "0 loss=1%; 0.2 end", "--log", str(log))
        assert ended.returncode == ExitCode.PASSED, ended.stderr
        assert [json.loads(line)["act"] for line in log.read_text().splitlines()] == ["conditions", "end"]
        with subprocess.Popen([*COMMAND, *target], cwd=ROOT, stdout=subprocess.PIPE, text=True) as running:
            assert running.stdout is not None
            port = int(running.stdout.readline().split()[1].rpartition(":")[2])
            with socket.create_connection(("127.0.0.1", port), timeout=10) as client:
                client.sendall(b"hello")
                behind, _ = server.accept()
                assert behind.recv(10) == b"hello"
            running.send_signal(signal.SIGTERM)
            counts = json.loads(running.stdout.read())
            assert running.wait(10) == ExitCode.PASSED
            assert (counts["connections"], counts["up_bytes"]) == (1, 5)


def test_a_log_that_cannot_be_written_any_more_ends_it(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.symlink_to("/dev/full")
    ended = run_network("127.0.0.1:1", "--script", "0 cut; 600 end", "--log", str(log))
    assert ended.returncode == ExitCode.SETUP_FAILED
    assert f"could not be played to its end: --log {log} cannot be written: No space left" in ended.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ["nowhere"],
        ["127.0.0.1:99999"],
        ["127.0.0.1:1", "--script", "cut"],
        ["127.0.0.1:1", "--port", "99999"],
        ["127.0.0.1:1", "--log", "/no/such/folder/log"],
    ],
)
def test_a_command_that_is_wrong(arguments: list[str]) -> None:
    ended = run_network(*arguments)
    assert ended.returncode == ExitCode.USAGE
    assert ended.stderr.startswith("network: ")
    assert ended.stderr.count("\n") == 1

"""The whole load test against the official Socket.IO server on node: every transport, both parsers."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING

import pytest

from scenarios import capabilities as can

from ..support import ROOT, run_locust, summary_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

pytestmark = [pytest.mark.slow, pytest.mark.needs("node")]


@pytest.fixture
def node_backend() -> Iterator[Callable[[str], str]]:
    """Starts the documented backend on node with a parser; gives its URL."""
    started = []

    def start(parser: str) -> str:
        script = str(ROOT / "tests" / "contract" / "backend.mjs")
        process = subprocess.Popen(
            ["node", script, json.dumps({"parser": parser})], stdout=subprocess.PIPE, text=True
        )
        started.append(process)
        assert process.stdout is not None
        return f"http://127.0.0.1:{int(process.stdout.readline())}"

    yield start
    for process in started:
        process.kill()
        process.wait()


@pytest.mark.parametrize("transport", ["websocket", "polling", "upgrade"])
@pytest.mark.parametrize("parser", ["default", "msgpack"])
def test_the_core_suite(node_backend: Callable[[str], str], tmp_path: Path, parser: str, transport: str) -> None:
    ended = run_locust(
        node_backend(parser),
        *("--config", str(ROOT / "suites" / "core.conf"), "--run-time", "30s", "--think-time", "0.2:0.6"),
        *("--parser", parser, "--transport", transport, "--results-dir", str(tmp_path), "--no-report"),
        timeout_s=110,
    )
    summary = summary_of(tmp_path)
    deliveries = summary["deliveries"]
    assert deliveries["delivered"] == deliveries["expected"] > 1000, ended.stdout[-3000:]
    assert deliveries["leaked"] == deliveries["duplicate"] == deliveries["corrupt"] == 0
    wrong = [row for row in summary["conformance"] if row["outcome"] != "passed"]
    assert not wrong, ended.stdout[-3000:]
    answers = summary["capabilities"]
    assert answers[can.UPGRADE]["yes"] is True
    assert answers[can.EIO3]["yes"] is False
    assert answers[can.RECOVERY]["yes"] is False

"""Official clients and browsers among the members: by every transport and parser, and where less comes to them."""

from __future__ import annotations

import re
import shutil
from typing import TYPE_CHECKING, Any

import pytest

from loadtest.exit_codes import ExitCode

from ..support import node_server, run_locust, start_backend, summary_of

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.slow, pytest.mark.calm, pytest.mark.needs("node"), pytest.mark.needs("canaries")]

ANY_ORIGIN = {"cors": {"origin": "*"}}
"""Without it a browser lets no page read what the backend answers to long-polling."""
MIXED = {
    # Name -> transport at the end.
    "node-2:polling": "polling",
    "node-3": "websocket",
    "node-4:upgrade": "websocket",
    "chromium:upgrade": "websocket",
    "firefox:polling": "polling",
}


def run(url: str, results: Path, names: str, *more: str) -> tuple[int, dict[str, dict[str, Any]]]:
    """The exit code of a run with canaries, and what became of each.

    Browsers start before publishers begin, and a publisher's triggers are so far from each other that they come in
    order also where a machine is busy.
    """
    ended = run_locust(
        url,
        *(
            "-u",
            "28",
            "-r",
            "28",
            "-t",
            "14s",
            "--warm-up",
            "4",
            "--rooms",
            "3",
            "--rate",
            "10",
            "--publishers",
            "8",
        ),
        *("--canaries", names, "--results-dir", str(results), *more),
    )
    found = {row["name"]: row for row in summary_of(results)["canaries"]}
    for line in [line for line in ended.stdout.splitlines() if line.startswith("Canary ")]:
        assert any(name in line and row["outcome"] in line for name, row in found.items()), line
    return ended.returncode, found


@pytest.mark.needs("firefox-esr")
def test_official_clients_of_all_versions_and_browsers_see_what_the_others_see(tmp_path: Path) -> None:
    with node_server("backend.mjs", {"server": {"allowEIO3": True}}) as url:
        code, found = run(url, tmp_path, "all")
    assert {row["outcome"] for row in found.values()} == {"sees the same"}, found
    assert code != ExitCode.CHECK_FAILED
    # At the edge of a membership more may come than is owed.
    seen = {
        name: (row["expected"], row["arrived"] - row["replayed"], row["latency_ms"]["count"])
        for name, row in found.items()
    }
    # Each trigger has three broadcasts, of which the completion has no latency.
    for expected, arrived, timed in seen.values():
        assert expected > 20, seen
        assert 2 * arrived - 9 <= 3 * timed <= 2 * arrived + 9, seen
    assert "socket.io-client 2.5.0 on node" in found["node-2"]["client"]
    assert re.search(r"on a page in (Headless)?Chrome/", found["chromium"]["client"])
    assert "on a page in Firefox/" in found["firefox"]["client"]
    polling = {name for name, row in found.items() if row["transport"] != "websocket"}
    assert polling == {"node-4:polling"}, "an upgrade has ended with WebSocket"
    assert {row["parser"] for row in found.values()} == {"default"}
    page = (tmp_path / "latest" / "report.html").read_text(encoding="utf-8")
    assert page.count("sees the same") == len(found)


@pytest.mark.needs("firefox-esr")
def test_of_clients_by_all_transports_with_msgpack_the_one_that_misses_a_broadcast_says_so(tmp_path: Path) -> None:
    fault = {"agent": "Firefox", "event": "taskStatusUpdate", "nth": 16}
    options = {"parser": "msgpack", "server": {"allowEIO3": True, **ANY_ORIGIN}, "misses": fault}
    with node_server("backend.mjs", options) as url:
        more = ("--parser", "msgpack", "--in-flight-window", "1", "--no-report")
        _, found = run(url, tmp_path, ",".join(MIXED), *more)
    firefox = found["firefox:polling"]
    assert (firefox["outcome"], firefox["evidence"]) == ("differs", "1 lost"), found
    assert firefox["delivered"] == firefox["expected"] - 1 > 20
    others = {row["outcome"] for name, row in found.items() if name != "firefox:polling"}
    assert others == {"sees the same"}, found
    assert {name: row["transport"] for name, row in found.items()} == MIXED
    assert {row["parser"] for row in found.values()} == {"msgpack"}


def test_canaries_that_are_told_less_than_the_others_say_so(tmp_path: Path) -> None:
    names = "node-2,node-3,node-4:polling,node-4:upgrade,chromium"
    backend = start_backend("documented", "--throttle-limit", "0", "--faults", "drop=0.2")
    try:
        code, found = run(backend.url, tmp_path, names, "--no-report")
    finally:
        backend.stop()
    assert found.pop("node-2")["outcome"] == "not supported"
    assert {row["outcome"] for row in found.values()} == {"differs"}, found
    assert all(0.05 < row["lost"] / row["expected"] < 0.5 for row in found.values())
    assert summary_of(tmp_path)["conformance_holds"] is False
    # A machine that has much else to do may invalidate a run.
    assert code in (ExitCode.CHECK_FAILED, ExitCode.RUN_INVALID)


def test_what_was_not_upgraded_and_what_is_not_offered_is_told(tmp_path: Path) -> None:
    with node_server("backend.mjs", {"server": {"transports": ["polling"]}}) as url:
        names = "node-4,node-3:polling,node-4:upgrade,chromium:polling"
        _, found = run(
            url, tmp_path, names, "--transport", "polling", "--no-report", "-t", "8s", "--patience", "2"
        )
    told = {name: (row["outcome"], row["transport"]) for name, row in found.items()}
    assert told == {
        "node-4": ("not supported", ""),
        "node-3:polling": ("sees the same", "polling"),
        "node-4:upgrade": ("sees the same", "polling"),
        "chromium:polling": ("was not there", ""),
    }, found
    assert found["chromium:polling"]["evidence"].endswith("(CORS)"), "the server names no origin"


def test_without_its_browser_no_run_begins(tmp_path: Path) -> None:
    node = shutil.which("node")
    assert node is not None
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "node").symlink_to(node)
    ended = run_locust(
        "http://127.0.0.1:9",
        *("-u", "8", "-r", "8", "-t", "2s", "--canaries", "node-4,firefox:polling"),
        *("--results-dir", str(tmp_path / "results")),
        environment={"PATH": str(tmp_path / "bin")},
    )
    assert ended.returncode == ExitCode.SETUP_FAILED
    assert "Traceback" not in ended.stderr
    (line,) = [line for line in ended.stderr.splitlines() if "--canaries" in line]
    assert "expected one of the programs firefox-esr, firefox for firefox, got none" in line
    assert "Install it (Debian: apt-get install firefox-esr), or leave firefox out." in line
    assert not (tmp_path / "results").exists()

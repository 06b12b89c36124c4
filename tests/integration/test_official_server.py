"""The whole load test against the official Socket.IO server on node: every transport, both parsers."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest

from lab.cluster import broker
from loadtest.scenarios import capabilities as can

from ..support import ROOT, node_server, run_locust, summary_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

pytestmark = [pytest.mark.slow, pytest.mark.calm, pytest.mark.needs("node")]


@pytest.fixture
def node_backend() -> Iterator[Callable[[str], str]]:
    """Starts the documented backend on node with a parser; gives its URL."""
    with ExitStack() as stack:
        yield lambda parser: stack.enter_context(node_server("backend.mjs", {"parser": parser}))


def play(url: str, results: Path, suite: str, *more: str) -> dict[str, Any]:
    """The summary of a suite's run; everything that was owed came, and every check passed that could be made."""
    ended = run_locust(
        url,
        *(
            "--config",
            str(ROOT / "loadtest" / "suites" / f"{suite}.conf"),
            "--run-time",
            "30s",
            "--think-time",
            "0.2:0.6",
            "--session-length",
            "12",
        ),
        *("--results-dir", str(results), "--no-report", *more),
        timeout_s=110,
    )
    summary = summary_of(results)
    deliveries = summary["deliveries"]
    assert deliveries["delivered"] == deliveries["expected"] > 0, ended.stdout[-3000:]
    assert deliveries["leaked"] == deliveries["duplicate"] == deliveries["corrupt"] == 0
    wrong = [
        row
        for row in summary["conformance"]
        if row["outcome"] in ("failed", "not checked") and "events a second" not in row["check"]
    ]
    assert not wrong, ended.stdout[-3000:]
    return summary


@pytest.mark.parametrize("transport", ["websocket", "polling", "upgrade"])
@pytest.mark.parametrize("parser", ["default", "msgpack"])
def test_the_core_suite(node_backend: Callable[[str], str], tmp_path: Path, parser: str, transport: str) -> None:
    more = ["--parser", parser, "--transport", transport]
    summary = play(node_backend(parser), tmp_path, "core", *more)
    # The client of the upgrade's scenario speaks the default parser alone.
    skipped = {row["scenario"] for row in summary["conformance"] if row["outcome"] == "skipped"}
    assert skipped == ({"a protocol upgrade", "large payloads"} if parser == "msgpack" else set())
    assert {row["outcome"] for row in summary["conformance"]} <= {"passed", "skipped"}
    answers = summary["capabilities"]
    assert answers[can.PING]["yes"] is True, "what is sent comes back as it was"
    assert answers[can.UPGRADE]["yes"] is True
    assert answers[can.UPGRADE]["evidence"].endswith("; made") is (parser == "default")
    assert answers[can.EIO3]["yes"] is False
    assert answers[can.RECOVERY]["yes"] is False


@pytest.mark.parametrize("suite", ["stress", "integration", "production", "security"])
def test_the_other_suites(node_backend: Callable[[str], str], tmp_path: Path, suite: str) -> None:
    summary = play(node_backend("default"), tmp_path, suite)
    outcomes = {row["check"]: row["outcome"] for row in summary["conformance"]}
    # Nobody has the key that this backend has made for itself, and a token without an id takes it.
    assert {check for check, outcome in outcomes.items() if outcome == "skipped"} <= {
        *("it opens no room", "it is let in before", "it is refused after", "REST refuses it"),
        "it comes back with a renewed token",
    }
    assert "not supported" not in outcomes.values()


@pytest.mark.parametrize(
    ("server", "recovers"),
    [
        ({"connectionStateRecovery": {}}, True),
        ({}, False),
        ({"connectionStateRecovery": {"maxDisconnectionDuration": 50}}, False),
    ],
    ids=["on", "off", "too short"],
)
@pytest.mark.parametrize("parser", ["default", "msgpack"])
def test_what_a_drop_costs_with_recovery_and_without(
    tmp_path: Path, parser: str, server: dict[str, Any], recovers: bool
) -> None:
    with node_server("backend.mjs", {"parser": parser, "server": server}) as url:
        ended = run_locust(
            url,
            *("-u", "44", "-r", "44", "-t", "12s", "--rooms", "5", "--rate", "20", "--parser", parser),
            *("--drop-every", "3", "--reconnect-delay", "0.5", "--reconnect-jitter", "0"),
            *("--results-dir", str(tmp_path)),
        )
    summary = summary_of(tmp_path)
    deliveries, connections = summary["deliveries"], summary["connections"]
    assert connections["lost"] == connections["reconnects"] > 40, ended.stdout[-3000:]
    assert connections["away"] == 0
    assert connections["recovered"] == (connections["reconnects"] if recovers else 0)
    assert deliveries["duplicate"] == deliveries["leaked"] == deliveries["reordered"] == 0
    assert deliveries["lost"] == deliveries["missed_offline"], "what was not lost by a drop came"
    # Half a second offline of each three and a half.
    share = (deliveries["replayed"] if recovers else deliveries["lost"]) / deliveries["expected"]
    assert 0.07 < share < 0.25
    assert deliveries["lost"] == 0 if recovers else deliveries["replayed"] < 0.02 * deliveries["expected"]
    assert (summary["replay_ms"]["count"] > 0) or not recovers
    assert "Lost connections" in (tmp_path / "latest" / "report.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("transport", ["websocket", "polling"])
@pytest.mark.parametrize("parser", ["default", "msgpack"])
def test_broadcasts_with_attachments_that_want_acknowledgements_are_delivered(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], parser: str, transport: str
) -> None:
    with node_server("backend.mjs", {"parser": parser, "attaches": True, "asks": True}) as url:
        deliveries = deliveries_of(url, tmp_path, "--parser", parser, "--transport", transport)
    assert deliveries["delivered"] == deliveries["expected"] > 100
    assert deliveries["corrupt"] == 0
    # Those that were under way when the last members left stay unanswered.
    assert capfd.readouterr().err.count("no acknowledgement") < 20


def test_frames_that_no_client_can_parse_are_corrupt_and_not_delivered(tmp_path: Path) -> None:
    with node_server("backend.mjs", {"breaks": True}) as url:
        deliveries = deliveries_of(url, tmp_path)
    assert deliveries["corrupt"] > 20
    # Few logs carry a trace; those are expected, and the others corrupt all the same.
    assert 0 < deliveries["lost"] == deliveries["expected"] - deliveries["delivered"] < deliveries["corrupt"]


def deliveries_of(url: str, results: Path, *more: str) -> dict[str, Any]:
    """What became of the broadcasts of a short run."""
    options = ("-u", "24", "-r", "24", "-t", "8s", "--rooms", "4", "--rate", "10", "--no-report")
    run_locust(url, *options, "--results-dir", str(results), *more)
    deliveries: dict[str, Any] = summary_of(results)["deliveries"]
    return deliveries


def test_several_instances_share_their_rooms_by_redis(tmp_path: Path) -> None:
    with ExitStack() as stack:
        shared = {"redis": stack.enter_context(broker.embedded(tmp_path)), "secret": "of both of them"}
        urls = [
            stack.enter_context(node_server("backend.mjs", {**shared, "instance": name}))
            for name in ("one", "two")
        ]
        ended = run_locust(
            ",".join(urls),
            *("-u", "44", "-r", "44", "-t", "8s", "--rooms", "4", "--rate", "20"),
            *("--results-dir", str(tmp_path), "--no-report"),
        )
    summary = summary_of(tmp_path)
    assert summary["deliveries"]["lost"] == 0, ended.stdout[-3000:]
    ways = {(way["triggered"], way["member"]): way["expected"] for way in summary["instances"]["paths"]}
    assert set(ways) == {("one", "one"), ("one", "two"), ("two", "one"), ("two", "two")}
    assert all(ways.values())
    assert summary["instances"]["members"] == {"one": 20, "two": 20}


def test_connection_state_recovery_is_noticed(tmp_path: Path) -> None:
    options = {"server": {"connectionStateRecovery": {}, "allowEIO3": True}}
    with node_server("backend.mjs", options) as url:
        run_locust(url, "-u", "5", "-r", "10", "-t", "3s", "--results-dir", str(tmp_path), "--no-report")
    answers = summary_of(tmp_path)["capabilities"]
    assert answers[can.RECOVERY]["yes"] is True
    assert answers[can.EIO3]["yes"] is True

"""A real run against a chat whose events have names that are no file names."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from loadtest.exit_codes import ExitCode
from loadtest.measurement import names
from loadtest.processes import free_port
from loadtest.reports.load import load

from ..support import csv_rows, run_locust, summary_of, until_listening

if TYPE_CHECKING:
    from pathlib import Path

_SPOKEN, _COUNTED = 'chat/"message"\n', "=trigger"
_NAMES = f"SPOKEN, COUNTED = {_SPOKEN!r}, {_COUNTED!r}\n"
_SERVER = (
    _NAMES
    + """
import sys
import uvicorn
from examples.chat import server as chat
import socketio

class Server(socketio.AsyncServer):
    async def emit(self, event, *more, **options):
        await super().emit({"message": SPOKEN, "counted": COUNTED}.get(event, event), *more, **options)

chat.socketio.AsyncServer = Server
uvicorn.run(chat.chat(0), host="127.0.0.1", port=int(sys.argv[1]), log_level="warning")
"""
)
_ADAPTER = (
    _NAMES
    + """
from examples import chat
from loadtest.measurement.sighting import Slot

class Reader(chat.Reader):
    slots = (Slot(SPOKEN), Slot(COUNTED))
    events = (SPOKEN, COUNTED)

    def read(self, event, frame):
        return super().read({SPOKEN: "message", COUNTED: "counted"}[event], frame)

class Chat(chat.Chat):
    reader = Reader()

BACKEND = Chat()
"""
)


@pytest.mark.slow
def test_a_run_whose_events_are_no_file_names_leaves_its_whole_record(tmp_path: Path) -> None:
    (tmp_path / "own_adapter.py").write_text(_ADAPTER, encoding="utf-8")
    results, port = tmp_path / "results", free_port()
    with subprocess.Popen([sys.executable, "-c", _SERVER, str(port)]) as process:
        try:
            until_listening(port)
            ended = run_locust(
                f"http://127.0.0.1:{port}",
                *("--backend", "own_adapter", "--monitor", "none", "--rooms", "2", "--rate", "20"),
                *(
                    "-u",
                    "24",
                    "-r",
                    "100",
                    "-t",
                    "6s",
                    "--results-dir",
                    str(results),
                    "--csv",
                    str(tmp_path / "locust"),
                ),
                environment={"PYTHONPATH": str(tmp_path)},
            )
        finally:
            process.terminate()
    assert ended.returncode != ExitCode.SETUP_FAILED, ended.stderr
    summary = summary_of(results)
    deliveries = summary["deliveries"]
    assert deliveries["delivered"] == deliveries["expected"] > 500
    assert [*summary["latency_ms"]] == [_SPOKEN, _COUNTED]
    assert all(times["count"] for times in summary["latency_ms"].values())
    record = load((results / "latest").resolve())
    assert record.missing == []
    assert set(record.tables["rooms"]["event"]) == {_SPOKEN, _COUNTED}
    assert {row["event"] for row in csv_rows(results, "rooms")} == {_SPOKEN, f"'{_COUNTED}"}
    for event in (_SPOKEN, _COUNTED):
        whole = record.histogram(names.key_of(event))
        assert whole is not None
        assert whole.sum() == summary["latency_ms"][event]["count"]
    assert (record.where / "report.html").is_file(), ended.stdout
    assert r'chat/"message"\n ' in ended.stdout
    assert "'=trigger" in (tmp_path / "locust_stats.csv").read_text(encoding="utf-8")

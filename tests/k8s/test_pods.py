"""Runs in real pods: master, workers and backend as the chart renders them, from the image that it names."""

from __future__ import annotations

import itertools
import json
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import urllib3

from loadtest.exit_codes import ExitCode

from ..put_server import PutServer
from ..support import code_of, summary_of, until
from . import podman as pods
from .renders import MINE, objects, one

if TYPE_CHECKING:
    from collections.abc import Iterator

STORE = "LOADTEST_PODS"
"""A folder that stays, so that images are built once: for whoever works on these tests."""

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(900),
    pytest.mark.skipif(pods.why_not() is not None, reason=f"no pods here: {pods.why_not()}"),
]
BACKEND = "demo-prometheus-loadtest-backend"
SHORT = {
    "referenceBackend": {"enabled": True},
    "options": {"users": 14, "rooms": 2, "publishers": 2, "rate": 10, "spawn-rate": 20, "run-time": "15s"},
}
IMPOSSIBLE = '[[slo]]\nname = "latency"\nfigure = "latency_p99_ms"\nbelow = 0.001\n'


@pytest.fixture(scope="module")
def podman(tmp_path_factory: pytest.TempPathFactory) -> Iterator[pods.Podman]:
    kept = os.environ.get(STORE)
    folder = Path(kept) if kept else tmp_path_factory.mktemp("podman")
    podman = pods.Podman(folder)
    if not (kept and (folder / "graph").exists()):
        podman.build()
    podman.begin()
    yield podman
    podman.end()
    if not kept:
        podman("rmi", "--all", "--force", check=False)
        shutil.rmtree(folder, ignore_errors=True)


class Fleet:
    """A release in pods.

    :param values: the chart's.
    """

    def __init__(self, podman: pods.Podman, folder: Path, values: dict[str, Any]) -> None:
        self.podman = podman
        found = objects({**SHORT, **values})
        self._files = {each["metadata"]["name"]: each["data"] for each in found if each["kind"] == "ConfigMap"}
        self.objects = found
        self._folder = folder
        self.backend = self._play(one(found, "Deployment", "backend"), BACKEND)
        podman.until_said(BACKEND, "backend", "reference-backend: http://")
        kind = "Deployment" if values.get("mode") == "ui" else "Job"
        service = one(found, "Service", "master")["metadata"]["name"]
        self.master = self._play(one(found, kind, "master"), service)
        self.results = folder / "demo-prometheus-loadtest-results"
        workers = one(found, kind, "workers")
        self.workers = [self._play(workers, f"{service}-workers-{at}") for at in range(2)]

    def _play(self, thing: dict[str, Any], name: str) -> str:
        return self.podman.play(pods.as_pod(thing, name, self._folder, self._files))

    def play(self, component: str, name: str) -> pods.Ended:
        """Run a pod of `helm test`."""
        (test,) = [one for one in self.objects if one["metadata"]["name"].endswith(f"-test-{component}")]
        self._play(test, name)
        ended = self.podman.wait(name, "test")
        self.podman.remove(name)
        return ended

    def until_publishing(self) -> None:
        self.podman.until_said(self.master, "master", "latency p50")

    def end(self) -> pods.Ended:
        return self.podman.wait(self.master, "master")

    def summary(self) -> dict[str, Any]:
        return summary_of(self.results)


@pytest.fixture
def fleets(podman: pods.Podman, tmp_path: Path) -> Iterator[Any]:
    numbers = itertools.count()

    def make(values: dict[str, Any]) -> Fleet:
        podman.clear()
        return Fleet(podman, tmp_path / str(next(numbers)), values)

    yield make
    podman.clear()


def test_a_run_passes_and_leaves_its_record_on_the_volume(fleets: Any, podman: pods.Podman) -> None:
    for _ in range(3):
        fleet = fleets({})
        fleet.until_publishing()
        inside = podman("exec", f"{fleet.master}-master", "sh", "-c", INSIDE, check=False)
        healthy = [
            podman("exec", f"{pod}-{name}", "sh", "-c", "healthcheck && echo healthy", check=False)
            for pod, name in ((fleet.master, "master"), (fleet.workers[0], "worker"))
        ]
        ended = fleet.end()
        # A machine that is shared may be too busy for a run to be believed; then it says so.
        if ended.code not in {ExitCode.RUN_SUSPECT, ExitCode.RUN_INVALID}:
            break
    summary = fleet.summary()
    assert ended.code == ExitCode.PASSED == code_of(summary), ended.log[-3000:]
    assert summary["workers"] == 2
    assert summary["deliveries"]["delivered"] == summary["deliveries"]["expected"] > 0
    assert (fleet.results / "latest" / "report.html").exists()
    assert [podman.wait(worker, "worker").code for worker in fleet.workers] == [0, 0]
    expected = "10001 tini read-only writable 0000000000000000 no-pip 20000"
    assert " ".join(inside.split()) == expected
    assert healthy == ["healthy\n", "healthy\n"]


INSIDE = r"""
id -u
cat /proc/1/comm
touch /app/x 2>/dev/null && echo root-writable || echo read-only
touch /tmp/x && echo writable
grep CapEff /proc/1/status | cut -f2
command -v pip pip3 gcc make >/dev/null && echo tools || echo no-pip
grep --files-with-matches --null-data -- --master /proc/[0-9]*/cmdline | head -n 1 | xargs dirname \
  | xargs -I @ grep "open files" @/limits | awk '{print $4}'
"""


def test_an_objective_that_does_not_hold_is_the_exit_code(fleets: Any) -> None:
    fleet = fleets({"objectives": IMPOSSIBLE})
    ended = fleet.end()
    assert ended.code == code_of(fleet.summary()), ended.log[-3000:]
    assert ended.code in {ExitCode.OBJECTIVE_FAILED, ExitCode.RUN_SUSPECT}
    assert [row["name"] for row in fleet.summary()["slo"] if row["passed"] is False] == ["latency"]


def test_a_worker_that_is_killed_makes_the_run_invalid(fleets: Any, podman: pods.Podman) -> None:
    fleet = fleets({})
    fleet.until_publishing()
    podman("kill", f"{fleet.workers[1]}-worker")
    ended = fleet.end()
    assert ended.code == ExitCode.LOST_WORKERS, ended.log[-3000:]
    assert fleet.summary()["lost_workers"] == 1


def test_sigterm_leaves_a_record_and_it_is_sent_away(fleets: Any, podman: pods.Podman) -> None:
    # The bridge has its address only while a pod is on it.
    with PutServer("0.0.0.0") as receiver:
        options = SHORT["options"] | {"run-time": "3m"}
        fleet = fleets({"options": options, "results": {"upload": {"to": receiver.url(podman.gateway())}}})
        podman.until_said(fleet.master, "upload", "files are there")
        fleet.until_publishing()
        podman("kill", "--signal", "TERM", f"{fleet.master}-master")
        ended = fleet.end()
    summary = fleet.summary()
    assert summary["interrupted"]
    assert summary["deliveries"]["delivered"] == summary["deliveries"]["expected"] > 0
    assert ended.code == code_of(summary) != ExitCode.PASSED
    sent = receiver.files
    assert json.loads(sent[f"/runs/{summary['run_id']}/summary.json"]) == summary
    assert f"/runs/{summary['run_id']}/report.html" in sent
    assert "upload: " in podman.log(fleet.master, "upload")


def test_helm_s_tests_pass_with_a_locustfile_of_one_s_own(fleets: Any) -> None:
    mine = {"path": "/mnt/locust/mine.py", "files": {"mine.py": MINE}}
    fleet = fleets({"helmTests": {"users": 6, "runTime": "6s"}, "locustfile": mine})
    assert "Viewer" in fleet.play("locustfile", "test-locustfile").log
    assert fleet.play("target", "test-target").code == 0
    load = fleet.play("load", "test-load")
    assert load.code in {ExitCode.PASSED, ExitCode.RUN_SUSPECT}, load.log[-3000:]


def test_the_web_page_starts_a_run_on_workers_that_stay(podman: pods.Podman, fleets: Any) -> None:
    fleet = fleets({"mode": "ui"})
    page = f"http://{podman.address(fleet.master)}:8089"
    pool = urllib3.PoolManager(retries=False, timeout=10)

    def state() -> Any:
        return pool.request("GET", f"{page}/stats/requests").json()

    until(lambda: len(state()["workers"]) == 2, not_yet=urllib3.exceptions.HTTPError)
    assert fleet.play("master", "test-master").code == 0
    assert pool.request("GET", f"{page.removesuffix(':8089')}:9646/metrics").status == 200
    form = {"user_count": "14", "spawn_rate": "100", "host": f"http://{BACKEND}:3001", "rooms": "2"}
    assert pool.request("POST", f"{page}/swarm", fields=form, encode_multipart=False).status == 200
    until(lambda: sum(row["num_requests"] for row in state()["stats"] if row["name"] == "agentLog") > 50)
    assert pool.request("POST", f"{page}/stop").status == 200
    until(lambda: state()["state"] == "stopped")
    summary = fleet.summary()
    assert summary["workers"] == 2
    assert summary["deliveries"]["delivered"] == summary["deliveries"]["expected"] > 0
    assert podman("exec", f"{fleet.workers[0]}-worker", "sh", "-c", "healthcheck && echo healthy") == "healthy\n"

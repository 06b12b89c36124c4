"""Locustfiles of a user's own: the documented one works under every name; one without hooks says so and fails."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import urllib3

from loadtest.exit_codes import ExitCode
from loadtest.processes import free_port, locust_environment

from ..support import ROOT, run_locust, summary_of, until, web_page
from .fleets import master_of, running, worker_of
from .runs import state

if TYPE_CHECKING:
    from ..support import Backend

pytestmark = pytest.mark.slow

NOWHERE = "http://127.0.0.1:9"
NOT_INSTALLED = "expected a locustfile that installs the load test, got one that does not"
IMPORTS_ITSELF = (
    "from locustfile import *\nfrom loadtest.users import Publisher\nfrom loadtest.users import Viewer\n"
)
WITHOUT_HOOKS = {
    "locustfile.py": IMPORTS_ITSELF,
    "bare.py": "from loadtest.users import Viewer\n",
    "roles.py": "from loadtest.users.roles import *\n",
    "audience.py": "from loadtest.users import Audience\n",
    "own.py": (
        "from locust import HttpUser, task\n"
        "from loadtest.users.socketio_user import SocketIOUser\n"
        "class Mine(SocketIOUser):\n"
        "    @task\n"
        "    def act(self): self.connect(None)\n"
        "class Rest(HttpUser):\n"
        "    @task\n"
        "    def get(self): self.client.get('/')\n"
    ),
}


@pytest.fixture
def locustfile(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    path = tmp_path / request.param
    path.write_text(WITHOUT_HOOKS[request.param], encoding="utf-8")
    return path


def says_so_once(output: str, times: int = 1) -> None:
    lines = [line for line in output.splitlines() if NOT_INSTALLED in line]
    assert len(lines) == times, output
    assert "(fault of the locustfile)" in lines[0]
    assert "`from loadtest import install`" in lines[0]
    assert "`install()`" in lines[0]
    assert output.count("/ERROR/") == times
    assert "Viewer.on_start" not in output
    assert "StopUser" not in output


@pytest.mark.parametrize("locustfile", WITHOUT_HOOKS, indirect=True)
@pytest.mark.parametrize("more", [(), ("-t", "3s"), ("--exit-code-on-error", "0")])
def test_without_hooks_the_first_user_says_so_and_the_run_fails(locustfile: Path, more: tuple[str, ...]) -> None:
    ended = run_locust(NOWHERE, "-u", "30", "-r", "10", *more, locustfile=locustfile)
    says_so_once(ended.stdout + ended.stderr)
    assert ended.returncode == ExitCode.SETUP_FAILED


@pytest.mark.parametrize("locustfile", ["locustfile.py"], indirect=True)
def test_without_hooks_the_workers_say_so_and_the_master_fails(locustfile: Path) -> None:
    port = str(free_port())
    more = ("--processes", "2", "--master-bind-port", port, "--master-port", port)
    ended = run_locust(NOWHERE, "-u", "30", "-r", "10", *more, locustfile=locustfile)
    says_so_once(ended.stdout + ended.stderr, times=2)
    assert ended.returncode == 1


@pytest.mark.parametrize(
    ("master", "worker", "codes", "said"),
    [
        ("bare.py", "bare.py", (1, 1), NOT_INSTALLED),
        ("bare.py", str(ROOT / "locustfile.py"), (1, 1), "expected the run's plan from the master"),
        (str(ROOT / "locustfile.py"), "bare.py", (3, 0), "with a locustfile that calls `install()`"),
    ],
)
def test_hooks_are_needed_on_the_master_and_on_every_worker(
    tmp_path: Path, master: str, worker: str, codes: tuple[int, int], said: str
) -> None:
    (tmp_path / "bare.py").write_text(WITHOUT_HOOKS["bare.py"], encoding="utf-8")
    port = free_port()
    load = ["--master-bind-host", "127.0.0.1", "-u", "10", "-r", "10"]
    command = master_of(port, NOWHERE, tmp_path, *load, workers=1, locustfile=tmp_path / master)
    if master == "bare.py":
        # It does not know our options.
        command = [part for part in command if part not in ("--results-dir", str(tmp_path))]
    with running((command, {}), (worker_of(port, locustfile=tmp_path / worker), {})) as processes:
        outputs = [process.communicate(timeout=60)[0] for process in processes]
        found = [process.returncode for process in processes]
    assert tuple(found) == codes, outputs
    logged = [line for line in "".join(outputs).splitlines() if not line.startswith("NOT RUN: ")]
    assert "\n".join(logged).count(said) == 1
    assert "Traceback" not in "".join(outputs)


@pytest.mark.parametrize("locustfile", ["locustfile.py"], indirect=True)
def test_without_hooks_the_page_s_run_stops_each_time(locustfile: Path, tmp_path: Path) -> None:
    log = tmp_path / "log"
    with web_page(NOWHERE, log, locustfile=locustfile) as (process, url), urllib3.PoolManager() as pool:
        for times in (1, 2):
            form = {"user_count": "10", "spawn_rate": "10", "host": NOWHERE}
            pool.request("POST", f"{url}/swarm", fields=form, encode_multipart=False)
            until(lambda times=times: log.read_text().count(NOT_INSTALLED) == times)  # type: ignore[misc]
            until(lambda: state(pool, url) == "stopped")
        assert "installs the load test" in pool.request("GET", f"{url}/exceptions").data.decode()
    assert process.returncode == ExitCode.SETUP_FAILED
    assert "StopUser" not in log.read_text()


def documented_code() -> str:
    page = (ROOT / "docs" / "writing-a-scenario.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    return str(code)


@pytest.mark.parametrize("name", ["locustfile.py", "my_load.py", "viewer.py"])
def test_the_documented_locustfile_works_whatever_it_is_called(
    documented: Backend, tmp_path: Path, name: str
) -> None:
    (tmp_path / name).write_text(documented_code(), encoding="utf-8")
    size = (
        "-u",
        "14",
        "-r",
        "20",
        "-t",
        "6s",
        "--rooms",
        "1",
        "--mix",
        "Viewer=8,Tabber=2",
        "--think-time",
        "1:2",
    )
    results = tmp_path / "results"
    ended = run_locust(
        *(documented.url, *size, "--no-report", "--results-dir", str(results)),
        environment=documented.by_sql,
        locustfile=tmp_path / name,
    )
    assert summary_of(results)["users_by_class"] == {"Viewer": 8, "Tabber": 2, "Publisher": 4}, ended.stderr
    assert summary_of(results)["deliveries"]["delivered"] > 0


def test_hooks_may_be_installed_more_than_once(tmp_path: Path) -> None:
    path = tmp_path / "twice.py"
    path.write_text("from locustfile import *\nfrom loadtest import install\ninstall()\n", encoding="utf-8")
    ended = run_locust(NOWHERE, "-u", "14", "-r", "20", "-t", "6s", locustfile=path)
    assert ended.returncode == ExitCode.SETUP_FAILED
    assert ended.stderr.count("cannot reach the backend") == 1
    assert "Traceback" not in ended.stderr


# The page's form


def test_the_form_begins_with_a_valid_run(documented: Backend, tmp_path: Path) -> None:
    options = ("--results-dir", str(tmp_path), "--no-report")
    with web_page(documented.url, tmp_path / "log", *options) as (_, url), urllib3.PoolManager() as pool:
        html = pool.request("GET", url).data.decode()
        found = dict(re.findall(r'"(num_users|spawn_rate)": ([\d.]+|null)', html))
        assert found == {"num_users": "24", "spawn_rate": "10.0"}
        form = {"user_count": found["num_users"], "spawn_rate": found["spawn_rate"], "host": documented.url}

        def swarm(**more: str) -> dict[str, Any]:
            answer = pool.request("POST", f"{url}/swarm", fields=form | more, encode_multipart=False)
            return answer.json()  # type: ignore[no-any-return]

        assert "expected at least 5 users, got --users 4" in swarm(user_count="4")["message"]
        assert swarm(run_time="12s")["success"]
        until((tmp_path / "latest").exists)
    summary = summary_of(tmp_path)
    # A busy machine makes it suspect.
    assert summary["validity"]["verdict"] != "invalid", summary["validity"]
    assert summary["users_by_class"] == {"Viewer": 20, "Publisher": 4}
    assert summary["deliveries"]["expected"] > 0


@pytest.mark.parametrize(
    "more", [("-u", "4"), ("-u", "40", "-r", "1", "-t", "40s"), ("--mix", "Viewer", "-u", "3")]
)
def test_a_senseless_run_that_begins_by_itself_is_refused_before_the_page_is_there(more: tuple[str, ...]) -> None:
    command = [sys.executable, "-m", "locust", "-f", str(ROOT / "locustfile.py"), "--autostart", "--host", NOWHERE]
    command += ["--web-port", str(free_port()), *more]
    ended = subprocess.run(
        command, cwd=ROOT, env=locust_environment(), capture_output=True, text=True, timeout=60, check=False
    )
    assert ended.returncode == ExitCode.USAGE
    assert ended.stderr.count("locust: error: ") == 1

"""The wheel in an empty environment, without the checkout, in projects of other people."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

import loadtest
from loadtest.exit_codes import ExitCode

from ..rooms import LINKED, tracked
from ..support import ROOT

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..support import Backend

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

MEASURED = (ExitCode.PASSED, ExitCode.OBJECTIVE_FAILED, ExitCode.RUN_SUSPECT, ExitCode.RUN_INVALID)
"""Whatever a busy machine makes of a run: it was carried out to its end."""
RUN = ["--headless", "--only-summary", "--users", "14", "--spawn-rate", "20", "--run-time", "6s", "--rooms", "2"]
OWN_USERS = """\
from locust import HttpUser, constant, task
from loadtest import install
from loadtest.users import Publisher, Viewer
from tasks.browsing import PATH


class Visitor(HttpUser):
    wait_time = constant(1)
    fixed_count = 2

    @task
    def look(self):
        self.client.get(PATH)


install()
"""
LOAD_TEST = """\
def test_members_hear_of_their_tasks(dashboard):
    assert dashboard.hear_of_a_task() < 5000


def test_the_backend_is_well(session):
    session.get("/v1/health/live").raise_for_status()
"""
BACKEND_TEST = """\
from backend import NAME


def test_a_member_hears_of_a_task(helper, room, create_task):
    assert NAME == "the team's own package"
    client = helper.client(room.token)
    client.connect()
    client.join(room.project_id)
    told = client.expect("taskStatusUpdate")
    create_task()
    told.wait(5)
"""


class Installed(NamedTuple):
    """An environment in which the wheel is installed.

    bin: the folder of its programs. wheel: what was built.
    """

    bin: Path
    wheel: Path

    def run(
        self, *command: str, folder: Path, environment: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run a program in a folder, with nothing of this checkout in sight."""
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("LOCUST_", "PYTHON"))}
        clean["PATH"] = f"{self.bin}:{clean['PATH']}"
        line = [str(self.bin / command[0]), *command[1:]]
        return subprocess.run(
            line, cwd=folder, env=clean | dict(environment or {}), capture_output=True, text=True, timeout=120
        )


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """The locked requirements, by their hashes, and the wheel; and pytest, which a worker does without."""
    folder = tmp_path_factory.mktemp("wheel")
    quiet = ("--quiet", "--disable-pip-version-check")

    def pip(python: str, *arguments: str) -> None:
        done = subprocess.run([python, "-m", "pip", *arguments], cwd=ROOT, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr[-3000:]

    pip(sys.executable, "wheel", *quiet, "--no-deps", "--wheel-dir", str(folder / "dist"), ".")
    (wheel,) = (folder / "dist").glob("*.whl")
    subprocess.run([sys.executable, "-m", "venv", str(folder / "environment")], check=True)
    python = str(folder / "environment" / "bin" / "python")
    pip(python, "install", *quiet, "--no-deps", "--require-hashes", "--requirement", "requirements.txt")
    pip(python, "install", *quiet, f"{wheel}[reports]", "pytest")
    pip(python, "check")
    return Installed(Path(python).parent, wheel)


def test_the_wheel_has_the_product_and_nothing_else(installed: Installed) -> None:
    with zipfile.ZipFile(installed.wheel) as archive:
        packed = {name for name in archive.namelist() if ".dist-info/" not in name}
        assert not any(one.external_attr >> 28 == 0o12 for one in archive.infolist()), "no links"
    links = {f"loadtest/{name}" for name in (*LINKED, "locustfile.py")}
    there = {path for path in tracked("loadtest") if path not in links}
    there |= {f"loadtest/{path}" for path in tracked(*LINKED, "locustfile.py")}
    assert packed == there


def test_a_load_and_its_report(installed: Installed, documented: Backend, tmp_path: Path) -> None:
    said = installed.run("loadtest", folder=tmp_path).stdout
    assert said.startswith("usage: loadtest COMMAND …")
    ended = installed.run("loadtest", "run", "--host", documented.url, *RUN, folder=tmp_path)
    assert ended.returncode in MEASURED, ended.stderr[-3000:]
    record = tmp_path / "results" / "latest"
    summary = json.loads((record / "summary.json").read_text())
    assert summary["deliveries"]["delivered"] > 0
    (record / "report.html").unlink()
    again = installed.run("loadtest", "report", "results/latest", folder=tmp_path)
    assert again.returncode == 0, again.stderr
    assert "<html" in (record / "report.html").read_text()
    assert loadtest.__version__ in installed.run("loadtest", "--version", folder=tmp_path).stdout


@pytest.mark.needs("npm")
def test_the_official_clients(installed: Installed, tmp_path: Path) -> None:
    """They are found missing, installed by the command, and not missing any more."""
    asks = "from loadtest.canaries import programs; print(programs.missing(['node-4']))"
    missing = installed.run("python", "-c", asks, folder=tmp_path).stdout
    assert "Run `loadtest canaries`." in missing
    done = installed.run("loadtest", "canaries", folder=tmp_path)
    assert done.returncode == ExitCode.PASSED, done.stderr
    assert installed.run("python", "-c", asks, folder=tmp_path).stdout == "[]\n"


def test_a_project_with_tasks_of_its_own_in_a_file_of_locust_s_default_name(
    installed: Installed, documented: Backend, tmp_path: Path
) -> None:
    (tmp_path / "tasks").mkdir()
    (tmp_path / "tasks" / "__init__.py").touch()
    (tmp_path / "tasks" / "browsing.py").write_text('PATH = "/v1/health/live"\n')
    (tmp_path / "locustfile.py").write_text(OWN_USERS)
    ended = installed.run("locust", "--host", documented.url, *RUN, folder=tmp_path)
    assert ended.returncode in MEASURED, ended.stderr[-3000:]
    summary = json.loads((tmp_path / "results" / "latest" / "summary.json").read_text())
    assert summary["deliveries"]["delivered"] > 0
    assert "/v1/health/live" in ended.stdout + ended.stderr


def test_a_project_with_a_module_called_tasks(installed: Installed, documented: Backend, tmp_path: Path) -> None:
    (tmp_path / "tasks.py").write_text("raise SystemExit('nobody imports this')\n")
    (tmp_path / "load.py").write_text(
        OWN_USERS.replace("from tasks.browsing import PATH", 'PATH = "/v1/health/live"')
    )
    ended = installed.run("locust", "-f", "load.py", "--host", documented.url, *RUN, folder=tmp_path)
    assert ended.returncode in MEASURED, ended.stderr[-3000:]


def test_a_repository_with_a_backend_folder_has_the_fixtures(
    installed: Installed, documented: Backend, tmp_path: Path
) -> None:
    (tmp_path / "backend").mkdir()
    (tmp_path / "backend" / "__init__.py").write_text('NAME = "the team\'s own package"\n')
    (tmp_path / "test_backend.py").write_text(BACKEND_TEST)
    command = ("python", "-m", "pytest", "-q", "--backend-url", documented.url)
    ended = installed.run(*command, folder=tmp_path)
    assert ended.returncode == 0, ended.stdout[-3000:]
    assert "1 passed" in ended.stdout
    documented.sql("DELETE FROM users WHERE email LIKE 'lt-pytest-%%'")


def test_a_load_file_is_a_test_without_further_ado(
    installed: Installed, documented: Backend, tmp_path: Path
) -> None:
    (tmp_path / "test_load.py").write_text(LOAD_TEST)
    ended = installed.run("pytest", "-q", "test_load.py", "--host", documented.url, folder=tmp_path)
    assert ended.returncode == 0, ended.stdout[-3000:]
    assert "2 passed" in ended.stdout
    documented.sql("DELETE FROM users WHERE email LIKE 'lt-pytest-%%'")

"""What goes wrong before a run begins: one line with the cause and the way on, and nothing left behind."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest

from loadtest.backends import tokens
from loadtest.exit_codes import ExitCode

from ..support import SECRET, run_locust, summary_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..support import Backend

pytestmark = pytest.mark.slow

SIZE = ["-u", "6", "-r", "10", "-t", "3s", "--rooms", "1", "--no-report"]


def attempt(url: str, results: Path, *more: str, code: int = ExitCode.SETUP_FAILED, **variables: str) -> str:
    """Run, and give the one line that says what is wrong."""
    environment = {f"LOCUST_{name.upper()}": value for name, value in variables.items()}
    ended = run_locust(url, *SIZE, "--results-dir", str(results), *more, environment=environment)
    output = ended.stdout + ended.stderr
    assert ended.returncode == code, output
    assert "Traceback" not in output
    assert not results.exists() or not list(results.iterdir())
    lines = [
        line
        for line in output.splitlines()
        if ("fault of" in line or "error:" in line or "ERROR" in line) and not line.startswith("NOT RUN: ")
    ]
    assert len(lines) == 1, output
    last = (ended.stdout.splitlines() or [""])[-1]
    assert not last or last.startswith("NOT RUN: ")
    assert last.removeprefix("NOT RUN: ") in lines[0]
    return lines[0]


@pytest.fixture
def results(tmp_path: Path) -> Path:
    return tmp_path / "results"


@pytest.fixture
def nothing_left(documented: Backend) -> Iterator[None]:
    def rows() -> list[int]:
        return [
            documented.sql(f"SELECT count(*) FROM {t}")[0][0] for t in ("users", "projects", "agents", "tasks")
        ]

    before = rows()
    yield
    assert rows() == before


def test_more_users_than_files(documented: Backend, results: Path, nothing_left: None) -> None:
    arguments = ["-u", "400", "-r", "100", "-t", "6s", "--results-dir", str(results)]
    ended = run_locust(documented.url, *arguments, file_limit=300)
    assert ended.returncode == ExitCode.SETUP_FAILED
    assert "400 connections would go to worker local, which may hold 172 (" in ended.stderr + ended.stdout
    assert "or start 3 workers" in ended.stderr + ended.stdout
    assert not results.exists()


def test_no_such_host(results: Path) -> None:
    line = attempt("http://no-such-host.invalid", results)
    assert "cannot reach the backend" in line
    assert "Check --host" in line


def test_refused_connection(results: Path) -> None:
    assert "connection refused" in attempt("http://127.0.0.1:1", results)


def test_no_url(results: Path) -> None:
    assert "is no URL" in attempt("localhost:3000", results)


@pytest.mark.usefixtures("nothing_left")
def test_wrong_secret(documented: Backend, results: Path) -> None:
    line = attempt(documented.url, results, database_url=documented.database_url, jwt_secret="w" * 32)
    assert "--jwt-secret is not the backend's" in line


def test_expired_token(documented: Backend, results: Path) -> None:
    token = tokens.Mint(SECRET).token("00000000-0000-4000-8000-000000000000", "e", int(time.time()) - 100, 10)
    assert "expired" in attempt(documented.url, results, token=token)


def test_a_token_of_nobody(documented: Backend, results: Path) -> None:
    token = tokens.Mint(SECRET).token("00000000-0000-4000-8000-000000000000", "e", int(time.time()), 100)
    assert "401" in attempt(documented.url, results, token=token)


def test_unreachable_database(documented: Backend, results: Path) -> None:
    line = attempt(documented.url, results, database_url="postgresql://127.0.0.1:1/x", jwt_secret=SECRET)
    assert "cannot reach the database" in line


@pytest.mark.usefixtures("nothing_left")
def test_missing_rights(documented: Backend, results: Path) -> None:
    documented.sql("CREATE ROLE weaker LOGIN; GRANT SELECT, INSERT, DELETE ON users TO weaker")
    try:
        url = psycopg.conninfo.make_conninfo(documented.database_url, user="weaker")
        line = attempt(documented.url, results, database_url=url, jwt_secret=SECRET)
    finally:
        documented.sql("REVOKE ALL ON users FROM weaker; DROP ROLE weaker")
    assert "permission denied" in line
    assert "Grant" in line


@pytest.mark.usefixtures("nothing_left")
def test_another_backend_s_database(documented: Backend, as_built: Backend, results: Path) -> None:
    line = attempt(documented.url, results, database_url=as_built.database_url, jwt_secret=SECRET)
    assert "--database-url is not the backend's database" in line


def test_unknown_option(documented: Backend, results: Path) -> None:
    line = attempt(documented.url, results, "--romos", "3", code=ExitCode.USAGE)
    assert "--romos" in line


def test_wrong_value(documented: Backend, results: Path) -> None:
    assert "no number" in attempt(documented.url, results, "--rate", "fast", code=ExitCode.USAGE)


def test_a_tag_that_no_task_has(documented: Backend, results: Path) -> None:
    line = attempt(documented.url, results, "--tags", "securty", code=ExitCode.USAGE)
    assert "--tags names securty, and no task has such a tag" in line
    assert "security" in line


def test_a_run_of_which_nothing_is_measured(documented: Backend, results: Path) -> None:
    line = attempt(documented.url, results, "--warm-up", "1", "--measure-after", "2", code=ExitCode.USAGE)
    assert "--warm-up and --measure-after leave out 3 s of a run of 3 s" in line


def test_the_run_time_counts_from_when_the_load_begins(documented: Backend, results: Path) -> None:
    """Making the rooms takes longer than the run."""
    by_sql = {"LOCUST_DATABASE_URL": documented.database_url, "LOCUST_JWT_SECRET": SECRET}
    size = ["-u", "14", "-r", "100", "-t", "1s", "--rooms", "2000", "--no-report", "--results-dir", str(results)]
    ended = run_locust(documented.url, *size, environment=by_sql)
    summary = summary_of(results)
    assert 0.9 < summary["duration_s"] < 20
    assert summary["triggers"]["sent"] > 0
    assert not summary["interrupted"]
    assert "the run's end came" not in ended.stderr


def test_missing_slo_file(documented: Backend, results: Path) -> None:
    assert "cannot read" in attempt(documented.url, results, "--slo-file", "/no/such/file")


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("figure = 'latency_ms.agentLgo.p99'", "got 'agentLgo'"),
        ("figure = 'latency_ms.agentLog.p99'\nphase = 'stedy'", "got 'stedy'"),
    ],
)
def test_an_objective_that_nothing_can_ever_meet(
    documented: Backend, results: Path, tmp_path: Path, row: str, said: str
) -> None:
    slo = tmp_path / "slo.toml"
    slo.write_text(f"[[slo]]\nname = 'x'\n{row}\nbelow = 5\n")
    assert said in attempt(documented.url, results, "--slo-file", str(slo))


def test_a_master_s_port_that_is_taken(documented: Backend, results: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        bind = ["--master", "--master-bind-host", "127.0.0.1", "--master-bind-port", port]
        line = attempt(documented.url, results, *bind, code=1)
    assert port in line
    assert "busy" in line


def test_a_results_folder_that_cannot_be_written(documented: Backend, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    environment = documented.by_sql
    where = str(tmp_path / "file" / "results")
    ended = run_locust(documented.url, *SIZE, "--results-dir", where, environment=environment)
    assert ended.returncode == ExitCode.SETUP_FAILED
    assert "Check --results-dir" in ended.stderr
    assert "triggers" not in ended.stdout  # it has not begun


def test_a_target_s_port_that_is_taken() -> None:
    import sys

    with socket.create_server(("127.0.0.1", 0)) as taken:
        command = [sys.executable, "-m", "lab.reference_backend", "--port", str(taken.getsockname()[1])]
        ended = subprocess.run(command, capture_output=True, text=True, timeout=30, env=os.environ)
    assert ended.returncode == 1
    assert ended.stderr.count("\n") == 1
    assert "--port" in ended.stderr


def test_a_target_s_database_that_is_not_there() -> None:
    import sys

    command = [sys.executable, "-m", "lab.reference_backend", "--database-url", "postgresql://127.0.0.1:1/x"]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=30, env=os.environ)
    assert ended.returncode == 1
    assert "cannot reach the database" in ended.stderr
    assert "Traceback" not in ended.stderr

"""The documented test API, as somebody would use it who has only read the page: its own examples are run."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from ..support import ROOT, SECRET, locust_environment, start_backend

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from ..support import Backend

PAGE = ROOT / "docs" / "test-api.md"


THROTTLED = [f"127.0.0.{number}" for number in range(2, 6)]
"""Local addresses: 5 triggers each, as built."""
MANY = """\
import pytest


@pytest.mark.parametrize("number", range(11))
def test_a_task_is_told(helper, room, create_task, number):
    client = helper.client(room.token)
    client.connect()
    client.join(room.project_id)
    told = client.expect("taskStatusUpdate", lambda update: update["newStatus"] == "FAILED")
    task = create_task(priority="critical", description="made by a test")
    assert task["priority"] == "critical" and task["description"] == "made by a test"
    assert told.wait(5)[0]["taskId"] == task["id"]
"""
ISOLATED = """\
import psycopg
import pytest

from loadtest.backends.prometheus.rows import connect


def tasks_in(database, room):
    query = 'SELECT title, priority, status FROM tasks WHERE "projectId" = %s'
    return database.execute(query, [room.project_id]).fetchall()


def test_what_the_backend_commits_is_seen(database, room, create_task):
    assert tasks_in(database, room) == []
    create_task(title="seen at once", priority="low")
    (row,) = tasks_in(database, room)
    assert row[:2] == ("seen at once", "low")


@pytest.mark.parametrize("which", ["first", "second"])
def test_what_a_test_writes_is_gone(database, which):
    found = database.execute("SELECT count(*) FROM users WHERE email = 'rolled@back.invalid'").fetchone()
    assert found == (0,), "the other test's row is still there"
    database.execute("INSERT INTO users (email, password) VALUES ('rolled@back.invalid', 'x')")


def test_even_if_it_breaks_the_transaction(database):
    database.execute("DELETE FROM users")
    with pytest.raises(psycopg.errors.UndefinedTable):
        database.execute("SELECT * FROM nowhere")


def test_it_cannot_be_committed(database):
    with pytest.raises(psycopg.ProgrammingError):
        database.commit()


def test_another_connection_sees_nothing_of_it(database, access, room):
    database.execute('DELETE FROM projects WHERE id = %s', [room.project_id])
    with connect(access.database_url) as other:
        found = other.execute("SELECT count(*) FROM projects WHERE id = %s", [room.project_id]).fetchone()
    assert found == (1,)


def test_each_room_has_an_owner_of_its_own(rest, room, foreign_room):
    assert [one["id"] for one in rest.call("GET", "/v1/projects", room.token)] == [room.project_id]
    assert rest.send("GET", f"/v1/projects/{foreign_room.project_id}", room.token).status == 404
"""


def pytest_of(
    folder: Path, *arguments: str, tests: str = "", environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run pytest, which finds the plugin by its entry point.

    :param tests: a file of tests; the page's own examples by default.
    """
    examples, *_ = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    (folder / "test_broadcasts.py").write_text(tests or examples)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(folder), "-c", os.devnull]
    clean = {name: value for name, value in os.environ.items() if not name.startswith("LOCUST_")}
    clean |= environment or {}
    return subprocess.run(
        [*command, *arguments], cwd=folder, capture_output=True, text=True, timeout=100, env=clean
    )


@pytest.mark.slow
@pytest.mark.parametrize("transport", ["websocket", "upgrade"])
def test_the_examples_pass(documented: Backend, tmp_path: Path, transport: str) -> None:
    ended = pytest_of(tmp_path, "--backend-url", documented.url, "--backend-transport", transport)
    assert ended.returncode == 0, ended.stdout[-3000:]
    assert "4 passed" in ended.stdout
    assert documented.sql("SELECT count(*) FROM projects WHERE name LIKE 'lt-pytest-%%'")[0][0] == 0
    documented.sql("DELETE FROM users WHERE email LIKE 'lt-pytest-%%'")


def test_without_a_backend_they_are_skipped(tmp_path: Path) -> None:
    ended = pytest_of(tmp_path)
    assert ended.returncode == 0
    assert "4 skipped" in ended.stdout


@pytest.mark.slow
def test_a_backend_that_mutes_a_member_fails_them(breakable: Backend, tmp_path: Path) -> None:
    breakable.breaks("the first member of a room hears nothing")
    try:
        ended = pytest_of(tmp_path, "--backend-url", breakable.url, "-k", "everybody or order")
    finally:
        breakable.breaks()
        breakable.sql("DELETE FROM users WHERE email LIKE 'lt-pytest-%%'")
    assert ended.returncode == 1
    assert "19 of 20 clients got it" in ended.stdout
    assert "no taskStatusUpdate within 5 s" in ended.stdout


@pytest.mark.slow
def test_data_by_sql(tmp_path: Path) -> None:
    """As built, with its throttle of five calls for each handler and address."""
    throttled = start_backend("as-built")
    try:
        by_rest = pytest_of(tmp_path, "--backend-url", throttled.url, tests=MANY)
        assert "ThrottledFault" in by_rest.stdout
        by_sql = ["--backend-url", throttled.url, "--backend-database-url", throttled.database_url]
        no_key = pytest_of(tmp_path, *by_sql, tests=MANY)
        assert "LOCUST_JWT_SECRET" in no_key.stdout
        by_sql += ["--backend-source-addresses", ", ".join(THROTTLED)]
        key = {"LOCUST_JWT_SECRET": SECRET}
        (of_the_page,) = re.findall(
            r"```python\n(# test_rows.py.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL
        )
        for tests, passed in ((MANY, 11), (ISOLATED, 7), (of_the_page, 1)):
            ended = pytest_of(tmp_path, *by_sql, tests=tests, environment=key)
            assert f"{passed} passed" in ended.stdout, ended.stdout[-3000:]
            assert ended.returncode == 0
        left = throttled.sql("SELECT email FROM users WHERE email NOT LIKE 'lt-pytest-%%-user@%%'")
        assert left == [], "rows of the tests stay"
    finally:
        throttled.stop()


PATCHED_TOO_LATE = """\
import urllib3
from gevent import monkey
monkey.patch_all()
"""


def test_a_patch_that_comes_too_late_is_refused_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text(PATCHED_TOO_LATE)
    ended = pytest_of(tmp_path, "--backend-url", "http://127.0.0.1:9")
    assert ended.returncode == pytest.ExitCode.USAGE_ERROR
    (line,) = [line for line in ended.stderr.splitlines() if line.startswith("ERROR: ")]
    assert line.startswith("ERROR: expected gevent to patch `ssl` before urllib3 is imported, got it afterwards")


def test_a_conftest_may_import_locust(tmp_path: Path) -> None:
    """Its patch would come too late: the plugin has imported it without."""
    (tmp_path / "conftest.py").write_text("import urllib3\nimport locust\n")
    tests = (
        "from urllib3.util.ssl_ import create_urllib3_context\n\ndef test_tls():\n    create_urllib3_context()\n"
    )
    ended = pytest_of(tmp_path, "--backend-url", "http://127.0.0.1:9", tests=tests)
    assert ended.returncode == 0, ended.stdout[-3000:]
    # No backend is named: the plugin leaves Locust alone, and this is what happens then.
    assert "maximum recursion depth exceeded" in pytest_of(tmp_path, tests=tests).stderr


# As a locustfile, and together with Locust's own plugin


def load_file(folder: Path) -> Path:
    (load,) = re.findall(r"```python\n(# test_load.py.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    (folder / "test_load.py").write_text(load)
    return folder / "test_load.py"


@pytest.mark.slow
def test_a_load_file_is_a_test_too(documented: Backend, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(load_file(tmp_path))]
    ended = subprocess.run(
        [*command, "-c", os.devnull, "--host", documented.url],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=100,
        env=locust_environment(),
    )
    assert "2 passed" in ended.stdout, ended.stdout[-3000:]
    documented.sql("DELETE FROM users WHERE email LIKE 'lt-pytest-%%'")


@pytest.mark.slow
def test_and_a_load(documented: Backend, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "locust", "-f", str(load_file(tmp_path)), "--headless", "--only-summary"]
    command += ["--users", "6", "--spawn-rate", "10", "--run-time", "4s", "--host", documented.url, "--json"]
    ended = subprocess.run(
        command,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        env=locust_environment(),
    )
    assert ended.returncode == 0, ended.stderr[-3000:]
    rows = {row["name"]: row for row in json.loads(ended.stdout[ended.stdout.index("[") :])}
    assert rows["connect"]["num_requests"] == 3  # the other three users play the other test
    assert rows["agentLog"]["num_requests"] > 3
    assert rows["agentLog"]["num_failures"] == 0
    assert rows["agentLog"]["max_response_time"] > 1
    assert documented.sql("SELECT count(*) FROM projects WHERE name LIKE 'lt-pytest-%%'")[0][0] == 0
    documented.sql("DELETE FROM users WHERE email LIKE 'lt-pytest-%%'")

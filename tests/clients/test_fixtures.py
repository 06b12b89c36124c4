"""The documented test API, as somebody would use it who has only read the page: its own examples are run."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from ..support import ROOT, locust_environment

if TYPE_CHECKING:
    from pathlib import Path

    from ..support import Backend

PAGE = ROOT / "docs" / "test-api.md"


def pytest_of(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    conftest, examples, *_ = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    (folder / "conftest.py").write_text(conftest)
    (folder / "test_broadcasts.py").write_text(examples)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(folder), "-c", os.devnull]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("LOCUST_")}
    environment |= {"PYTHONPATH": str(ROOT), "LOCUST_SKIP_MONKEY_PATCH": "1"}
    return subprocess.run([*command, *arguments], capture_output=True, text=True, timeout=100, env=environment)


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


# As a locustfile, and together with Locust's own plugin


def load_file(folder: Path) -> Path:
    conftest, *_ = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    (load,) = re.findall(r"```python\n(# test_load.py.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    (folder / "conftest.py").write_text(conftest)
    (folder / "test_load.py").write_text(load)
    return folder / "test_load.py"


@pytest.mark.slow
def test_a_load_file_is_a_test_too(documented: Backend, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(load_file(tmp_path))]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "LOCUST_SKIP_MONKEY_PATCH": "1"}
    ended = subprocess.run(
        [*command, "-c", os.devnull, "--host", documented.url],
        capture_output=True,
        text=True,
        timeout=100,
        env=environment,
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
        env={**locust_environment(), "PYTHONPATH": str(ROOT)},
    )
    assert ended.returncode == 0, ended.stderr[-3000:]
    rows = {row["name"]: row for row in json.loads(ended.stdout[ended.stdout.index("[") :])}
    assert rows["connect"]["num_requests"] == 3  # the other three users play the other test
    assert rows["agentLog"]["num_requests"] > 3
    assert rows["agentLog"]["num_failures"] == 0
    assert rows["agentLog"]["max_response_time"] > 1
    assert documented.sql("SELECT count(*) FROM projects WHERE name LIKE 'lt-pytest-%%'")[0][0] == 0
    documented.sql("DELETE FROM users WHERE email LIKE 'lt-pytest-%%'")

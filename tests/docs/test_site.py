"""The site of the pages: `make docs` fails on a link that leads nowhere."""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from ..support import ROOT

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.slow, pytest.mark.needs("mkdocs")]
MKDOCS = ROOT / ".venv" / "docs" / "bin" / "mkdocs"


def build(folder: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    command = [str(MKDOCS), "build", "--strict", "--site-dir", str(folder / "site")]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=120)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    for name in ("docs", "loadtest", "reports", "tasks", "users", "k8s", "examples", "lab", "tests"):
        shutil.copytree(
            ROOT / name,
            tmp_path / name,
            symlinks=True,
            ignore=shutil.ignore_patterns("node_modules", "__pycache__"),
        )
    for path in (*ROOT.glob("*.md"), ROOT / "mkdocs.yml", ROOT / "locustfile.py", ROOT / "LICENSE"):
        shutil.copy(path, tmp_path)
    return tmp_path


def test_it_is_built_with_a_reference_from_the_docstrings(copy: Path) -> None:
    ended = build(copy)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    reference = (copy / "site" / "api" / "index.html").read_text()
    assert "Hook the load test into Locust." in reference
    assert 'id="loadtest.clients.helper.Helper.wait_for_connections"' in reference


@pytest.mark.parametrize(
    ("link", "said"),
    [
        ("[x](nowhere.md)", "expected a file at nowhere.md, got none"),
        ("[x](../loadtest/nothing.py)", "expected a file at ../loadtest/nothing.py, got none"),
        ("[x](exit-codes.md#no-such-heading)", "no-such-heading"),
    ],
)
def test_a_link_that_leads_nowhere_fails_it(copy: Path, link: str, said: str) -> None:
    page = copy / "docs" / "first-run.md"
    page.write_text(f"{page.read_text()}\n{link}\n")
    ended = build(copy)
    assert ended.returncode != 0
    assert said in ended.stdout + ended.stderr

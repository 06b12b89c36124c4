"""What the script of a browser's canary does with a browser that does not work."""

from __future__ import annotations

import json
import os
import subprocess
from typing import TYPE_CHECKING

import pytest

from loadtest.backends.endpoint import Endpoint
from loadtest.canaries import kinds, programs
from loadtest.canaries.canary import settings_of

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.needs("node"), pytest.mark.needs("canaries")]


def canary_with(browser: Path, client: str, temporary: Path) -> subprocess.CompletedProcess[str]:
    """Run the script of a client with this as its browser, until it ends by itself."""
    temporary.mkdir()
    settings = settings_of(kinds.named(client), Endpoint("http://127.0.0.1:9"), "p", "t")
    environment = {"CANARY": json.dumps(settings | {"browser": str(browser)}), "TMPDIR": str(temporary)}
    with subprocess.Popen(["sleep", "30"], stdout=subprocess.PIPE) as waits:
        try:
            return subprocess.run(
                ["node", str(programs.HERE / "browser.mjs")],
                env=os.environ | environment,
                stdin=waits.stdout,
                capture_output=True,
                text=True,
                timeout=20,
            )
        finally:
            waits.kill()


@pytest.mark.parametrize("client", ["chromium", "firefox"])
def test_a_browser_that_ends_says_why_and_leaves_nothing(tmp_path: Path, client: str) -> None:
    browser = tmp_path / "browser"
    browser.write_text("#!/bin/sh\necho 'a warning' >&2\necho 'no display' >&2\nsleep 0.2\nexit 3\n")
    browser.chmod(0o755)
    ended = canary_with(browser, client, tmp_path / "tmp")
    assert ended.returncode == 1
    assert ended.stderr == f"{browser} ended with 3: no display\n"
    assert list((tmp_path / "tmp").iterdir()) == []


def test_a_browser_that_cannot_be_started_says_so(tmp_path: Path) -> None:
    ended = canary_with(tmp_path / "none", "firefox", tmp_path / "tmp")
    assert ended.returncode == 1
    assert "none cannot be started: spawn" in ended.stderr
    assert list((tmp_path / "tmp").iterdir()) == []


def test_firefox_has_a_home_and_exact_times_of_its_own(tmp_path: Path) -> None:
    browser = tmp_path / "browser"
    count = """grep -c '"privacy.reduceTimerPrecision",false' "$HOME/user.js" """
    browser.write_text(f'#!/bin/sh\necho "$({count}) of $HOME: $*" >&2\nsleep 0.2\nexit 3\n')
    browser.chmod(0o755)
    ended = canary_with(browser, "firefox", tmp_path / "tmp")
    home = f"{tmp_path}/tmp/canary-"
    assert f"1 of {home}" in ended.stderr
    assert f" --headless --no-remote --profile {home}" in ended.stderr

"""What the script of a browser's canary does with a browser that does not work."""

from __future__ import annotations

import json
import os
import subprocess
import time
from typing import TYPE_CHECKING

import pytest

from loadtest.backends.endpoint import Endpoint
from loadtest.canaries import kinds, programs
from loadtest.canaries.canary import GRACE_S, settings_of

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.needs("node"), pytest.mark.needs("canaries")]


def settings_for(client: str, browser: Path, temporary: Path) -> dict[str, str]:
    """Return the variables by which the script learns what to do."""
    settings = settings_of(kinds.named(client), Endpoint("http://127.0.0.1:9"), "p", "t")
    return {"CANARY": json.dumps(settings | {"browser": str(browser)}), "TMPDIR": str(temporary)}


def canary_with(browser: Path, client: str, temporary: Path) -> subprocess.CompletedProcess[str]:
    """Run the script of a client with this as its browser, until it ends by itself."""
    temporary.mkdir()
    with subprocess.Popen(["sleep", "30"], stdout=subprocess.PIPE) as waits:
        try:
            return subprocess.run(
                ["node", str(programs.HERE / "browser.mjs")],
                env=os.environ | settings_for(client, browser, temporary),
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


def test_a_browser_that_does_not_end_is_killed_and_leaves_nothing(tmp_path: Path) -> None:
    browser = tmp_path / "browser"
    browser.write_text(f"#!/bin/sh\ntrap '' TERM\ntouch {tmp_path}/started\nwhile :; do sleep 0.1; done\n")
    browser.chmod(0o755)
    (tmp_path / "tmp").mkdir()
    command = ["node", str(programs.HERE / "browser.mjs")]
    environment = os.environ | settings_for("chromium", browser, tmp_path / "tmp")
    with subprocess.Popen(command, env=environment, stdin=subprocess.PIPE) as process:
        until = time.monotonic() + 10
        while not (tmp_path / "started").exists() and time.monotonic() < until:
            time.sleep(0.05)
        assert process.stdin is not None
        process.stdin.close()
        asked_s = time.monotonic()
        assert process.wait(10) == 0
        assert time.monotonic() - asked_s < GRACE_S
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

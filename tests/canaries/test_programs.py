"""What a machine lacks for canaries is known before the run begins."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from loadtest.canaries import kinds, programs

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only folder with programs; node is in it, and the clients are installed."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(programs, "_MODULES", tmp_path)
    install(tmp_path, "node")
    return tmp_path


def install(folder: Path, name: str) -> None:
    (folder / name).write_text("#!/bin/sh\n")
    (folder / name).chmod(0o755)


def test_nothing_is_needed_for_no_canaries(machine: Path) -> None:
    (machine / "node").unlink()
    assert programs.missing(()) == []


def test_a_machine_that_has_everything_lacks_nothing(machine: Path) -> None:
    install(machine, "firefox-esr")
    install(machine, "google-chrome")
    assert programs.missing(kinds.chosen("all")) == []
    assert programs.browser_of(kinds.CLIENTS["firefox"]) == "firefox-esr"
    assert programs.browser_of(kinds.CLIENTS["chromium"]) == "google-chrome"


@pytest.mark.parametrize(
    ("client", "program", "other"),
    [("firefox", "firefox-esr", "chromium"), ("chromium", "chromium", "firefox-esr")],
)
def test_a_browser_that_is_missing_is_named_once(machine: Path, client: str, program: str, other: str) -> None:
    install(machine, other)
    ((what, way_on),) = programs.missing([client, f"{client}:polling", "node-4"])
    assert what.startswith(f"expected one of the programs {program}, ")
    assert what.endswith(f"for {client}, got none")
    assert way_on == f"Install it (Debian: apt-get install {program}), or leave {client} out."
    assert programs.browser_of(kinds.CLIENTS[client]) == ""


def test_node_and_the_clients_are_needed(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (machine / "node").unlink()
    monkeypatch.setattr(programs, "_MODULES", machine / "none")
    assert [what for what, _ in programs.missing(["node-4"])] == [
        "expected the program node, got none",
        "expected the official clients in loadtest/canaries/node_modules, got none",
    ]

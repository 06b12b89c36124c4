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
    monkeypatch.setattr(programs, "_WHEEL", "no_such_package")
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
        f"expected the official clients in {machine / 'none'}, got none",
    ]
    assert programs.install().startswith("expected the program npm, got none: pip install ")


def test_node_may_come_as_a_python_package(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (machine / "node").unlink()
    package = machine / "node_of_a_wheel"
    for part in ("bin/node", "lib/node_modules/npm/bin/npm-cli.js", "__init__.py"):
        (package / part).parent.mkdir(parents=True, exist_ok=True)
        (package / part).touch()
    monkeypatch.syspath_prepend(machine)
    monkeypatch.setattr(programs, "_WHEEL", package.name)
    assert programs.missing(["node-4"]) == []
    assert programs.npm() == [str(package / "bin/node"), str(package / "lib/node_modules/npm/bin/npm-cli.js")]


def test_what_npm_says_is_passed_on(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(programs, "HERE", machine)
    (machine / "npm").write_text("#!/bin/sh\necho no network >&2; exit 7\n")
    (machine / "npm").chmod(0o755)
    assert programs.install() == (f"expected npm to install the clients in {machine}, got exit code 7: no network")

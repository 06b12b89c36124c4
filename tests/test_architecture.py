"""The directions between the rooms, read from the imports."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from .rooms import ROOMS, files
from .support import ROOT

MAY_IMPORT = {
    "faults": set(),
    "exit_codes": set(),
    "upload": {"exit_codes", "faults"},
    "k8s": {"run"},
    "transport": set(),
    "measure": {"exit_codes", "faults"},
    "backend": {"faults", "measure", "transport"},
    "clients": {"backend", "network", "transport"},
    "network": {"exit_codes", "faults"},
    "canaries": {"backend", "measure", "tasks"},
    "scenarios": {"backend", "clients", "faults", "measure"},
    "shapes": set(),
    "tasks": {"exit_codes", "faults", "backend", "clients", "measure", "scenarios"},
    "users": {"faults", "backend", "clients", "measure", "scenarios", "tasks", "transport"},
    "live": {"measure"},
    "run": {
        "exit_codes",
        "faults",
        "backend",
        "canaries",
        "clients",
        "live",
        "measure",
        "scenarios",
        "shapes",
        "tasks",
        "transport",
        "users",
    },
    "reports": {"exit_codes", "faults", "measure"},
    "target": {"backend"},
    "suites": {"demo", "exit_codes"},
    "demo": {"exit_codes", "run", "target"},
    "examples": {"backend", "measure"},
    "cluster": {"demo", "exit_codes", "faults", "network", "target"},
    "calibration": {"backend", "demo", "exit_codes", "measure", "run", "transport"},
    "bench": {"demo", "backend", "measure", "run", "tasks", "transport", "users"},
}
PURE = (
    *(
        "measure",
        "faults.py",
        "exit_codes.py",
        "backend/contract.py",
        "backend/plan.py",
        "backend/reader.py",
        "tasks/pace.py",
        "bench/sizing_figures.py",
        "tasks/schedule.py",
    ),
    *("backend/topology.py", "backend/factory.py", "backend/accounts.py", "scenarios/capabilities.py"),
    *("scenarios/conformance.py", "scenarios/findings.py", "scenarios/hearing.py", "target/breakages.py"),
    *("scenarios/hints.py", "scenarios/content.py", "suites/results.py"),
    *("target/broken_broadcasts.py", "target/broken_texts.py", "shapes"),
    *("target/agent_texts.py", "target/steps.py", "target/health.py"),
    *(
        "bench/figures.py",
        "calibration/cases.py",
        "calibration/latencies.py",
        "calibration/wire.py",
        "calibration/wire_times.py",
        "transport/known_reads.py",
    ),
    *(
        "transport/websocket_frames.py",
        "transport/packet_head.py",
        "transport/packed.py",
        "backend/metrics.py",
        "network/conditions.py",
        "network/lines.py",
        "network/script.py",
        "k8s/values.py",
        "canaries/kinds.py",
        "canaries/sayings.py",
        "cluster/script.py",
        "transport/recovery.py",
        "transport/sessions.py",
        "k8s/kinds.py",
        "reports/resampling.py",
        "reports/loss_rates.py",
        "reports/significance.py",
        "reports/changes.py",
    ),
    *(
        "live/snapshot.py",
        "live/curves.py",
        "live/metrics.py",
        "live/tables.py",
        "run/clock_board.py",
        "run/relay.py",
        "run/trigger_feed.py",
    ),
)
IMPURE_PACKAGES = {"gevent", "locust", "socket", "time", "random", "threading", "requests", "urllib3", "os"}
MOST_LINES = 400


def imports(file: Path) -> set[tuple[str, bool]]:
    """(module, only for types) of every absolute import."""
    found: set[tuple[str, bool]] = set()

    def visit(node: ast.AST, typing_only: bool) -> None:
        for child in ast.iter_child_nodes(node):
            inner = typing_only or (isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING")
            if isinstance(child, ast.Import):
                found.update((alias.name, inner) for alias in child.names)
            elif isinstance(child, ast.ImportFrom) and child.level == 0 and child.module:
                found.add((child.module, inner))
            visit(child, inner)

    visit(ast.parse(file.read_text(encoding="utf-8")), False)
    return found


def room_of(file: Path) -> str:
    return file.relative_to(ROOT).parts[0].removesuffix(".py")


@pytest.mark.parametrize("file", files(*ROOMS, "faults.py"), ids=lambda file: str(file.relative_to(ROOT)))
def test_rooms_import_only_what_they_may(file: Path) -> None:
    room = room_of(file)
    for module, typing_only in imports(file):
        other = module.split(".")[0]
        if other in MAY_IMPORT and other != room and not typing_only:
            assert other in MAY_IMPORT[room], f"{room} must not import {module}"
        assert other != "tests"


def test_the_target_takes_the_contract_and_nothing_else() -> None:
    for file in files("target"):
        for module, _ in imports(file):
            assert not module.startswith("backend.") or module == "backend.contract"


@pytest.mark.parametrize("file", files(*PURE), ids=lambda file: str(file.relative_to(ROOT)))
def test_pure_rooms_read_no_clock_and_do_no_io(file: Path) -> None:
    assert not {module.split(".")[0] for module, _ in imports(file)} & IMPURE_PACKAGES


def test_the_load_never_imports_pandas() -> None:
    for file in files("measure", "backend", "clients", "scenarios", "transport", "tasks", "users", "live", "run"):
        assert not {module.split(".")[0] for module, _ in imports(file)} & {"pandas", "matplotlib", "reports"}


def test_locust_s_events_are_touched_in_one_file() -> None:
    touching = [
        str(file.relative_to(ROOT))
        for file in files(*(room for room in ROOMS if room != "bench"))
        if "add_listener" in file.read_text() or "register_message" in file.read_text()
    ]
    assert touching == ["run/hooks.py"]


@pytest.mark.parametrize("file", files(*ROOMS), ids=lambda file: str(file.relative_to(ROOT)))
def test_files_are_short(file: Path) -> None:
    assert len(file.read_text(encoding="utf-8").splitlines()) <= MOST_LINES


def test_what_tests_share_is_in_no_test() -> None:
    """A helper is looked for where helpers are, and a file of tests can be renamed."""
    borrowed = [
        f"{path.relative_to(ROOT)}: {name}"
        for path in (ROOT / "tests").rglob("*.py")
        if "node_modules" not in path.parts
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom)
        for name in ((node.module or "").rpartition(".")[2], *(alias.name for alias in node.names))
        if name.startswith("test_")
    ]
    assert borrowed == []

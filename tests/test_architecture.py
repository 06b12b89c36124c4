"""The directions between the rooms, read from the imports."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from .rooms import PLACES, ROOMS, files, imports, short_name
from .support import ROOT

MAY_IMPORT = {
    "errors": set(),
    "import_names": set(),
    "monkey_patching": set(),
    "children": set(),
    "processes": {"children"},
    "command_line": {"canaries", "exit_codes", "network", "reports", "run", "suites", "upload"},
    "pytest_plugin": {"backends", "clients", "monkey_patching"},
    "locustfile": {"users"},
    "exit_codes": set(),
    "upload": {"exit_codes", "errors"},
    "k8s": {"run"},
    "transport": set(),
    "measurement": {"exit_codes", "errors"},
    "backends": {"errors", "measurement", "transport"},
    "clients": {"backends", "network", "transport"},
    "network": {"exit_codes", "errors"},
    "canaries": {"backends", "exit_codes", "measurement", "tasks"},
    "scenarios": {"backends", "clients", "errors", "measurement"},
    "shapes": set(),
    "tasks": {"import_names", "exit_codes", "errors", "backends", "clients", "measurement", "scenarios"},
    "users": {"import_names", "errors", "backends", "clients", "measurement", "scenarios", "tasks", "transport"},
    "live": {"measurement"},
    "run": {
        "exit_codes",
        "errors",
        "backends",
        "canaries",
        "clients",
        "live",
        "measurement",
        "scenarios",
        "shapes",
        "tasks",
        "transport",
        "users",
    },
    "reports": {"import_names", "exit_codes", "errors", "measurement"},
    "reference_backend": {"backends", "children"},
    "suites": {"exit_codes", "processes"},
    "demo": {"exit_codes", "processes", "reference_backend", "run"},
    "examples": {"backends", "measurement"},
    "cluster": {"processes", "exit_codes", "errors", "network", "reference_backend"},
    "calibration": {"backends", "processes", "exit_codes", "measurement", "run", "transport"},
    "bench": {"processes", "backends", "measurement", "run", "tasks", "transport", "users"},
}
PURE = (
    *(
        "measurement",
        "loadtest/errors.py",
        "loadtest/exit_codes.py",
        "loadtest/backends/prometheus/contract.py",
        "loadtest/backends/plan.py",
        "loadtest/backends/prometheus/reader.py",
        "loadtest/tasks/pace.py",
        "lab/bench/sizing_figures.py",
        "loadtest/tasks/schedule.py",
    ),
    *(
        "loadtest/backends/topology.py",
        "loadtest/backends/prometheus/factory.py",
        "loadtest/backends/accounts.py",
        "loadtest/scenarios/capabilities.py",
    ),
    *(
        "loadtest/scenarios/conformance.py",
        "loadtest/scenarios/findings.py",
        "loadtest/scenarios/hearing.py",
        "lab/reference_backend/breakages.py",
    ),
    *("loadtest/scenarios/hints.py", "loadtest/scenarios/content.py", "loadtest/suites/results.py"),
    *("lab/reference_backend/broken_broadcasts.py", "lab/reference_backend/broken_texts.py", "shapes"),
    *("lab/reference_backend/agent_texts.py", "lab/reference_backend/steps.py", "lab/reference_backend/health.py"),
    *(
        "lab/bench/figures.py",
        "lab/calibration/cases.py",
        "lab/calibration/latencies.py",
        "lab/calibration/wire.py",
        "lab/calibration/wire_times.py",
        "loadtest/transport/known_reads.py",
    ),
    *(
        "loadtest/transport/websocket_frames.py",
        "loadtest/transport/packet_head.py",
        "loadtest/transport/packed.py",
        "loadtest/backends/metrics.py",
        "loadtest/network/conditions.py",
        "loadtest/network/lines.py",
        "loadtest/network/script.py",
        "k8s/values.py",
        "loadtest/canaries/kinds.py",
        "loadtest/canaries/sayings.py",
        "lab/cluster/script.py",
        "loadtest/transport/recovery.py",
        "loadtest/transport/sessions.py",
        "k8s/kinds.py",
        "loadtest/reports/resampling.py",
        "loadtest/reports/loss_rates.py",
        "loadtest/reports/significance.py",
        "loadtest/reports/changes.py",
    ),
    *(
        "loadtest/live/snapshot.py",
        "loadtest/live/curves.py",
        "loadtest/live/metrics.py",
        "loadtest/live/tables.py",
        "loadtest/run/master/clock_board.py",
        "loadtest/run/master/relay.py",
        "loadtest/run/trigger_feed.py",
    ),
)
IMPURE_PACKAGES = {"gevent", "locust", "socket", "time", "random", "threading", "requests", "urllib3", "os"}
MOST_LINES = 400


@pytest.mark.parametrize("file", files(*PLACES), ids=lambda file: str(file.relative_to(ROOT)))
def test_rooms_import_only_what_they_may(file: Path) -> None:
    room = short_name(".".join(file.relative_to(ROOT).with_suffix("").parts))
    for module, typing_only in imports(file):
        other = short_name(module)
        if other in MAY_IMPORT and other != room and not typing_only:
            assert other in MAY_IMPORT[room], f"{room} must not import {module}"
        assert other != "tests"


def test_the_table_has_each_package_and_module() -> None:
    assert MAY_IMPORT.keys() == PLACES.keys()


def test_the_reference_backend_takes_the_contract_and_nothing_else() -> None:
    taken = set()
    for file in files("reference_backend"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                taken |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                taken |= {node.module or "", *(f"{node.module}.{alias.name}" for alias in node.names)}
    backends = {name for name in taken if name.startswith("loadtest.backends.prometheus.")}
    modules = {name for name in backends if (ROOT / f"{name.replace('.', '/')}.py").exists()}
    assert modules == {"loadtest.backends.prometheus.contract"}


@pytest.mark.parametrize("file", files(*PURE), ids=lambda file: str(file.relative_to(ROOT)))
def test_pure_rooms_read_no_clock_and_do_no_io(file: Path) -> None:
    assert not {short_name(module) for module, _ in imports(file)} & IMPURE_PACKAGES


def test_the_load_never_imports_pandas() -> None:
    for file in files(
        "measurement", "backends", "clients", "scenarios", "transport", "tasks", "users", "live", "run"
    ):
        assert not {short_name(module) for module, _ in imports(file)} & {"pandas", "matplotlib", "reports"}


def test_locust_s_events_are_touched_in_one_file() -> None:
    touching = [
        str(file.relative_to(ROOT))
        for file in files(*(room for room in ROOMS if room != "bench"))
        if "add_listener" in file.read_text() or "register_message" in file.read_text()
    ]
    assert touching == ["loadtest/run/hooks.py"]


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

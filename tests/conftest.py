"""Fixtures that many tests share; what a test needs beside Python is named by `needs`."""

from __future__ import annotations

import os
import shutil
import subprocess
import uuid
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

from loadtest.backends.prometheus.rows import Rows

from .certificates import make_keys
from .support import ROOT, start_backend

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from loadtest.backends.prometheus.rows import OwnedRoom

    from .support import Backend

# Locust patches the standard library when it is imported; the tests' own process stays as it is.
os.environ["LOCUST_SKIP_MONKEY_PATCH"] = "1"

# How long an example takes depends on who else uses the machine.
settings.register_profile("loadtest", deadline=None)
# Each mutant is met by all tests of its function: a few examples tell most of them.
settings.register_profile("mutants", deadline=None, max_examples=20, derandomize=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "loadtest"))

NODE_MODULES = ROOT / "tests" / "contract" / "node_modules"


def _has(tool: str) -> bool:
    if tool == "node":
        return shutil.which("node") is not None and NODE_MODULES.exists()
    if tool == "canaries":
        return (ROOT / "loadtest" / "canaries" / "node_modules").exists() and shutil.which("chromium") is not None
    if tool == "mkdocs":
        return (ROOT / ".venv" / "docs" / "bin" / "mkdocs").exists()
    return shutil.which(tool) is not None


def pytest_runtest_setup(item: pytest.Item) -> None:
    """A tool that is missing skips the test by name; in CI, where all are installed, it fails it."""
    for marker in item.iter_markers("needs"):
        (tool,) = marker.args
        if not _has(tool):
            if os.environ.get("CI"):
                pytest.fail(f"{tool} is missing, and .ci/run installs it with what it needs")
            pytest.skip(f"{tool}, or what it needs, is missing: .ci/run installs it")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest first: beside the others they take no time of their own."""
    items.sort(key=lambda item: not any(name in item.nodeid for name in ("test_soak", "test_pods")))


@pytest.fixture(scope="session")
def documented() -> Iterator[Backend]:
    backend = start_backend("documented")
    yield backend
    backend.stop()


@pytest.fixture(scope="session")
def as_built() -> Iterator[Backend]:
    """The build as it is, its throttle off."""
    backend = start_backend("as-built", "--throttle-limit", "0")
    yield backend
    backend.stop()


@pytest.fixture(scope="session")
def deployed() -> Iterator[Backend]:
    """The build as it is deployed, with agents at work, its throttle off."""
    backend = start_backend("deployed", "--throttle-limit", "0")
    yield backend
    backend.stop()


@pytest.fixture(scope="session")
def breakable() -> Iterator[Backend]:
    """The documented build, as long as no test has it do something wrong."""
    backend = start_backend("documented", "--breakable")
    yield backend
    backend.stop()


@pytest.fixture(params=["documented", "as-built"])
def backend(request: pytest.FixtureRequest) -> Backend:
    """Both profiles in turn."""
    found: Backend = request.getfixturevalue(request.param.replace("-", "_"))
    return found


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Certificates, see `certificates.make_keys`; what asks for them needs openssl."""
    folder = tmp_path_factory.mktemp("keys")
    make_keys(folder)
    return folder


@pytest.fixture
def rows(backend: Backend) -> Iterator[Rows]:
    """A run's rows, removed afterwards."""
    with Rows(backend.database_url, f"test-{uuid.uuid4().hex[:12]}") as made:
        yield made
        made.remove()


@pytest.fixture
def room(rows: Rows) -> OwnedRoom:
    """A project with an owner and an agent."""
    return rows.create_rooms(1)[0]


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A key, and the certificate for localhost that it has signed itself."""
    folder = tmp_path_factory.mktemp("tls")
    key, cert = folder / "key.pem", folder / "cert.pem"
    command = (
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost"
    )
    names = ["-addext", "subjectAltName=DNS:localhost"]
    subprocess.run([*command.split(), *names, "-keyout", key, "-out", cert], check=True, capture_output=True)
    return key, cert

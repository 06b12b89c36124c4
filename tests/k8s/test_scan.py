"""A security scan of what the chart renders, without a network; each exemption has its reason."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING

import pytest

from ..support import ROOT
from .renders import CASES, text_of

if TYPE_CHECKING:
    from pathlib import Path

CHECKOV = ROOT / ".venv" / "tools" / "bin" / "checkov"
WITHOUT_PROTECTION = "bare"
"""Values that switch policies off: the scan would say so, rightly."""
EXEMPT = {
    "CKV_K8S_8": "a liveness probe that fails under load would kill the run that it is there to measure",
    "CKV_K8S_9": "of `helm test`'s pods nobody is served; master, workers and backend have readiness probes",
    "CKV_K8S_11": "a limit of CPU throttles, and so delays what is timed; requests reserve the core",
    "CKV_K8S_15": "the tag is a version and the digest can be given: pulling again would bring the same",
    "CKV_K8S_35": "clients of object stores read variables; only the sidecar that uploads has them",
    "CKV_K8S_43": "a digest is the user's to give (image.digest): the chart cannot know it",
}

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not CHECKOV.exists(), reason="no checkov: `make .venv/tools`"),
]


def failed(folder: Path) -> dict[str, set[str]]:
    """Check -> the objects that it failed for."""
    command = [CHECKOV, "--directory", folder, "--framework", "kubernetes", "--skip-download", "--output", "json"]
    ended = subprocess.run(
        [*command, "--compact", "--quiet"], capture_output=True, text=True, check=False, timeout=300
    )
    results = json.loads(ended.stdout)["results"]
    found: dict[str, set[str]] = {}
    for check in results["failed_checks"]:
        found.setdefault(check["check_id"], set()).add(check["resource"])
    return found


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, set[str]]:
    folder = tmp_path_factory.mktemp("renders")
    for case, values in CASES.items():
        if case == WITHOUT_PROTECTION:
            continue
        (folder / f"{case}.yaml").write_text(text_of(values), encoding="utf-8")
    return failed(folder)


def test_the_scan_finds_nothing_without_a_reason(found: dict[str, set[str]]) -> None:
    assert {check: where for check, where in found.items() if check not in EXEMPT} == {}


def test_every_exemption_is_needed(found: dict[str, set[str]]) -> None:
    assert set(EXEMPT) - set(found) == set()


def test_the_scan_would_find_a_privileged_container(tmp_path: Path) -> None:
    text = text_of(CASES["job"]).replace("allowPrivilegeEscalation: false", "allowPrivilegeEscalation: true")
    (tmp_path / "job.yaml").write_text(text, encoding="utf-8")
    assert "CKV_K8S_20" in failed(tmp_path)

"""A backend that broadcasts, and whose answers nobody can read: what came is not called lost without a word."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from loadtest.exit_codes import ExitCode

from ..support import summary_of
from .runs import load_as

if TYPE_CHECKING:
    from pathlib import Path

    from ..support import Backend

pytestmark = pytest.mark.slow

_MISREAD = """
from loadtest.backends.prometheus.adapter import Prometheus

class Misread(Prometheus):
    def key_of(self, answer):
        return answer["data"]["id"]

BACKEND = Misread()
"""


def test_broadcasts_of_triggers_whose_answers_cannot_be_read(documented: Backend, tmp_path: Path) -> None:
    ran = load_as(_MISREAD, documented, tmp_path, "-u", "8", "--rate", "5", "--in-flight-window", "0.5")
    summary = summary_of(tmp_path / "results")
    triggers, deliveries = summary["triggers"], summary["deliveries"]
    assert triggers["failed"] == triggers["sent"] > 0
    assert 0 < deliveries["lost"] <= deliveries["foreign"], "the updates came, and bear ids that nobody knows"
    assert deliveries["missed_offline"] == 0
    said = f"of {deliveries['lost']} deliveries that count as lost, {deliveries['lost']} may be among them"
    assert any(said in reason for reason in summary["validity"]["reasons"])
    assert ran.returncode in {ExitCode.RUN_SUSPECT, ExitCode.RUN_INVALID}, ran.stdout[-3000:]
    assert "with an answer that cannot be read: KeyError('data')" in ran.stderr
    assert "Traceback" not in ran.stderr

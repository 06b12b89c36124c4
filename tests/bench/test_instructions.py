"""The guard over what a delivery takes: what it says, and that it sees one call of Python more."""

from __future__ import annotations

import json

import pytest

from lab.bench.instructions import REFERENCE, made_of, per_delivery, verdict

NOW = {"python": "3.11.2", "machine": "x86_64", "gevent": "1"}


@pytest.mark.parametrize(
    ("found", "code"),
    [(1009.0, 0), (900.0, 0), (1011.0, 1)],
)
def test_the_verdict(found: float, code: int) -> None:
    told, ended = verdict(found, {"made_of": NOW, "instructions": 1000}, NOW)
    assert ended == code
    assert pytest.approx(found / 10 - 100) == float(told.partition("%")[0])
    assert ("worse" in told) is bool(code)


def test_another_python_is_not_compared() -> None:
    told, code = verdict(1000.0, {"made_of": NOW | {"python": "3.12.0"}, "instructions": 1000}, NOW)
    assert (told, code) == ("the reference is of another python: record one (--record)", 3)


@pytest.mark.slow
@pytest.mark.alone
@pytest.mark.needs("valgrind")
def test_one_call_more_for_each_delivery_is_seen() -> None:
    """The fault: the reference's code, and a Python function around its observer."""
    count, slower = per_delivery(), per_delivery("--slower")
    assert 5_000 < count < 50_000
    assert verdict(slower, {"made_of": made_of(), "instructions": count}, made_of())[1] == 1
    assert json.loads(REFERENCE.read_text())["instructions"] > 5_000

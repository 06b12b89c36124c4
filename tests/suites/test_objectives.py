"""What suites are judged by: the guide's benchmarks, and limits for the time in which they overload a backend."""

from __future__ import annotations

import configparser
from typing import TYPE_CHECKING

import pytest

from loadtest.measurement.objectives import DEFAULTS, GUIDE, parse, path_of
from loadtest.measurement.overload import OVERLOAD
from loadtest.scenarios.catalogue import ALL
from loadtest.scenarios.scenario import SECURITY, STRESS, SUITES

from ..scenarios.overloading import OVERLOADING
from ..support import ROOT

if TYPE_CHECKING:
    from loadtest.measurement.objectives import Objective


def objectives_of(suite: str) -> list[Objective]:
    """Return the objectives that the configuration file of a suite names."""
    conf = configparser.ConfigParser()
    conf.read_string("[suite]\n" + (ROOT / "loadtest" / "suites" / f"{suite}.conf").read_text(encoding="utf-8"))
    return parse(path_of(conf["suite"].get("slo-file", GUIDE)).read_text(encoding="utf-8"), suite)


@pytest.mark.parametrize("suite", SUITES)
def test_every_suite_is_judged_by_all_benchmarks_of_the_guide(suite: str) -> None:
    guide = parse(path_of(GUIDE).read_text(encoding="utf-8"), GUIDE)
    assert [one for one in objectives_of(suite) if not one.phase] == guide
    assert set(DEFAULTS) < set(guide), "and by the default ones"


@pytest.mark.parametrize("suite", SUITES)
def test_suites_that_overload_a_backend_have_limits_for_that_time_too(suite: str) -> None:
    overloads = any(scenario.name in OVERLOADING for scenario in ALL if suite in scenario.suites)
    assert overloads == (suite in (SECURITY, STRESS))
    phases = {(one.figure, one.phase) for one in objectives_of(suite) if one.phase}
    assert phases == ({(f"latency_{name}_ms", OVERLOAD) for name in ("mean", "max")} if overloads else set())

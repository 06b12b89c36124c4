"""Objectives read from a file, and merged with those that hold for every run."""

import re

import pytest

from loadtest.errors import Fault, Owner
from loadtest.measurement.objectives import DEFAULTS, Objective, parse

GUIDE = "guide_objectives.toml"


def own(text: str) -> list[Objective]:
    """Return the objectives of a text, without those that hold for every run."""
    return [objective for objective in parse(text, "mine.toml") if not objective.built_in]


def refused(text: str) -> str:
    with pytest.raises(Fault) as caught:
        parse(text, "mine.toml")
    assert caught.value.owner is Owner.USER
    assert "\n" not in str(caught.value)
    return str(caught.value)


def row(**fields: object) -> str:
    given = {"name": "x", "figure": "latency_p99_ms", "below": 1} | fields
    lines = [
        f"{name} = {str(value).lower() if isinstance(value, bool) else repr(value)}"
        for name, value in given.items()
    ]
    return "\n".join(["[[slo]]", *lines, ""])


def test_an_empty_file_leaves_what_holds_for_every_run() -> None:
    assert parse("", "mine.toml") == list(DEFAULTS)
    assert len({objective.name for objective in DEFAULTS}) == len(DEFAULTS) == 11
    assert all(objective.limit == 0 and objective.comparison == "at_most" for objective in DEFAULTS)


def test_everything_of_a_row_is_kept() -> None:
    text = row(phase="spike", figure="lost_percent") + row(name="m", abort_after_s=5, figure="latency_ms.a.b.p99")
    assert own(text) == [
        Objective("x", "lost_percent", "below", 1.0, phase="spike"),
        Objective("m", "latency_ms.a.b.p99", "below", 1.0, abort_after_s=5.0),
    ]
    relative = '[[slo]]\nname = "r"\nfigure = "latency_p99_ms"\nabove_times_baseline = 2\n'
    assert own(relative) == [Objective("r", "latency_p99_ms", "above", 2.0, relative=True)]


def test_a_memory_ends_no_run_early() -> None:
    assert own(row(figure="backend_memory_growth_percent"))
    assert "abort_after_s" in refused(row(figure="backend_memory_growth_percent", abort_after_s=5))


@pytest.mark.parametrize("default", DEFAULTS, ids=lambda default: default.figure)
def test_each_default_is_relaxed_switched_off_or_made_to_abort_by_its_name(default: Objective) -> None:
    def of(text: str) -> dict[str, Objective]:
        return {objective.name: objective for objective in parse(text, "mine.toml")}

    relaxed = of(f'[[slo]]\nname = "{default.name}"\nat_most = 5\n')[default.name]
    assert (relaxed.figure, relaxed.limit, relaxed.built_in) == (default.figure, 5.0, True)
    assert default.name not in of(f'[[slo]]\nname = "{default.name}"\noff = true\n')
    aborting = of(f'[[slo]]\nname = "{default.name}"\nabort_after_s = 3\n')[default.name]
    assert (aborting.limit, aborting.abort_after_s) == (0.0, 3.0)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[[slo", "is not TOML"),
        ("[[slos]]", "expected [[slo]] rows only, got slos"),
        ("slo = 3", "slo is not a list of tables"),
        ('[[slo]]\nfigure = "latency_p99_ms"\nbelow = 1', "number 1: expected a name, a figure and one limit"),
        ('[[slo]]\nname = "x"\nfigure = "latency_p99_ms"', "number 1: expected a name, a figure and one limit"),
        ('[[slo]]\nname = "x"\nbelow = 1', "unknown figure ''"),
        (row(below="1"), "expected a name, a figure and one limit"),
        (row(below=True), "expected a name, a figure and one limit"),
        (row().replace("below = 1", "below = nan"), "expected a name, a figure and one limit"),
        (row(above=0), "expected a name, a figure and one limit"),
        (row(unit="ms"), "expected a name, a figure and one limit"),
        (row(abort_after_s=-1), "expected a name, a figure and one limit"),
        (row(abort_after_s=1, phase="spike"), "expected a name, a figure and one limit"),
        (row() + row(), "number 2 has the name 'x' of an earlier row"),
        (
            row(name="no user error"),
            "'no user error' is the default objective for user_errors, got the figure 'latency_p99_ms'",
        ),
        ('[[slo]]\nname = "nothing"\noff = true', "expected the name of a default objective"),
        ('[[slo]]\nname = "no user error"\noff = false', "expected a name, a figure and one limit"),
        ('[[slo]]\nname = "no user error"\noff = true\nat_most = 1', "expected a name, a figure and one limit"),
        (
            "".join(f'[[slo]]\nname = "{one.name}"\noff = true\n' for one in DEFAULTS),
            "switches off every objective",
        ),
    ],
)
def test_a_wrong_file_is_refused_in_one_line(text: str, said: str) -> None:
    assert said in refused(text)


@pytest.mark.parametrize(
    ("figure", "phase"),
    [
        ("no_such_figure", ""),
        ("latency_ms.agentLog.p98", ""),
        ("latency_ms.p99", ""),
        ("deliveries.lots", ""),
        ("trigger_ms.failed", ""),
        ("connect_20_ms", "steady"),
        ("loop_lag_ms.p99", "steady"),
        ("figures.latency_p99_ms", ""),
    ],
)
def test_a_figure_that_no_run_has_is_refused_and_not_left_unmeasured(figure: str, phase: str) -> None:
    assert re.search("unknown figure .*Use one of", refused(row(figure=figure, phase=phase)))

"""A shape as it is named on the command line."""

from __future__ import annotations

import math

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from loadtest.shapes.choice import Choice, parameters_of
from loadtest.shapes.profiles import PROFILES


def test_a_name_with_its_parameters() -> None:
    chosen = Choice.parse("spike:base=0.1,at=30")
    assert (chosen.name, chosen.parameters) == ("spike", {"base": "0.1", "at": "30"})
    assert (chosen.searches, chosen.by_users) == (False, False)
    assert Choice.parse("ramp") == Choice("ramp")
    assert Choice.parse("capacity:") == Choice("capacity")


def test_a_search_is_by_users_unless_it_is_by_rate() -> None:
    assert [Choice.parse(text).by_users for text in ("capacity", "capacity:by=users", "capacity:by=rate")] == [
        *(True, True, False),
    ]
    assert Choice.parse("capacity:limit=50").number("limit", 200.0) == 50.0
    assert Choice.parse("capacity").number("limit", 200.0) == 200.0


@pytest.mark.parametrize("name", PROFILES)
def test_every_profile_takes_the_parameters_that_it_says_it_has(name: str) -> None:
    known = parameters_of(name)
    text = ",".join(f"{parameter}={1 if parameter != 'base' else 0.5}" for parameter in known)
    profile = Choice.parse(f"{name}:{text}").profile(60.0)
    assert profile.users(0.0, 100) is not None


@given(st.sampled_from(list(PROFILES)), st.data())
def test_no_shape_that_is_taken_asks_for_more_users_than_there_are(name: str, data: st.DataObject) -> None:
    values = st.one_of(st.integers(1, 200), st.floats(0.01, 200))
    given = data.draw(st.dictionaries(st.sampled_from(parameters_of(name)), values))
    try:
        chosen = Choice.parse(f"{name}:{','.join(f'{key}={value}' for key, value in given.items())}")
    except ValueError:
        assume(False)
    lasts_s = data.draw(st.floats(1, 1000))
    profile = chosen.profile(lasts_s)
    for at_s in (data.draw(st.floats(0, lasts_s, exclude_max=True)), math.nextafter(lasts_s, 0)):
        assert 0 <= profile.share(at_s) <= 1


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("zigzag", "there is no shape 'zigzag'; there are ramp, steps, spike, soak, wave, storm, capacity"),
        ("spike:hight=3", "spike has no parameter 'hight=3'; it has "),
        ("spike:base", "spike has no parameter 'base'; it has "),
        ("spike:base=high", "base=high is no number above 0"),
        ("spike:base=0", "base=0 is no number above 0"),
        ("spike:base=inf", "base=inf is no number above 0"),
        ("spike:base=1.5", "base=1.5 is more than all: it is a share, up to 1"),
        ("wave:low=20", "low=20 is more than all: it is a share, up to 1"),
        ("capacity:quantile=99", "quantile=99 is more than all: it is a share, up to 1"),
        ("steps:number=2.5", "number=2.5 is no whole number from 1 on"),
        ("capacity:hold=1", "hold=1 is no whole number from 2 on"),
        ("capacity:least=20,most=10", "least=20 is more than most=10"),
        ("capacity:by=magic", "capacity is by users or by rate, and not by 'magic'"),
    ],
)
def test_what_is_wrong_is_said(text: str, said: str) -> None:
    with pytest.raises(ValueError) as caught:
        Choice.parse(text)
    assert str(caught.value).startswith(said)

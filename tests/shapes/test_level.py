"""Tests of the rule for a level, with sequences of trials: Passed, Failed, Unsure, Void; c is a confirmation."""

from __future__ import annotations

import pytest

from loadtest.shapes.level import CONFIDENCE, Decision, decide, is_confirmed
from loadtest.shapes.trial import Settings, Trial, TrialOutcome

SETTINGS = Settings(10, 100)
LETTERS = {
    "P": TrialOutcome.PASSED,
    "F": TrialOutcome.FAILED,
    "U": TrialOutcome.UNSURE,
    "V": TrialOutcome.VOID,
}


def trials(letters: str, late: float = 0.01) -> list[Trial]:
    """Return trials of a level; lower-case letters are confirmations.

    :param late: share of late deliveries; half of the seconds have none, so that a decision takes many trials.
    """
    shares = [0.0, 2 * late] * 4
    return [
        Trial(
            50,
            LETTERS[letter.upper()],
            shares=shares,
            count=8000,
            late=round(8000 * late),
            share=late,
            expected=8000,
            lost=0,
            confirms=letter.islower(),
        )
        for letter in letters
    ]


@pytest.mark.parametrize(
    ("letters", "decision"),
    [
        ("", None),
        ("P", Decision.PASSES),
        ("F", None),
        ("FF", Decision.FAILS),
        ("FP", None),
        ("FPP", Decision.PASSES),
        ("FPF", None),
        ("FPFF", Decision.FAILS),
        ("FUF", Decision.FAILS),
        ("UP", Decision.PASSES),
        ("Pp", Decision.PASSES),
        ("Pf", None),
        ("Pfp", Decision.PASSES),
        ("Pfff", Decision.FAILS),
        ("Pu", Decision.PASSES),
        ("Puu", Decision.UNDECIDED),
        ("Pup", Decision.PASSES),
        ("U", None),
        ("UUU", None),
        ("UUUU", Decision.UNDECIDED),
        ("FUUUU", Decision.UNDECIDED),
        ("FPFPFPFP", Decision.UNDECIDED),
        ("V", None),
        ("VVVV", None),
        ("VVVVV", Decision.GENERATOR_LIMITED),
        ("VFVF", Decision.FAILS),
        ("VVVVP", Decision.PASSES),
    ],
)
def test_a_sequence_of_trials_decides(letters: str, decision: Decision | None) -> None:
    assert decide(trials(letters), SETTINGS) is decision


@pytest.mark.parametrize(
    ("letters", "late", "decision"),
    [
        ("UU", 0.005, Decision.PASSES),
        ("UU", 0.03, None),
        ("UUUU", 0.03, Decision.FAILS),
        ("UU", 0.01, None),
        ("UF", 0.005, None),
    ],
)
def test_unsure_trials_are_judged_together(letters: str, late: float, decision: Decision | None) -> None:
    """To fail, three of them have to be over the limit."""
    assert decide(trials(letters, late), SETTINGS) is decision


def test_what_a_search_may_end_with() -> None:
    assert not is_confirmed(trials("FF"), Decision.FAILS)
    assert is_confirmed(trials("FFF"), Decision.FAILS)
    assert is_confirmed(trials("UUVUU"), Decision.FAILS)
    assert not is_confirmed(trials("P"), Decision.PASSES)
    assert is_confirmed(trials("Pup"), Decision.PASSES)


def ends(fails: float) -> dict[Decision, float]:
    """Return the probability of each decision if each trial fails with this probability and otherwise passes."""
    found = dict.fromkeys(Decision, 0.0)
    open_ones = {"": 1.0}
    while open_ones:
        letters, chance = open_ones.popitem()
        decision = decide(trials(letters), SETTINGS)
        at_its_end = decision is not Decision.FAILS or is_confirmed(trials(letters), decision)
        if decision is not None and (at_its_end or len(letters) == SETTINGS.max_trials):
            found[decision] += chance
        else:
            open_ones |= {letters + "F": chance * fails, letters + "P": chance * (1 - fails)}
    return found


def test_it_is_as_sure_as_it_says() -> None:
    """Check the arithmetic of the module's docstring with all possible sequences."""
    stalls = ends(1 / 8)
    assert round(stalls[Decision.FAILS], 4) == 0.0026
    ten_levels = 10 * stalls[Decision.FAILS] + 0.005
    assert ten_levels <= 1 - CONFIDENCE
    # One interval of 99% is wrong on one side with 0.5%; a trial has two.
    assert ends(0.99)[Decision.PASSES] <= 0.0105
    assert stalls[Decision.PASSES] > 0.98

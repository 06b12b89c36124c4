"""Losses as counts, in short runs and long ones, of broadcasts that are lost together and one by one."""

from __future__ import annotations

import numpy as np
import pytest

from loadtest.reports.loss_rates import LossSample
from loadtest.reports.significance import Change, ChangeWord, judge_losses

NO_TIMELINE = np.zeros((0, 2))


def accounts(expected: int, lost: int, triggers: int) -> LossSample:
    return LossSample(expected, lost, triggers, NO_TIMELINE)


def timed(lost_by_second: list[int], per_second: int = 400) -> LossSample:
    """A run with a timeline; 4 triggers a second."""
    lost = np.array(lost_by_second)
    seconds = np.column_stack([np.full(len(lost), per_second), lost]).astype(float)
    return LossSample(per_second * len(lost), int(lost.sum()), 4 * len(lost), seconds)


def judged(before: LossSample, after: LossSample, runs: int = 1) -> Change:
    return judge_losses([before] * runs, [after] * runs)


@pytest.mark.parametrize(
    ("before", "after", "word"),
    [
        # 6 seconds, 11 triggers, of which 7 are lost: 63.6%.
        (accounts(330, 0, 11), accounts(330, 210, 11), ChangeWord.WORSE),
        (accounts(330, 210, 11), accounts(330, 0, 11), ChangeWord.BETTER),
        (accounts(60, 0, 6), accounts(60, 60, 6), ChangeWord.WORSE),
        (accounts(1000, 0, 100), accounts(1000, 200, 100), ChangeWord.WORSE),
        # A few triggers that were lost are no proof, and not nothing.
        (accounts(330, 0, 11), accounts(330, 30, 11), ChangeWord.MAYBE_WORSE),
        (accounts(1000, 0, 100), accounts(1000, 1, 100), ChangeWord.SAME),
        (accounts(1000, 0, 1000), accounts(1000, 1, 1000), ChangeWord.SAME),
        (accounts(330, 0, 11), accounts(330, 0, 11), ChangeWord.SAME),
        (accounts(330, 330, 11), accounts(330, 330, 11), ChangeWord.SAME),
        (accounts(0, 0, 0), accounts(330, 0, 11), ChangeWord.UNKNOWN),
    ],
)
def test_runs_without_a_timeline(before: LossSample, after: LossSample, word: ChangeWord) -> None:
    assert judged(before, after).word is word


def test_losses_that_are_spread_over_a_run_count_one_by_one() -> None:
    found = judged(timed([0] * 60), timed([1] * 60))
    assert found.word is ChangeWord.WORSE
    assert found.change == pytest.approx(0.25)


@pytest.mark.parametrize("second", [0, 30, 59])
def test_one_bad_moment_is_one_event(second: int) -> None:
    lost = [0] * 240
    lost[second] = 400
    assert judged(timed([0] * 240), timed(lost)).word is ChangeWord.SAME
    lost[second : second + 10] = [400] * 10
    assert judged(timed([0] * 240), timed(lost)).word is ChangeWord.MAYBE_WORSE


def test_losses_that_were_there_before_may_vary_between_single_runs() -> None:
    rng = np.random.default_rng(1)
    usual, half_more, five_times = (timed(rng.binomial(400, p, 120).tolist()) for p in (0.01, 0.015, 0.05))
    assert judged(usual, half_more).word is ChangeWord.MAYBE_WORSE
    assert judged(usual, five_times).word is ChangeWord.WORSE
    assert judged(usual, half_more, runs=3).word is ChangeWord.WORSE


def test_with_three_runs_a_side_one_lossy_run_is_a_warning() -> None:
    clean, lossy = timed([0] * 60), timed([4] * 60)
    assert judge_losses([clean] * 3, [clean, clean, lossy]).word is ChangeWord.MAYBE_WORSE
    assert judge_losses([clean] * 3, [lossy] * 3).word is ChangeWord.WORSE


@pytest.mark.parametrize("runs", [1, 3])
@pytest.mark.parametrize("loss", [0.0, 0.001, 0.02, 0.5])
@pytest.mark.parametrize("together", [1, 40])
def test_the_same_thing_is_hardly_ever_worse(runs: int, loss: float, together: int) -> None:
    rng = np.random.default_rng(2)

    def side() -> list[LossSample]:
        return [timed((together * rng.binomial(400 // together, loss, 60)).tolist()) for _ in range(runs)]

    alarms = sum(judge_losses(side(), side()).word is ChangeWord.WORSE for _ in range(300))
    assert alarms / 300 < 0.03

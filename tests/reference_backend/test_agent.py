"""Tests of the steps of working agents, over many seeds."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from random import Random

import pytest

from lab.reference_backend import agent_texts
from lab.reference_backend.agent import agent_steps
from lab.reference_backend.agent_options import AgentOptions
from lab.reference_backend.fault_options import Delay
from lab.reference_backend.profile import AS_BUILT, DEPLOYED
from lab.reference_backend.steps import Step
from loadtest.backends.prometheus import contract

from ..contract.agents import is_grammatical, sentence_of

SEEDS = range(1500)


def steps(seed: int, options: AgentOptions | None = None) -> list[Step]:
    return list(agent_steps("the ~title~", "ubuntu:latest", options or AgentOptions(), Random(seed)))


def sentence(steps: list[Step]) -> str:
    return sentence_of(
        [contract.TASK_STATUS_UPDATE, {"newStatus": step.status}]
        if step.status
        else [contract.AGENT_LOG, {"message": step.text}]
        for step in steps
    )


def test_deployed_is_as_built_in_all_else() -> None:
    assert replace(DEPLOYED, name="as-built", has_docker=False) == AS_BUILT


@pytest.mark.parametrize("max_rounds", [1, 5, 20])
@pytest.mark.parametrize("failure_share", [0.0, 0.2, 1.0])
def test_every_run_is_grammatical(max_rounds: int, failure_share: float) -> None:
    options = AgentOptions(max_rounds, failure_share=failure_share)
    for seed in SEEDS:
        assert is_grammatical(sentence(steps(seed, options))), seed


def test_one_title_one_start_and_one_final_status() -> None:
    for seed in SEEDS:
        run = steps(seed)
        assert [number for number, step in enumerate(run) if "the ~title~" in step.text] == [0]
        statuses = [step.status for step in run if step.status]
        assert statuses in (["IN_PROGRESS", "COMPLETED"], ["IN_PROGRESS", "FAILED"])
        for number, step in enumerate(run):
            if step.status:
                assert run[number + 1].text == contract.LOG_STATUS.format(status=step.status)


def test_the_share_of_failures_and_that_they_come_at_any_point() -> None:
    sentences = [sentence(steps(seed)) for seed in SEEDS]
    failed = [one for one in sentences if "F" in one]
    assert len(failed) / len(sentences) == pytest.approx(0.2, abs=0.04)
    points = Counter(one.index("X") - len("APs") for one in failed)
    assert set(range(12)) < set(points), "each point of the setup, and some after it"


def test_rounds_are_drawn_up_to_the_most() -> None:
    sentences = [sentence(steps(seed, AgentOptions(5, failure_share=0.0))) for seed in SEEDS]
    assert {one.count("t") for one in sentences} == {1, 2, 3, 4, 5}


def test_what_takes_time() -> None:
    run = steps(3, AgentOptions(delay=Delay(40.0), failure_share=0.0))
    delayed = [letter for letter, step in zip(sentence(run), run, strict=True) if step.delay_s]
    assert {step.delay_s for step in run if step.delay_s} == {0.04}
    assert "".join(delayed) == "DG" + "t" * sentence(run).count("t")
    drawn = [step.delay_s for seed in SEEDS for step in steps(seed) if step.delay_s]
    assert sum(drawn) / len(drawn) == pytest.approx(0.1, rel=0.1)


def test_texts_of_all_sorts() -> None:
    texts = [step.text for seed in SEEDS for step in steps(seed)]
    whole = "\0".join(texts)
    assert not [fragment for fragment in agent_texts.FRAGMENTS if fragment not in whole]
    for odd in ('"', "\\", "\n", "\r", "😀", "\ufffd", '{"taskId":', "\x1b", "\x00"):
        assert odd in whole
    assert {text.count("~") for text in texts if len(text) < 1000} > {0, 1, 2, 3, 4}
    results = [text for text in texts if text.startswith("[Результат]")]
    long = [text for text in results if len(text.encode()) >= 100_000]
    assert len(long) / len(results) == pytest.approx(0.02, abs=0.01)
    assert max(len(text.encode()) for text in long) < contract.MAX_PAYLOAD_BYTES / 2
    # A client has to be able to decode every text: half a surrogate pair is invalid.
    assert whole.encode().decode() == whole


def test_the_same_seed_does_the_same() -> None:
    assert steps(5) == steps(5)
    assert steps(5) != steps(6)

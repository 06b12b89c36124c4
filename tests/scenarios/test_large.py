"""Large content: its limits, and how a difference is told. Its wrong backends are in `wrongs`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.reference_backend.breakages import Breakage
from loadtest.backends.endpoint import Endpoint
from loadtest.backends.prometheus import contract
from loadtest.backends.prometheus.rows import Rows
from loadtest.scenarios import capabilities as can
from loadtest.scenarios import large
from loadtest.scenarios.content import LONGEST_TITLE, TOO_LONG_TITLE, difference, numbered, numbers, odd_text

from ..support import start_backend
from .abilities import LACKING, able
from .company import Found

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..support import Backend


@pytest.fixture
def company(breakable: Backend) -> Iterator[Found]:
    with Rows(breakable.database_url, "large") as rows:
        made = Found(Endpoint(breakable.url), rows, able(), patience_s=1.0)
        yield made
        made.close()
        rows.remove()
        breakable.breaks()


def failed(company: Found) -> set[str]:
    return {check for (_, check), (passed, _) in company.found.items() if passed is not True}


@pytest.mark.slow
@pytest.mark.parametrize("breakage", [None, Breakage.ALTERS_FOR_ONE])
def test_logs_of_100_kb(breakage: Breakage | None) -> None:
    """Of an agent at work, whose first task prints this much."""
    deployed = start_backend(
        *("deployed", "--breakable", "--throttle-limit", "0", "--seed", "10", "--agent-delay", "1"),
        *("--agent-failures", "0"),
    )
    try:
        deployed.breaks(*([breakage] if breakage else []))
        with Rows(deployed.database_url, "large") as rows:
            company = Found(Endpoint(deployed.url), rows, able(*LACKING["as-built"]), patience_s=10.0)
            large.broadcasts.play(company)
            company.close()
            rows.remove()
    finally:
        deployed.stop()
    passed, evidence = company.found[large.broadcasts.name, large.SAME]
    assert passed is (breakage is None), evidence
    if passed:
        assert int(evidence.split()[-2]) > 100_000, evidence
        assert failed(company) == set()


def test_what_nothing_comes_back_from_is_skipped(company: Found) -> None:
    company.capabilities = able(can.PING)
    large.payloads.play(company)
    outcomes = {check: passed for (_, check), (passed, _) in company.found.items()}
    assert outcomes == {
        large.LIMIT: True,
        large.TAKEN: True,
        large.CLOSED: True,
        large.OTHERS: True,
        large.WHOLE: None,
        large.BEYOND: None,
    }
    assert "there is no ping" in company.found[large.payloads.name, large.WHOLE][1]


@pytest.mark.parametrize("parser", ["default", "msgpack"])
def test_sizes_are_those_on_the_wire(breakable: Backend, company: Found, parser: str) -> None:
    client = company.helper().client(None, endpoint=Endpoint(breakable.url, parser=parser))
    for size in (125, 126, 65_535, 65_536, 200_000):
        text = large._filling(client, "ping", size)
        assert large._wire_bytes(client, "ping", text) <= size < large._wire_bytes(client, "ping", f"{text}....")


# Content


def test_titles_are_as_long_as_they_may_be() -> None:
    assert len(f"{0:016x} {LONGEST_TITLE}") == contract.TITLE_MAX_CHARS
    # JavaScript counts what UTF-16 needs.
    assert len(LONGEST_TITLE.encode("utf-16-le")) == 2 * len(LONGEST_TITLE)
    assert LONGEST_TITLE.strip() == LONGEST_TITLE
    assert len(TOO_LONG_TITLE) == 1


@given(st.integers(1, 3000), st.data())
def test_each_change_is_found(length: int, data: st.DataObject) -> None:
    for text in (numbered(length), odd_text(length)):
        assert len(text) >= length
        assert difference(text, text) == ""
        place = data.draw(st.integers(0, len(text) - 1))
        for wrong in (
            text[:place],
            text[:place] + text[place + 1 :],
            text[:place] + "@" + text[place + 1 :],
            text[: place + 1] + text[place:],
        ):
            assert difference(text, wrong)


@pytest.mark.parametrize(
    ("sent", "came", "said"),
    [
        ("abc", None, "nothing came instead of a str"),
        ("abc", ["abc"], "a list came instead of a str"),
        ("abcd", "ab", "2 characters came instead of 4"),
        ("abcd", "abXd", "character 2 of 4 differs: 'Xd' came instead of 'cd'"),
        ([1.5, 2.5], [1.5, 3.5], "item 1 of 2: 3.5 came instead of 2.5"),
        (["abc", 1], ["ab", 1], "item 0 of 2: 2 characters came instead of 3"),
        (1, 2, "2 came instead of 1"),
    ],
)
def test_what_differs_is_said(sent: object, came: object, said: str) -> None:
    assert difference(sent, came) == said


def test_numbers_are_longer_as_javascript_writes_them() -> None:
    for text in numbers(700):
        assert len(text) == 4
        assert len(repr(float(text))) == 5

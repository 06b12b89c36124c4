"""The report from records on disk: of a good run, of one that delivered nothing, and of broken ones."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bench.big_record import make as simulate
from measure.fleet import Fleet
from reports.load import load
from reports.page import render
from shapes.capacity import Search, Settings, Trial

from ..measure.runs import fleet_of
from .browser import assert_looks_good, look
from .checked_html import check
from .records import write


def test_a_page_has_what_it_must(tmp_path: Path) -> None:
    page = render(load(write(tmp_path, fleet_of())))
    check(page)
    assert "valid" in page
    for said in (
        "anybody may read any project",
        "a &lt;script&gt; was let in",
        "let in: &lt;b&gt;garbage",
        "✗ failed",
    ):
        assert said in page
    assert page.index("✓ passed") > page.index("Conformance")
    assert "not supported" in page
    assert "✗ violated" in page
    assert "✓ holds" in page
    assert "x &lt;&amp;&gt;" in page
    assert "Nothing to draw" in page  # this fleet has no time of a taskStatusUpdate
    assert "needs a baseline" in page
    assert "connect: x" in page


def test_a_run_that_delivered_nothing_has_a_page_too(tmp_path: Path) -> None:
    fleet = Fleet()
    fleet.enlist("died")
    page = render(load(write(tmp_path, fleet)))
    check(page)
    assert "nothing was measured" in page
    assert "invalid run" in page
    assert "not measured" in page
    assert page.count("<svg") == 0


def test_numbers_of_an_invalid_run_carry_the_word(tmp_path: Path) -> None:
    fleet = fleet_of()
    fleet.enlist("died")
    page = render(load(write(tmp_path, fleet)))
    assert len(re.findall(r"\(invalid run\)", page)) == 3


@pytest.mark.needs("chromium")
@pytest.mark.slow
@pytest.mark.parametrize("width", [1000, 390])
@pytest.mark.parametrize("seconds", [100, 400])
def test_the_pictures_of_a_run(tmp_path: Path, width: int, seconds: int) -> None:
    page = render(load(simulate(tmp_path, seconds, 3)))
    check(page)
    drawn = page.count('<div class="wide">')
    assert drawn >= 11
    assert_looks_good(page, tmp_path, width, drawn)


@pytest.mark.needs("chromium")
@pytest.mark.slow
def test_a_browser_sees_what_is_wrong(tmp_path: Path) -> None:
    """The check of the pictures can fail, in each of its ways."""
    page = render(load(write(tmp_path, fleet_of())))
    damaged = re.sub(
        r"(<svg role=.*?<g id=\"axes_1\">)",
        r'\1<text x="20" y="40">over</text><text x="21" y="40">over</text><text x="9000" y="9">out</text>'
        r'</g><g id="axes_9">',
        page,
        count=1,
        flags=re.DOTALL,
    )
    seen = look(damaged, tmp_path, 1000)
    assert any(one.endswith(": over / over") for one in seen["overlaps"])
    assert any(one.endswith(": out") for one in seen["cut"])
    assert seen["empty"]


@pytest.mark.slow
def test_a_search_shows_what_it_tried(tmp_path: Path) -> None:
    search = Search(Settings(10, 20))
    search.trials = [
        Trial(10, "held", "", 0.001, 0.0005, certain=True, seconds=8),
        Trial(20, "broke", "3 connections, joins or triggers failed or were lost", certain=True, generator=True),
        Trial(10, "held", "", 0.002, 0.0005, certain=True, seconds=16, confirms=True),
    ]
    page = render(load(write(tmp_path, fleet_of(), {"by": "users", "limit_ms": 200.0, **search.result()})))
    check(page)
    for said in ("10 viewers</strong> hold; 20 do not: 3 connections", "10, again", "0.1 ± 0.05", "gave in first"):
        assert said in page, said

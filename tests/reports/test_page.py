"""The report from records on disk: of a good run, of one that delivered nothing, and of broken ones."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from lab.bench.big_record import make as simulate
from loadtest.measurement.fleet import Fleet
from loadtest.reports.load import load
from loadtest.reports.page import render
from loadtest.shapes.capacity import Search
from loadtest.shapes.statement import statement
from loadtest.shapes.trial import Settings, Trial, TrialOutcome

from ..measurement.runs import fleet_of
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
        "let in: &lt;b&gt;garbage&lt;/b&gt;<br><strong>Verify &lt;tokens&gt;.</strong>",
        "✗ failed",
    ):
        assert said in page
    assert page.rindex("✓ passed") > page.index("Conformance")
    assert page.index("<strong>FAILED</strong>") < page.index("<h1>")
    assert "<title>FAILED: run r</title>" in page
    assert "not supported" in page
    assert "✗ FAILED" in page
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


def test_a_search_of_an_older_record_is_named_and_not_shown(tmp_path: Path) -> None:
    where = write(tmp_path, fleet_of())
    summary = json.loads((where / "summary.json").read_text(encoding="utf-8"))
    older = {"by": "users", "limit_ms": 200.0, "finished": True, "limited_by_generator": False, "holds": 10}
    (where / "summary.json").write_text(json.dumps(summary | {"capacity": older}), encoding="utf-8")
    page = render(load(where))
    check(page)
    assert "the record is damaged: capacity.max_passing" in page
    assert "<h2>Capacity</h2>" not in page


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
    passed = {"outcome": TrialOutcome.PASSED, "share": 0.002, "half": 0.0005, "expected": 9, "lost": 0}
    failed = Trial(20, TrialOutcome.FAILED, "3 connections, joins or triggers failed, limit 0", lost=0)
    void = Trial(20, TrialOutcome.VOID, "the load generator stood still for 900 ms, limit 100 ms", lost=0)
    search = Search(Settings(10, 20), trials=[Trial(10, **passed), void, failed, failed, failed])
    search.trials.append(Trial(10, **passed, confirms=True))
    found = search.result()
    capacity = {"by": "users", "statement": statement(found, "viewers"), **found, "limited_by_generator": True}
    page = render(load(write(tmp_path, fleet_of(), capacity)))
    check(page)
    for said in (
        "<strong>10 viewers pass (95% sure; 2 of 2 trials); 20 fail (3 of 3 trials): 3 connections",
        "10, confirmation",
        "0.2 ± 0.05",
        "✗ failed",
        '<span class="soft">void</span>',
        "stood still for 900 ms",
        "gave in first",
    ):
        assert said in page, said

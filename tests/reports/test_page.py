"""The report from records on disk: of a good run, of one that delivered nothing, and of broken ones."""

from __future__ import annotations

import html.parser
import json
import re
import subprocess
import sys
from argparse import Namespace
from pathlib import Path
from typing import Any

import pytest

from backend.plan import Cast
from backend.reader import Reader
from measure.checks import Checks
from measure.fleet import Fleet
from measure.slo import Objective
from measure.summary import room_rows, worker_rows
from reports.load import RecordError, load
from reports.page import render
from run import record
from run.cast import outcome as cast_outcome
from scenarios import capabilities as can
from scenarios.capabilities import Answer, Capabilities
from shapes.capacity import Search, Settings, Trial

from ..measure.test_summary import FACTS, fleet_of, summary_of
from ..support import ROOT

CAPABILITIES = Capabilities(
    {can.TOKEN_CHECK: Answer(True, "refused"), can.OWN_ROOMS: Answer(False, "a <script> was let in")}
)
CHECKS = Checks()
CHECKS.count("bad tokens", "none of them connects", False, "let in: <b>garbage</b>")
CHECKS.count("bad tokens", "the refusal says why", True, "Unauthorized")
OBJECTIVES = [
    Objective("maximum latency", "latency_max_ms", "below", 1.0),
    Objective("x <&>", "connect_20_ms", "below", 9),
]


def write(folder: Path, fleet: Fleet, found: dict[str, Any] | None = None) -> Path:
    options = Namespace(tags=["security"], exclude_tags=None, fail_on_finding=None)
    cast = Cast(capabilities=CAPABILITIES.to_message())
    summary = {
        **summary_of(fleet, objectives=OBJECTIVES),
        **cast_outcome(options, cast, ["Intruder"], CHECKS),
        "capacity": found,
    }
    tables = {
        "timeline": fleet.timeline,
        "rooms": room_rows(fleet, Reader()),
        "workers": worker_rows(fleet),
    }
    return record.write(folder, summary, tables, {})


class Checker(html.parser.HTMLParser):
    """Every element that is opened is closed, and nothing is fetched from elsewhere."""

    VOID = frozenset({"meta", "br", "hr", "img", "link", "path", "use", "rect"})

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag not in ("script", "link", "iframe", "img")
        for name, value in attrs:
            if name in ("src", "href"):
                assert value is not None
                assert value.startswith("#")
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in self.VOID:
            assert self.open.pop() == tag


def check(page: str) -> None:
    checker = Checker()
    checker.feed(page)
    checker.close()
    assert checker.open == []


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
    assert page.count("<svg") == 3  # agentLog over time, clients over time, deliveries by room
    assert "Nothing to draw" in page  # this fleet has no time of a taskStatusUpdate
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


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda where: (where / "summary.json").unlink(), "is no run's record"),
        (lambda where: (where / "summary.json").write_text("{"), "is no run's record"),
        (lambda where: (where / "rooms.csv").unlink(), "not whole"),
        (lambda where: (where / "summary.json").write_text(json.dumps({"schema": 99})), "schema 99"),
    ],
)
def test_a_broken_record_is_one_line(tmp_path: Path, damage: Any, said: str) -> None:
    where = write(tmp_path, fleet_of())
    damage(where)
    with pytest.raises(RecordError, match=said):
        load(where)
    ended = subprocess.run(
        [sys.executable, "-m", "reports", str(where)], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert ended.returncode == 1
    assert said in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.needs("chromium")
@pytest.mark.slow
@pytest.mark.parametrize("width", [1000, 390])
def test_the_page_fits_its_window(tmp_path: Path, width: int) -> None:
    """A real browser: nothing is wider than the window, and every picture has a size."""
    where = write(tmp_path, fleet_of())
    page = render(load(where))
    probe = (
        "<script>document.title = JSON.stringify({wide: document.documentElement.scrollWidth, window: innerWidth, "
        "pictures: [...document.querySelectorAll('figure svg')].map(s => s.getBoundingClientRect().height)})"
        "</script></body>"
    )
    file = tmp_path / "probed.html"
    file.write_text(page.replace("</body>", probe), encoding="utf-8")
    switches = (
        "--headless --no-sandbox --disable-gpu --disable-background-networking --no-first-run --disable-sync"
    )
    command = ["chromium", *switches.split(), f"--user-data-dir={tmp_path / 'profile'}"]
    command += [f"--window-size={width},900", "--dump-dom", file.as_uri()]
    dom = subprocess.run(command, capture_output=True, text=True, timeout=60).stdout
    title = re.search(r"<title>(.*?)</title>", dom)
    assert title is not None
    seen = json.loads(title[1])
    assert seen["wide"] <= seen["window"]
    assert len(seen["pictures"]) == 3
    assert min(seen["pictures"]) > 60
    assert FACTS.run_id in dom


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

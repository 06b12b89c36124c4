"""Checks that a page is whole: HTML that is closed, and nothing from elsewhere."""

from __future__ import annotations

import html.parser


class Checker(html.parser.HTMLParser):
    """Every element that is opened is closed, and nothing is fetched from elsewhere."""

    VOID = frozenset({"meta", "br", "hr", "img", "link", "path", "use", "rect"})
    OWN = ("#", "data:text/csv;base64,", "data:image/png;base64,")

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag not in ("script", "link", "iframe", "img")
        for name, value in attrs:
            if name in ("src", "href"):
                assert value is not None
                # Pages of other runs lie beside this one.
                assert value.startswith(self.OWN) or (value.endswith("report.html") and ":" not in value)
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

"""What a comparison looks like: on the terminal, and as a page."""

from __future__ import annotations

from .compare import BETTER, WORSE, Change, Comparison
from .numbers import number
from .page import environment
from .pictures import sides


def headline(found: Comparison) -> str:
    """The outcome in a line."""
    counted = [f"{len(names)} {word}" for word, names in named(found) if names]
    if not counted:
        return "No difference that this data can show"
    return f"Of {len(found.changes)} figures {' and '.join(counted)}"


def named(found: Comparison) -> list[tuple[str, list[str]]]:
    """The figures that changed, by how."""
    return [(word, [one.figure for one in found.changes if one.word == word]) for word in (WORSE, BETTER)]


def text(found: Comparison) -> str:
    """For the terminal."""
    lines = [f"{'':24}{'before':>12}{'after':>12}{'change':>10}  {'interval':20} outcome"]
    for change in found.changes:
        before, after = (f"{number(value)} {change.unit}" for value in (change.before, change.after))
        lines.append(
            f"{change.figure:24}{before:>12}{after:>12}{changed(change):>10}  {interval(change):20} {change.word}"
        )
    return "\n".join([*lines, *(f"Note: {note}" for note in found.notes), headline(found)])


def page(found: Comparison, tolerance_percent: float) -> str:
    """`compare.html`."""
    jinja = environment()
    jinja.filters.update(changed=changed, interval=interval)
    events = found.before[0].events
    return jinja.get_template("compare.html.j2").render(
        headline=headline(found),
        named=named(found),
        sides=(("before", found.before), ("after", found.after)),
        notes=found.notes,
        several=len(found.before) + len(found.after) > 2,
        tolerance=tolerance_percent,
        changes=found.changes,
        pictures=[
            sides.changes(found, tolerance_percent),
            *(sides.spectra(found, event) for event in events),
            *(sides.over_time(found, event) for event in events),
        ],
    )


def changed(change: Change) -> str:
    """The change, with its sign."""
    return "–" if change.change is None else _signed(change, change.change)


def interval(change: Change) -> str:
    """Where it may lie."""
    if change.low is None or change.high is None:
        return "–"
    return f"{_signed(change, change.low)} … {_signed(change, change.high)}"


def _signed(change: Change, value: float) -> str:
    if change.unit == "%":
        return f"{value:+.3g} pp"
    return f"{value:+.0f}%" if abs(value) >= 10 else f"{value:+.1f}%"

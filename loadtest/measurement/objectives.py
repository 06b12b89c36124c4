"""Objectives of a run: the default ones, and those of a file."""

from __future__ import annotations

import math
import operator
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NoReturn

from loadtest.errors import Fault, Owner
from loadtest.measurement.figures import FIGURES, MEMORY_FIGURES, PHASE_FIGURES
from loadtest.measurement.latency import QUANTILES_PER_100K
from loadtest.measurement.presence import Counts

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

COMPARISONS: Final[Mapping[str, tuple[str, Callable[[float, float], bool]]]] = {
    "below": ("<", operator.lt),
    "above": (">", operator.gt),
    "at_most": ("≤", operator.le),
    "at_least": ("≥", operator.ge),
}
"""Word in a file -> its sign, and whether a value passes by a limit."""
GUIDE: Final = "guide"
SHIPPED: Final = {name: Path(__file__).with_name(f"{name}_objectives.toml") for name in (GUIDE, "overload")}
"""Files with objectives that come with the product, by the names that options know them by."""
_ASKED: Final = "events_per_s_per_client"
"""The one figure that an option of a run asks for."""
_TIMES_BASELINE: Final = "_times_baseline"
"""After a comparison: the limit is this many times the baseline's value."""
_WORDS: Final = (*COMPARISONS, *(word + _TIMES_BASELINE for word in COMPARISONS))
_FIELDS: Final = frozenset(("name", "figure", "phase", "when_asked", "off", "abort_after_s", *_WORDS))
_TIMES: Final = "|".join(("count", "mean", *QUANTILES_PER_100K, "max"))
_COUNTS: Final = "|".join((*Counts.__slots__, "uncounted", "corrupt", "foreign"))
_PATHS: Final = re.compile(
    rf"(latency_ms|latency_across_clocks_ms|connect_phases_ms|answers_ms)\..*\.({_TIMES})"
    rf"|(fan_out|replay|trigger|loop_lag|generator_delay|gc_pause)_ms\.({_TIMES})"
    rf"|(connect|join)_ms\.({_TIMES}|failed)"
    rf"|deliveries\.({_COUNTS})"
    r"|triggers\.(due|sent|missed|refused|failed)"
    r"|connections\.(most|lost|dropped|reconnects|reconnect_failures|recovered|away)"
    r"|memory\.(backend|generator)\.(mb|mb_per_hour|low_mb_per_hour|high_mb_per_hour)",
    re.DOTALL,
)
_PHASE_PATHS: Final = re.compile(
    rf"latency_ms\..*\.({_TIMES})|(fan_out|connect|join|trigger)_ms\.({_TIMES})"
    r"|deliveries\.(expected|delivered|lost)",
    re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Objective:
    """One objective: `figure` compared with `limit`.

    name: unique among the objectives of a run.
    figure: one of `figures.FIGURES`, or the path of a number in summary.json, e.g. `latency_ms.agentLog.p99`.
    comparison: one of below, above, at_most, at_least.
    limit: in the figure's own unit.
    when_asked: judged only if the command line gives the limit.
    phase: the phase of the run that it is about; empty for the whole run.
    relative: whether `limit` is a factor of the baseline's value.
    abort_after_s: end the run early if the objective fails this many seconds after publishing began, or later;
        None to let the run go on.
    built_in: whether it is one of `DEFAULTS`.
    """

    name: str
    figure: str
    comparison: str
    limit: float
    when_asked: bool = False
    phase: str = ""
    relative: bool = False
    abort_after_s: float | None = None
    built_in: bool = False


def _zero(name: str, figure: str) -> Objective:
    return Objective(name, figure, "at_most", 0.0, built_in=True)


DEFAULTS: Final = (
    _zero("no delivery lost while connected", "lost_while_connected"),
    _zero("no duplicate delivery", "duplicate_deliveries"),
    _zero("no leaked delivery", "leaked_deliveries"),
    _zero("no corrupt delivery", "corrupt_deliveries"),
    _zero("every connect succeeds", "failed_connects"),
    _zero("every join succeeds", "failed_joins"),
    _zero("no connection lost", "connections_lost_unexpectedly"),
    _zero("every user comes back after a lost connection", "users_not_back"),
    _zero("no trigger failed", "failed_triggers"),
    _zero("no request of other users failed", "failed_requests"),
    _zero("no user error", "user_errors"),
)
"""Judged for every run, of any size. A run's file can give one another limit, or switch it off."""


def path_of(file: str) -> Path:
    """Return the path of a file with objectives.

    :param file: the name of one that comes with the product, or a path.
    """
    return SHIPPED.get(file, Path(file))


def parse(text: str, source: str) -> list[Objective]:
    """Return the objectives of a run: those of its file, and `DEFAULTS`, which the file may change by their names.

    :param text: TOML.
    :param source: the file's name, for the error.
    :raises Fault: if a row is not right, in one line.
    """
    found = {(objective.name, ""): objective for objective in DEFAULTS}
    seen: set[tuple[str, str]] = set()
    for number, row in enumerate(_rows(text, source), 1):
        place = f"{source}: [[slo]] number {number}"
        name, phase = row.get("name"), str(row.get("phase", ""))
        if not isinstance(name, str) or not name.strip() or not name.isprintable() or set(row) - _FIELDS:
            _not_right(row, place)
        if (name, phase) in seen:
            raise Fault(
                Owner.USER,
                f"{place} has the name {name!r} of an earlier row",
                "Give each objective a name of its own.",
            )
        seen.add((name, phase))
        if "off" in row:
            _check_off(row, place)
            del found[name, ""]
        else:
            found[name, phase] = _objective(row, place)
    if not found:
        raise Fault(Owner.USER, f"{source} switches off every objective", "Leave at least one of them.")
    return list(found.values())


def _rows(text: str, source: str) -> list[Mapping[str, Any]]:
    try:
        document = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # also of numbers and tables without end
        raise Fault(Owner.USER, f"{source} is not TOML: {error}", "See docs/reports.md for an example.") from error
    if unknown := set(document) - {"slo"}:
        raise Fault(
            Owner.USER,
            f"{source}: expected [[slo]] rows only, got {', '.join(sorted(unknown))}",
            "See docs/reports.md for an example.",
        )
    rows = document.get("slo", [])
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise Fault(Owner.USER, f"{source}: slo is not a list of tables", "Write [[slo]] above each objective.")
    return rows


def _check_off(row: Mapping[str, Any], place: str) -> None:
    if row["off"] is not True or set(row) != {"name", "off"}:
        _not_right(row, place)
    names = [objective.name for objective in DEFAULTS]
    if row["name"] not in names:
        raise Fault(
            Owner.USER,
            f"{place} switches off {row['name']!r}: expected the name of a default objective",
            f"Use one of: {'; '.join(names)}.",
        )


def _objective(row: Mapping[str, Any], place: str) -> Objective:
    phase = str(row.get("phase", ""))
    default = next((one for one in DEFAULTS if one.name == row["name"] and not phase), None)
    figure = str(row.get("figure", "" if default is None else default.figure))
    if default is not None and figure != default.figure:
        raise Fault(
            Owner.USER,
            f"{place}: {default.name!r} is the default objective for {default.figure}, got the figure {figure!r}",
            "Choose another name.",
        )
    _check_figure(figure, phase, place)
    if row.get("when_asked") and figure != _ASKED:
        raise Fault(
            Owner.USER,
            f"{place}: when_asked is for {_ASKED}, got {figure}",
            "Leave out when_asked: no option asks for this figure.",
        )
    given = [word for word in _WORDS if word in row]
    abort = row.get("abort_after_s")
    if len(given) > 1 or not all(is_number(row[word]) for word in given):
        _not_right(row, place)
    if abort is not None and (not is_number(abort) or abort < 0 or phase):
        _not_right(row, place)
    if abort is not None and figure in MEMORY_FIGURES:
        raise Fault(
            Owner.USER,
            f"{place}: abort_after_s is for figures that are known while the run goes on, got {figure}",
            "Leave out abort_after_s: memory is judged when the run is over.",
        )
    if not given and (default is None or abort is None):
        _not_right(row, place)
    word = given[0] if given else "at_most"
    return Objective(
        str(row["name"]),
        figure,
        word.removesuffix(_TIMES_BASELINE),
        float(row[word]) if given else 0.0,
        when_asked=bool(row.get("when_asked", False)),
        phase=phase,
        relative=word.endswith(_TIMES_BASELINE),
        abort_after_s=None if abort is None else float(abort),
        built_in=default is not None,
    )


def _check_figure(figure: str, phase: str, place: str) -> None:
    names = PHASE_FIGURES if phase else FIGURES
    if figure not in names and not (_PHASE_PATHS if phase else _PATHS).fullmatch(figure):
        raise Fault(
            Owner.USER,
            f"{place}: unknown figure {figure!r}{' for a phase' if phase else ''}",
            f"Use one of {', '.join(names)}, or a path such as latency_ms.agentLog.p99; see docs/reports.md.",
        )


def _not_right(row: Mapping[str, Any], place: str) -> NoReturn:
    raise Fault(
        Owner.USER,
        f"{place}: expected a name, a figure and one limit, got {dict(row)}",
        f"A limit is a number for one of {', '.join(_WORDS)}; a default objective takes its name, and a limit or "
        "off = true.",
    )


def is_number(value: object) -> bool:
    """Return whether a value is a finite number."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:
        return False

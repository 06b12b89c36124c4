"""How pictures look: SVG in the page's own text colour, drawn once for wide windows and once for phones."""

from __future__ import annotations

import io
import math
import re
import warnings
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import matplotlib as mpl
import pandas as pd
from markupsafe import escape
from matplotlib import ticker
from matplotlib.figure import Figure

from loadtest.measurement.names import key_of, short, shown, stem_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from matplotlib.axes import Axes

    from loadtest.measurement.objective_results import ObjectiveResult

_TEXT: Final = "#010203"
"""Stands for the page's own colour; no line is drawn in it."""
# Okabe and Ito's colours, told apart by the colour-blind; in grey, line styles and hatches tell.
BLUE, ORANGE, GREEN, RED, SKY, PURPLE = "#0072b2", "#e69f00", "#009e73", "#d55e00", "#56b4e9", "#cc79a7"
STYLES: Final = ((BLUE, "-"), (GREEN, "--"), (ORANGE, "-."), (RED, ":"), (PURPLE, (0, (6, 1, 1, 1, 1, 1))))
SERIES: Final = (
    (BLUE, "-"),
    (ORANGE, "--"),
    (GREEN, "-."),
    (PURPLE, ":"),
    (RED, (0, (6, 1, 1, 1, 1, 1))),
    (SKY, (0, (1, 3))),
)
HEAT: Final = "cividis"
"""Its lightness rises evenly, so that it can be read in grey."""
_RC: Final[Any] = {
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.size": 10,
    "text.color": _TEXT,
    "axes.labelcolor": _TEXT,
    "axes.edgecolor": _TEXT,
    "xtick.color": _TEXT,
    "ytick.color": _TEXT,
    "axes.grid": True,
    "grid.alpha": 0.25,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "legend.frameon": False,
    "legend.fontsize": 9,
    "hatch.linewidth": 0.6,
    "axes.titlesize": 10,
    "axes.titlelocation": "left",
}
_WIDE_IN: Final = 8.6
_NARROW_IN: Final = 4.1
_HEIGHT_IN: Final = 3.2
_CHARACTERS_AN_INCH: Final = 16
_LABEL_CHARACTERS: Final = 48
"""Of a name in a picture, at most."""
_HANDLE_CHARACTERS: Final = 9
"""What a legend's line takes of it."""


@dataclass(frozen=True, slots=True)
class Picture:
    """One picture.

    slug: names it in addresses and files. text: one sentence that says what it shows. wide, narrow: SVG; None if
    there is nothing to draw. table: the numbers.
    """

    slug: str
    title: str
    text: str
    wide: str | None = None
    narrow: str | None = None
    table: pd.DataFrame = field(default_factory=pd.DataFrame)


@dataclass(frozen=True, slots=True)
class Canvas:
    """What is drawn on. narrow: for a phone."""

    figure: Figure
    narrow: bool

    def axes(self, rows: int = 1, ratios: Sequence[float] | None = None) -> list[Axes]:
        """Panels one above the other, that have their horizontal axis in common."""
        grid = self.figure.subplots(rows, 1, sharex=True, squeeze=False, gridspec_kw={"height_ratios": ratios})
        return [row[0] for row in grid]

    def columns(self, ratios: Sequence[float]) -> list[Axes]:
        """Panels beside each other, or one above the other on a phone."""
        if self.narrow:
            return [row[0] for row in self.figure.subplots(len(ratios), 1, squeeze=False)]
        return list(self.figure.subplots(1, len(ratios), squeeze=False, gridspec_kw={"width_ratios": ratios})[0])


def draw(
    slug: str,
    title: str,
    text: str,
    paint: Callable[[Canvas], None],
    table: pd.DataFrame,
    *,
    height: float = _HEIGHT_IN,
    narrow_height: float | None = None,
) -> Picture:
    """A picture in both widths.

    :param paint: draws it; heights are in inches.
    """
    drawn = []
    heights = ((_WIDE_IN, height, False), (_NARROW_IN, narrow_height or height, True))
    for width, height_in, narrow in heights:
        # Names within a picture must differ from those of the others on the page.
        salt = {"svg.hashsalt": f"{slug}-{narrow}", "font.size": 9 if narrow else 10}
        with mpl.rc_context(_RC | salt):
            figure = Figure(figsize=(width, height_in), layout="constrained")
            with warnings.catch_warnings():
                # Matplotlib's own font measures a text; the page's fonts, which have the character, show it.
                warnings.filterwarnings("ignore", r"Glyph \d+ ", UserWarning)
                paint(Canvas(figure, narrow))
                drawn.append(_svg(figure, title))
    return Picture(slug, title, text, drawn[0], drawn[1], table)


def labelled(name: str, most: int = _LABEL_CHARACTERS) -> str:
    """Return a text so that matplotlib shows it as it is: not as a formula, and in legends too."""
    text = short(shown(name), most).replace("$", r"\$")
    return f" {text}" if text.startswith("_") else text


def slug_of(kind: str, event: str) -> str:
    """Return the slug of a picture of one event."""
    return f"{kind}-{stem_of(key_of(event))}"


def legend(axes: Axes) -> None:
    """A legend above the axes, in as many columns as fit."""
    handles, labels = axes.get_legend_handles_labels()
    if not handles:
        return
    figure = axes.get_figure(root=True)
    assert figure is not None
    room = figure.get_figwidth() * axes.get_position().width
    columns = int(room * _CHARACTERS_AN_INCH // (max(map(len, labels)) + _HANDLE_CHARACTERS))
    axes.legend(
        handles,
        labels,
        ncols=min(max(columns, 1), len(handles)),
        loc="lower left",
        bbox_to_anchor=(0, 1),
        borderaxespad=0.2,
        columnspacing=1.2,
        handlelength=2.2,
    )


def log_ms(axis: Any) -> None:
    """A logarithmic axis of milliseconds, with plain numbers on it."""
    axis.axes.set_yscale("log") if axis.axis_name == "y" else axis.axes.set_xscale("log")
    low, high = axis.get_view_interval()
    decades = _decades(low, high)
    subs = (1.0, 2.0, 5.0) if decades <= 2.5 else (1.0,)
    axis.set_major_locator(ticker.LogLocator(base=10, subs=subs, numticks=12))
    plain(axis)
    axis.set_minor_formatter(ticker.NullFormatter())


def percentiles_axis(axes: Axes, percentiles: Sequence[float]) -> None:
    """A horizontal axis of 1 / (1 - share), on which the given percentiles are named."""
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(ticker.FixedLocator([1 / (1 - percent / 100) for percent in percentiles]))
    axes.xaxis.set_major_formatter(ticker.FixedFormatter([f"{percent:g}" for percent in percentiles]))
    axes.xaxis.set_minor_locator(ticker.NullLocator())
    axes.set_xlabel("percentile, in %")


def plain(axis: Any) -> None:
    """An axis with numbers as they are, without powers of ten."""
    axis.set_major_formatter(ticker.FuncFormatter(lambda value, _: f"{value:,g}"))


def counts_axis(axis: Any) -> None:
    """An axis of counts: whole numbers, with commas."""
    axis.set_major_locator(ticker.MaxNLocator(6, integer=True))
    axis.set_major_formatter(ticker.FuncFormatter(lambda value, _: f"{value:,.0f}"))


def limits(axes: Axes, objectives: Sequence[ObjectiveResult], *, upright: bool = False) -> None:
    """Draw the limits of objectives into an axis of milliseconds."""
    for row in objectives:
        if row.limit is None:
            continue
        line = axes.axvline if upright else axes.axhline
        line(row.limit, color=RED, linewidth=1.0, linestyle=(0, (8, 3)))
        text = f"{labelled(row.name)} {row.comparison} {row.limit:g} ms"
        if upright:
            axes.annotate(
                text,
                (row.limit, 0.02),
                xycoords=axes.get_xaxis_transform(),
                rotation=90,
                ha="right",
                va="bottom",
                fontsize=8,
            )
        else:
            axes.annotate(
                text,
                (0.995, row.limit),
                xycoords=axes.get_yaxis_transform(),
                ha="right",
                va="bottom",
                fontsize=8,
            )


def _decades(low: float, high: float) -> float:
    return math.log10(high / low) if 0 < low < high else 1.0


def _svg(figure: Figure, title: str) -> str:
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", transparent=True, dpi=110, metadata={"Date": None})
    svg = buffer.getvalue()
    svg = svg[svg.index("<svg") :].replace(f": {_TEXT}", ": currentColor")
    # The page gives the size; the picture keeps its proportions.
    svg = re.sub(r' (width|height)="[\d.]+pt"', "", svg, count=2)
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    return svg.replace("<svg", f'<svg role="img" aria-label="{escape(title)}"', 1)

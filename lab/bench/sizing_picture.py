"""The picture of `lab.bench.sizing`: four curves over the users of one process, and one over its deliveries."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from matplotlib.figure import Figure

from lab.bench.sizing_figures import THE_CLIENT
from loadtest.measurement.validity import DELAY_SUSPECT_MS

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from matplotlib.axes import Axes

_CURVES: Final = (
    ("cpu_percent", "CPU of one core, %\n1 delivery a second each"),
    ("rss_mb", "memory of the process, MB"),
    ("delay_p99_ms", "generator delay p99, ms\n1 delivery a second each"),
    ("connects_per_s", "connects a second"),
)
_STYLES: Final = {"viewers": ("#1f5fa8", "o-"), "audience": ("#c4622d", "s--")}


def draw(found: Mapping[str, Any], path: Path) -> None:
    """Draw what `lab.bench.sizing` has found."""
    figure = Figure(figsize=(10, 6.4), dpi=110, layout="constrained")
    axes = figure.subplot_mosaic([["a", "b", "e"], ["c", "d", "e"]], width_ratios=[1, 1, 1.15])
    for name, (key, label) in zip("abcd", _CURVES, strict=True):
        for kind, points in found["over_users"].items():
            color, line = _STYLES[kind]
            axes[name].plot(_of(points, "users"), _of(points, key), line, color=color, label=kind)
        _finish(axes[name], label, "users in one process")
    axes["a"].legend(frameon=False)
    _draw_knee(axes["e"], found)
    figure.suptitle(f"What one worker process holds ({found['when']}, {found['machine']})", fontsize=11)
    figure.savefig(path)


def _draw_knee(axes: Axes, found: Mapping[str, Any]) -> None:
    points, knee = found["over_rates"], found["knee"]
    x = _of(points, "deliveries_per_s")
    axes.plot(x, _of(points, "delay_p99_ms"), "o-", color="#6a3d9a", label="generator delay p99, ms")
    axes.plot(x, _of(points, "cpu_percent"), "s--", color="#2d7d46", label="CPU of one core, %")
    axes.axhline(DELAY_SUSPECT_MS, color="#b02020", linewidth=1, linestyle=":")
    where = (x[0], DELAY_SUSPECT_MS)
    axes.annotate("a run is suspect above", where, (0, 3), textcoords="offset points", fontsize=8)
    axes.axvline(knee["deliveries_per_s"], color="#777777", linewidth=1)
    axes.annotate(
        f"{'the knee' if found['ended_by'] == THE_CLIENT else 'the server falls behind'}:\n"
        f"{knee['deliveries_per_s']:,.0f}/s",
        (knee["deliveries_per_s"], 1),
        (-4, -4),
        xycoords=("data", "axes fraction"),
        textcoords="offset points",
        ha="right",
        va="top",
        fontsize=9,
    )
    _finish(axes, f"{found['rate_users']:,} viewers", "deliveries a second")
    axes.set_ylim(top=max(*_of(points, "cpu_percent"), DELAY_SUSPECT_MS) * 1.25)
    axes.legend(frameon=False, loc="upper left", bbox_to_anchor=(0, 0.92))


def _of(points: list[Mapping[str, Any]], key: str) -> list[float]:
    return [float(point[key]) for point in points]


def _finish(axes: Axes, title: str, x_label: str) -> None:
    axes.set_title(title, fontsize=10)
    axes.set_xlabel(x_label)
    axes.set_ylim(bottom=0)
    axes.set_xlim(left=0)
    axes.xaxis.set_major_formatter(lambda value, _: f"{value / 1000:g}k" if value else "0")
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(alpha=0.25)

"""The picture of a backend's instances: who is with which."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from loadtest.reports.pictures.style import SERIES, Picture, draw, labelled, legend
from loadtest.reports.pictures.time_axis import TimeAxis

if TYPE_CHECKING:
    from loadtest.reports.load import Record
    from loadtest.reports.pictures.style import Canvas

_MOST: Final = len(SERIES)


def members(record: Record) -> Picture | None:
    """How many members are with each instance, over time; None for a backend of one."""
    table = record.tables["instances"]
    if table.empty or record.span_s is None:
        return None
    axis = TimeAxis.of(record)
    wide = table.assign(instance=table["instance"].astype(str)).pivot_table(
        index="at_s", columns="instance", values="members", aggfunc="last"
    )
    shown = list(wide.max().sort_values(ascending=False, kind="stable").index[:_MOST])
    more = f" The {_MOST} largest of {wide.shape[1]}." if wide.shape[1] > _MOST else ""
    text = "Users in rooms, by the instance that their connection is with; who loses it comes back elsewhere."

    def paint(canvas: Canvas) -> None:
        (axes,) = canvas.axes()
        for name, (colour, line) in zip(sorted(shown), SERIES, strict=False):
            axes.step(
                axis.at(wide.index),
                wide[name],
                where="post",
                color=colour,
                linestyle=line,
                label=f"instance {labelled(name)}",
            )
        axes.set_ylim(bottom=0)
        axes.set_ylabel("members")
        axis.finish(axes)
        legend(axes)

    return draw(
        "instances",
        "Members by instance",
        text + more,
        paint,
        axis.table(wide.rename(columns=_column).reset_index()),
        height=2.6,
    )


def _column(instance: str) -> str:
    """The heading of an instance's numbers; beside them is `at_s`."""
    return f"instance {instance}" if instance in ("", "at_s") else instance

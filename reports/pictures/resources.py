"""Pictures of memory and CPU: the backend's, and our own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from loadtest.reports.facts import memory_line
from loadtest.reports.pictures.style import GREEN, SERIES, STYLES, Picture, draw, labelled, legend
from loadtest.reports.pictures.time_axis import TimeAxis

if TYPE_CHECKING:
    from loadtest.reports.load import Record
    from loadtest.reports.pictures.binned import Binned
    from loadtest.reports.pictures.style import Canvas

_MOST_INSTANCES: Final = len(SERIES)


def backend(record: Record) -> Picture:
    """The backend's memory and CPU over time, by instance."""
    title, slug = "The backend's memory and CPU", "backend"
    samples = record.tables["backend"]
    stated = memory_line(record.summary, "backend")
    if samples.empty or record.span_s is None:
        return Picture(slug, title, f"{stated}. Nothing to draw.")
    axis = TimeAxis.of(record)
    samples = samples[samples["at_s"].between(axis.from_s - 1, axis.to_s)].reset_index(drop=True)
    step = max(len(samples) // (600 * max(samples["instance"].nunique(), 1)), 1)
    instances = {name: rows.iloc[::step] for name, rows in samples.groupby("instance", sort=False)}
    text = f"{stated}.{_restarts(record)}"
    panels = [
        (column, label)
        for column, label in (
            ("rss_mb", "memory in MB"),
            ("cpu_percent", "CPU in %"),
            ("loop_lag_ms", "loop lag in ms"),
        )
        if column in samples and samples[column].notna().any()
    ]
    if not panels:
        return Picture(slug, title, f"{text} Nothing to draw.")

    def paint(canvas: Canvas) -> None:
        every = canvas.axes(len(panels))
        for axes, (column, label) in zip(every, panels, strict=True):
            for (name, rows), (colour, line) in zip(instances.items(), SERIES, strict=False):
                axes.plot(
                    axis.at(rows["at_s"]), rows[column], linestyle=line, color=colour, label=labelled(str(name))
                )
            if column == "rss_mb" and "heap_mb" in samples and samples["heap_mb"].notna().any():
                name, rows = next(one for one in instances.items() if one[1]["heap_mb"].notna().any())
                axes.plot(
                    axis.at(rows["at_s"]), rows["heap_mb"], ":", color=GREEN, label=f"{labelled(str(name))}, heap"
                )
            axes.set_ylim(bottom=0)
            axes.set_ylabel(label)
            axis.finish(axes, names=axes is every[0])
            if axes is not every[-1]:
                axes.set_xlabel("")
        legend(every[0])

    table = samples.copy()
    table["at_s"] = axis.at(table["at_s"]).round(4)
    table = table.rename(columns={"at_s": f"at {axis.unit}"})
    more = (
        f" The first {_MOST_INSTANCES} of {len(instances)} instances." if len(instances) > _MOST_INSTANCES else ""
    )
    return draw(slug, title, text + more, paint, table, height=0.6 + 1.6 * len(panels))


def _restarts(record: Record) -> str:
    """Return how often the backend was restarted; empty if never."""
    restarts = record.summary["monitoring"]["restarts"]
    if restarts is None:
        return f" Restarts were not measured: {record.summary['monitoring']['restarts_why_not']}."
    return f" It was restarted {restarts} time{'s' if restarts != 1 else ''}." if restarts else ""


def workers(binned: Binned) -> Picture:
    """The workers' memory and CPU over time."""
    record = binned.record
    title, slug = "The load generator's memory and CPU", "workers"
    columns = ["workers_rss_mb", "workers_rss_mb_max", "workers_cpu_percent", "workers_cpu_percent_max"]
    if record.timeline.empty or columns[0] not in record.timeline:
        return Picture(slug, title, "Nothing to draw: this record has no time line of it.")
    axis = TimeAxis.of(record)
    table = binned.means(columns)
    text = f"{memory_line(record.summary, 'generator')}. 100% is one core for each worker."

    def paint(canvas: Canvas) -> None:
        upper, lower = canvas.axes(2)
        x = axis.at(table.index)
        for axes, which, labels in (
            (upper, columns[:2], ("all workers", "the largest")),
            (lower, columns[2:], ("mean", "the busiest")),
        ):
            for column, label, (colour, line) in zip(which, labels, STYLES, strict=False):
                axes.plot(x, table[column], linestyle=line, color=colour, label=label)
            axes.set_ylim(bottom=0)
            legend(axes)
        upper.set_ylabel("memory in MB")
        lower.set_ylabel("CPU in %")
        axis.finish(upper)
        axis.finish(lower, names=False)
        upper.set_xlabel("")

    shown = axis.table(table.round(2).rename_axis("at_s").reset_index())
    return draw(slug, title, text, paint, shown, height=3.8)

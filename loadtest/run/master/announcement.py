"""One line before a run: how many triggers it will send, and the effect of each on the backend."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loadtest.shapes.choice import Choice

if TYPE_CHECKING:
    import argparse

    from loadtest.run.options.casting import Size


def announce(options: argparse.Namespace, size: Size, trigger_name: str, effect: str) -> str:
    """Return the line to print; empty if nobody publishes.

    :param trigger_name, effect: see `backends.base.Adapter`.
    """
    if not options.publishers:
        return ""
    each = f"; {effect}" if effect else ""
    return f"This run sends {_how_many(options, size)} to {trigger_name}{each}."


def _how_many(options: argparse.Namespace, size: Size) -> str:
    if options.shape and (shape := Choice.parse(options.shape)).searches and not shape.by_users:
        return f"more and more triggers a second, from {options.rate:g} on,"
    lasts_s = float(options.run_time or 0)
    if not lasts_s:
        return f"{options.rate:g} triggers a second until it is stopped"
    publishing_s = max(lasts_s - size.starts_in_s - options.warm_up - options.ramp / 2, 0.0)
    return f"about {options.rate * publishing_s:,.0f} triggers"

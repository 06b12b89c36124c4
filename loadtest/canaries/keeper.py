"""Has the canaries of a run among its members, for as long as it goes on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loadtest.canaries.canary import Canary

if TYPE_CHECKING:
    from loadtest.tasks.context import RunContext


def keep(context: RunContext) -> None:
    """Each kind that the plan names, in a room of its own as far as there are rooms, until the run is over."""
    plan = context.plan
    kept = []
    try:
        for number, name in enumerate(plan.canaries):
            room = number % len(plan.rooms)
            endpoint = plan.endpoint.instance(number)
            kept.append(
                Canary(context.meter, name, endpoint, room, plan.rooms[room].project_id, context.tokens[room])
            )
        context.over.wait()
    finally:
        for canary in kept:
            canary.stop()
        for canary in kept:
            canary.wait()

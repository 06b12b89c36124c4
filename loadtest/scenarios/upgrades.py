"""The upgrade of a connection from long-polling to WebSocket, with events before, during and after it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loadtest.backends.endpoint import IN_COOKIE
from loadtest.backends.prometheus import contract
from loadtest.clients.errors import EventTimeoutError
from loadtest.clients.upgrading import UpgradingClient
from loadtest.scenarios import capabilities as can
from loadtest.scenarios.company import SkipError
from loadtest.scenarios.hearing import statuses_of
from loadtest.scenarios.scenario import CORE, scenario
from loadtest.scenarios.task_events import wrong_known_events

if TYPE_CHECKING:
    from loadtest.scenarios.stage import Stage


@scenario(
    "a protocol upgrade",
    CORE,
    checks={
        "the upgrade is made": (can.UPGRADE,),
        "no event of its time is lost, doubled or out of order": (can.UPGRADE,),
    },
)
def upgrade(stage: Stage) -> None:
    if stage.endpoint.parser != "default" or stage.endpoint.token_in == IN_COOKIE:
        raise SkipError("it is made with the default parser, and with tokens in no cookie: --parser, --token-in")
    with UpgradingClient(stage.endpoint, stage.token(), stage.patience_s) as client:
        client.open()
        client.join(stage.project())
        before = stage.create_task()
        client.poll(lambda: bool(statuses_of(client, before)), "an event by long-polling")
        client.probe()
        between = stage.create_task()
        # Its events come now, while there are two transports.
        stage.pause()
        client.drain()
        across = stage.create_task()
        client.upgrade()
        after = stage.create_task()
        joins = sum(one.event == contract.JOINED for one in client.heard)
        client.emit(contract.JOIN, stage.project())
        if not stage.wait_until(lambda: sum(one.event == contract.JOINED for one in client.heard) > joins):
            raise EventTimeoutError(
                f"no answer over the WebSocket{client.end_reason and f': {client.end_reason}'}"
            )
        stage.check("the upgrade is made", "", "a join was answered over the WebSocket")
        tasks = {
            "before": before,
            "between probe and upgrade": between,
            "across the upgrade": across,
            "after": after,
        }
        stage.missing([client], list(tasks.values()))
        stage.pause()
        wrong = [f"{when}: {one}" for when, task in tasks.items() if (one := wrong_known_events(client, task))]
        stage.check(
            "no event of its time is lost, doubled or out of order",
            wrong,
            f"title, start and end of a task {', '.join(tasks)}",
        )

"""What the load has to know of a backend. Another backend is another module with a `BACKEND`: `--backend NAME`."""

from __future__ import annotations

import importlib
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, Protocol

from loadtest.backends.adapter_checks import check_shape
from loadtest.backends.calls import Call, Wanted, Words
from loadtest.backends.guard import Guard
from loadtest.errors import Fault, Owner

if TYPE_CHECKING:
    from loadtest.backends.plan import Room
    from loadtest.backends.prometheus.provision import Provision
    from loadtest.backends.rest import RestClient
    from loadtest.measurement.sighting import FrameReader

__all__ = ["PROMETHEUS", "Adapter", "Call", "Wanted", "Words", "load"]

PROMETHEUS: Final = "prometheus"
_BUILT_IN: Final = {PROMETHEUS: "loadtest.backends.prometheus.adapter"}
"""Name of a backend -> the module of its adapter; any other name is a module's."""


class Adapter(Protocol):
    """See the module.

    reader: how its broadcasts carry traces. words: see `Words`. trigger_name: of its triggers, in Locust's
    statistics. plays_scenarios: whether `scenarios` are about it. An adapter may also have a `trigger_effect`: the
    effect of one trigger on the backend, in a few words. Each run prints it before it starts.
    """

    reader: FrameReader
    words: Words
    trigger_name: str
    plays_scenarios: bool

    def check(self, client: RestClient) -> str:
        """Make sure that it answers; how it calls its build.

        :raises Fault: if it does not, or something else does.
        """
        ...

    def provision(self, wanted: Wanted) -> Provision:
        """What makes rooms, and removes them."""
        ...

    def check_rooms(self, client: RestClient, rooms: tuple[Room, ...]) -> None:
        """Make sure that it takes the tokens, and knows the rooms.

        :raises Fault: if it does not.
        """
        ...

    def is_about(self, room_id: str, answer: Any) -> bool:
        """Whether the first argument of a `joined` or a `left` speaks of this room."""
        ...

    def trigger(self, room: Room, title: str) -> Call:
        """What makes it broadcast to a room.

        :param title: has the trace: some broadcast of each trigger has to have it, as it is.
        """
        ...

    def key_of(self, answer: Any) -> str:
        """Of the answer to a trigger: the id in those broadcasts that have no trace; empty if there are none.

        An answer that it cannot be read from may raise what reading it raises: such a trigger has failed.
        """
        ...


@lru_cache
def load(name: str) -> Guard:
    """Return a module's adapter, guarded: what goes wrong in it becomes one line that names it.

    :raises Fault: if there is none, or it is not one.
    """
    try:
        found = importlib.import_module(_BUILT_IN.get(name, name)).BACKEND
    except (ImportError, AttributeError) as error:
        raise Fault(
            Owner.USER,
            f"there is no backend {name}: {error}",
            f"--backend names {', '.join(_BUILT_IN)}, or a module with a BACKEND that can be imported from here: "
            "docs/another-backend.md.",
        ) from error
    except (Exception, SystemExit) as error:
        raise Fault(
            Owner.ADAPTER,
            f"adapter {name}: it cannot be imported: {type(error).__name__}: {error}",
            "Fix the module that --backend names: docs/another-backend.md.",
        ) from error
    check_shape(name, found)
    return Guard(name, found)

"""Errors that say whose fault it is, what happened and the way on, in one line."""

from __future__ import annotations

from enum import StrEnum


class Owner(StrEnum):
    """Who has to act."""

    OURS = "the load test"
    BACKEND = "the backend"
    NETWORK = "the network"
    USER = "the command line"
    ADAPTER = "the adapter"
    LOCUSTFILE = "the locustfile"


class Fault(Exception):
    """A failure that a user can act on.

    :param owner: who has to act.
    :param what: what happened.
    :param way_on: what to do next.
    """

    def __init__(self, owner: Owner, what: str, way_on: str) -> None:
        super().__init__(what)
        self.owner = owner
        self.what = what
        self.way_on = way_on

    def __str__(self) -> str:
        line = f"{self.what} (fault of {self.owner}). {self.way_on}"
        return " ".join(line.split())

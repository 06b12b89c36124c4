"""What the values of options are: each parser takes the text of one and says in one line what is wrong with it."""

from __future__ import annotations

import argparse
import ipaddress
from typing import Any, Final

from loadtest.backends.plan import MOST_PUBLISHERS
from loadtest.canaries import kinds
from loadtest.clients.debug_clients import ANYBODY
from loadtest.run.source_addresses import ALL
from loadtest.shapes.choice import Choice

_MOST_ROOMS: Final = 100_000


def rooms(text: str) -> int:
    """How many rooms."""
    return _number(text, int, 1, _MOST_ROOMS)


def publishers(text: str) -> int:
    """How many publishers."""
    return _number(text, int, 0, MOST_PUBLISHERS)


def count(text: str) -> int:
    """How many of anything, or none."""
    return _number(text, int, 0, 10**9)


def at_least_one(text: str) -> int:
    """How many of anything."""
    return _number(text, int, 1, 10**9)


def seconds(text: str) -> float:
    """A time."""
    return _number(text, float, 0, 86_400)


def seconds_at_least_one(text: str) -> float:
    """A time of one second or more."""
    return _number(text, float, 1, 86_400)


def rate(text: str) -> float:
    """Something a second."""
    return _number(text, float, 0.001, 1e6)


def period(text: str) -> float:
    """A time between two things that repeat."""
    return _number(text, float, 0.1, 3600)


def monitor(text: str) -> str:
    """What tells of the backend: `health`, `none`, `pid:N`, or addresses, with commas."""
    for part in filter(None, (part.strip() for part in text.split(","))):
        is_pid = part.startswith("pid:") and part.removeprefix("pid:").isdecimal()
        if not (part in ("health", "none") or is_pid or part.startswith(("http://", "https://"))):
            raise argparse.ArgumentTypeError(f"{part!r} is neither health, none, pid:N, nor a URL")
    return text


def port(text: str) -> int:
    """A TCP port, or 0."""
    return _number(text, int, 0, 65_535)


def percent(text: str) -> float:
    """A share in percent, or more than all."""
    return _number(text, float, 0, 1000)


def exponent(text: str) -> float:
    """Of Zipf's law."""
    return _number(text, float, 0, 10)


def span(text: str) -> tuple[float, float]:
    """Least and most seconds, as `1:3`; one number is both."""
    least, _, most = text.partition(":")
    found = (seconds(least), seconds(most or least))
    if found[0] > found[1]:
        raise argparse.ArgumentTypeError(f"{text!r} begins with more than it ends with")
    return found


def mix(text: str) -> str:
    """User classes and their weights, as `Viewer=10,Churner=2`; a class alone has weight 1."""
    weights_of(text)
    return text


def weights_of(text: str) -> dict[str, int]:
    """The weights of a mix."""
    found = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, _, weight = part.partition("=")
        found[name.strip()] = at_least_one(weight or "1")
    return found


def debug_clients(text: str) -> dict[str, int]:
    """How many clients log their packets, by user class: a number for any, or a mix."""
    if text.strip().lstrip("+-").isdecimal():
        return {ANYBODY: number} if (number := count(text)) else {}
    return weights_of(text)


def shape(text: str) -> str:
    """A shape and its parameters."""
    try:
        if text:
            Choice.parse(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
    return text


def canaries(text: str) -> str:
    """Official clients and how they connect, with commas, or all."""
    try:
        kinds.parse(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
    return text


def addresses(text: str) -> str:
    """IP addresses with commas, or all that there are."""
    if text.strip() == ALL:
        return text.strip()
    try:
        for address in filter(None, text.split(",")):
            ipaddress.ip_address(address.strip())
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
    return text


def _number(text: str, kind: type, low: float, high: float) -> Any:
    try:
        value = kind(text)
    except ValueError:
        value = None
    if value is None or not low <= value <= high:
        raise argparse.ArgumentTypeError(f"{text!r} is no number from {low} to {high}")
    return value

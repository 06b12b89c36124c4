"""A distributed load test that accounts for every Socket.IO broadcast at every receiver, on Locust."""

from __future__ import annotations

__all__ = ["__version__", "install"]

__version__ = "1.0.0"


def install() -> None:
    """Hook the load test into Locust. Call it in a locustfile, beside the user classes that take part.

    A second call changes nothing.
    """
    # Reports and the command line import this package without Locust, which patches the standard library.
    from loadtest.run import hooks

    hooks.install()

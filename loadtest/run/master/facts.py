"""What a run's record says of how it was run: the options, and the software."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import re
from typing import TYPE_CHECKING, Any, Final

from loadtest.measurement.summary import SCHEMA
from loadtest.run import roll_call
from loadtest.run.options import options

if TYPE_CHECKING:
    import argparse

_OF_LOCUST: Final = ("num_users", "spawn_rate", "run_time", "tags", "exclude_tags", "stop_timeout", "processes")
_PACKAGES: Final = ("locust", "gevent", "python-socketio", "python-engineio", "numpy")
_CREDENTIALS: Final = re.compile(r"(?<=://)[^/@\s,]*@")


def options_of(opts: argparse.Namespace) -> dict[str, Any]:
    """Every option that is no secret, by its name; plain data."""
    names = [name for name in (*_OF_LOCUST, *options.names()) if name not in options.SECRETS]
    return {name: _plain(getattr(opts, name, None)) for name in names}


def begun(opts: argparse.Namespace, run_id: str, target: str, profile: str, started: str) -> dict[str, Any]:
    """What a record has from its beginning on."""
    return {
        "schema": SCHEMA,
        "run_id": run_id,
        "target": public(target),
        "profile": profile,
        "started": started,
        "rooms": opts.rooms,
        "rate_per_s": opts.rate,
        "options": options_of(opts),
        "software": software(),
    }


def software() -> dict[str, str]:
    """Name -> version of what measures, and of what it runs on."""
    return {
        "load test": roll_call.code_version(),
        **{package: importlib.metadata.version(package) for package in _PACKAGES},
        "python": platform.python_version(),
        "kernel": platform.release(),
        "cpus": str(os.cpu_count()),
    }


def public(url: str) -> str:
    """A URL without the credentials in it."""
    return _CREDENTIALS.sub("", url)


def _plain(value: Any) -> Any:
    if isinstance(value, str):
        return public(value)
    if isinstance(value, dict):
        return {str(name): _plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return value if value is None or isinstance(value, bool | int | float) else str(value)

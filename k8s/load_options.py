"""Which options of the load test and of Locust the chart hands on, and what each takes."""

from __future__ import annotations

import argparse
from typing import Any, Final

from locust.argument_parser import get_empty_argument_parser, setup_parser_arguments

from loadtest.run.options import option_table, options

_OF_LOCUST: Final = frozenset(
    {
        *(
            "autoquit",
            "autostart",
            "class-picker",
            "csv",
            "csv-full-history",
            "enable-rebalancing",
            "equal-weights",
        ),
        *("exclude-tags", "exit-code-on-error", "html", "json-file", "loglevel", "only-summary", "otel"),
        *("print-stats", "profile", "reset-stats", "run-time", "spawn-rate", "stop-timeout", "tags", "users"),
        *("web-base-path", "web-login"),
    }
)
_OF_THE_CHART: Final = frozenset(
    {
        *("accounts-file", "ca-file", "client-cert", "client-key", "history", "jwt-key-file", "metrics-port"),
        *("results-dir", "slo-file"),
    }
)
"""Ours that other values of the chart set."""


def schema() -> dict[str, Any]:
    """A schema of the options, by their names without dashes."""
    properties = {}
    for action in _actions():
        properties[_long(action).removeprefix("--")] = _kind(action)
    return {
        "type": "object",
        "additionalProperties": False,
        "properties": dict(sorted(properties.items())),
    }


def _actions() -> list[argparse.Action]:
    locust = get_empty_argument_parser(add_help=False)
    setup_parser_arguments(locust)
    theirs = [
        action for action in locust._actions if any(name[2:] in _OF_LOCUST for name in action.option_strings)
    ]
    parser = argparse.ArgumentParser(add_help=False)
    secret = {name.replace("_", "-") for name in options.SECRETS}

    def option(name: str, *_: object, **more: Any) -> None:
        if name[2:] not in secret | _OF_THE_CHART:
            parser.add_argument(name, **{key: more[key] for key in more if key not in {"web", "secret"}})

    option_table.all_of(option)
    return [*theirs, *parser._actions]


def _long(action: argparse.Action) -> str:
    return next(name for name in action.option_strings if name.startswith("--"))


def _kind(action: argparse.Action) -> dict[str, Any]:
    if action.nargs == 0:
        return {"type": "boolean"}
    if action.nargs == "*":
        return {"type": "array", "items": {"type": "string"}}
    if action.choices:
        return {"enum": list(action.choices)}
    if action.type is int:
        return {"type": "integer", "minimum": 0}
    if action.type in {None, str}:
        return {"type": "string"}
    return {"type": ["string", "number"]}

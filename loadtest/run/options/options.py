"""The command line options that this package adds to Locust's, each with a `LOCUST_…` variable."""

from __future__ import annotations

import os
from collections.abc import Callable  # noqa: TC003 - a dataclass has it
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from loadtest.errors import Fault
from loadtest.run import fleet_identity
from loadtest.run.options.option_checks import read_text, refuse
from loadtest.run.options.option_table import all_of

if TYPE_CHECKING:
    from locust.argument_parser import LocustArgumentParser


class DefaultExitCode(int):
    """Locust's own default of --exit-code-on-error, told from the same number given on the command line."""


GROUP: Final = "Socket.IO load test"
SECRETS: Final = ("database_url", "jwt_secret", "token", "token_command", "account")
"""Options that stay in the master: Locust would hand every option to every worker."""
SECRETS_AS_GIVEN: Final = tuple("--" + name.replace("_", "-") for name in SECRETS)


@dataclass(frozen=True, slots=True)
class Field:
    """A field of the web page's form: what its text means. choices: the texts that there are; empty for any."""

    parse: Callable[[str], Any]
    choices: tuple[str, ...]


def add(parser: LocustArgumentParser) -> None:
    """Add the options."""
    parser.set_defaults(exit_code_on_error=DefaultExitCode(1))
    fleet_identity.settle_with(parser)
    group = parser.add_argument_group(GROUP, "What is set up, offered, measured and kept.")

    def option(name: str, text: str, *, web: bool = False, secret: bool = False, **more: Any) -> None:
        variable = "LOCUST_" + _dest(name).upper()
        if secret:
            more["default"] = _of_file(f"{variable}_FILE") or more["default"]
        action: Any = group.add_argument(name, env_var=variable, help=text, **more)
        # Locust's own add_argument sets these; that of a group does not.
        action.include_in_web_ui = web
        action.is_secret = secret
        action.is_required = action.is_multiple = False

    all_of(option)


def _of_file(variable: str) -> str:
    """A secret that a variable names a file of; nothing if it is not set. So it is in no environment."""
    path = os.environ.get(variable)
    if path is None:
        return ""
    try:
        return read_text(path, variable).strip()
    except Fault as fault:
        refuse(fault)


def names() -> list[str]:
    """What the options are called in Locust's parsed options."""
    found: list[str] = []
    all_of(lambda name, *_, **__: found.append(_dest(name)))
    return found


def form_fields() -> dict[str, Field]:
    """The options that the web page's form shows, by what they are called in Locust's parsed options."""
    found: dict[str, Field] = {}

    def option(name: str, _: str, *, web: bool = False, **more: Any) -> None:
        if web:
            found[_dest(name)] = Field(more.get("type", str), tuple(more.get("choices", ())))

    all_of(option)
    return found


def _dest(name: str) -> str:
    return name.removeprefix("--").replace("-", "_")

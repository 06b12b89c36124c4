"""Keeps secrets that were given on the command line out of what `ps` shows to everybody on the machine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import setproctitle

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_HIDDEN: Final = "…"


def hide(arguments: Sequence[str], secret_options: Iterable[str]) -> None:
    """Show this process, and those that it forks, without the values of options.

    :param arguments: the command line.
    :param secret_options: their names as options, with dashes.
    """
    shown = without(arguments, tuple(secret_options))
    if shown != list(arguments):
        setproctitle.setproctitle(" ".join(shown))


def without(arguments: Sequence[str], secret_options: tuple[str, ...]) -> list[str]:
    """A command line with the values of these options replaced; abbreviated options count too."""
    shown = []
    is_value = False
    for argument in arguments:
        name, equals, _ = argument.partition("=")
        if is_value:
            shown.append(_HIDDEN)
            is_value = False
        elif len(name) > len("--") and name.startswith("--") and any(o.startswith(name) for o in secret_options):
            shown.append(f"{name}={_HIDDEN}" if equals else name)
            is_value = not equals
        else:
            shown.append(argument)
    return shown

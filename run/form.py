"""What the web page's form says of our options: checked before a run begins; what is wrong, the form shows."""

from __future__ import annotations

import argparse
import re
from typing import TYPE_CHECKING, Any, Final

from locust.runners import STATE_RUNNING, STATE_SPAWNING

from faults import Fault

from . import casting, option_checks, options

_RATE: Final = re.compile(r"0*[1-9]\d*(\.\d*)?|0*\.0*[1-9]\d*")

if TYPE_CHECKING:
    from collections.abc import Mapping

    from locust import User
    from locust.env import Environment


class Form:
    """The form of one master.

    :param opts: Locust's parsed options, which Locust changes to what a form says.
    :param secret_options: the values of `options.SECRETS`.
    """

    def __init__(
        self, environment: Environment, opts: argparse.Namespace, secret_options: Mapping[str, str]
    ) -> None:
        self._environment = environment
        self._opts = opts
        self._secrets = secret_options
        self._fields = options.form_fields()
        wanted = opts.user_classes or None
        known: dict[str, Any] = dict(environment.available_user_classes or {})
        self._classes: list[type[User]] = [one for name, one in known.items() if wanted is None or name in wanted]
        self._weights: dict[type[User], Any] = {one: one.weight for one in self._classes}

    def take(self, form: Mapping[str, str]) -> str | None:
        """Check what was entered, and cast the users by it; why the run cannot begin, if it cannot."""
        given = {name: form[name] for name in self._fields if name in form}
        runner = self._environment.runner
        if runner is not None and runner.state in (STATE_RUNNING, STATE_SPAWNING):
            return self._changed(given)
        wanted = argparse.Namespace(**vars(self._opts))
        wanted.host = form.get("host") or wanted.host
        try:
            for name, text in given.items():
                setattr(wanted, name, self._value(name, text))
            option_checks.check(wanted, self._secrets)
            self._uncast()
            classes = list(self._classes)
            casting.choose(classes, wanted)
            casting.check(wanted, casting.size_of(classes, wanted, *_asked(form)))
        except (Fault, argparse.ArgumentTypeError) as error:
            self._uncast()
            return str(error)
        self._environment.user_classes[:] = classes
        return None

    def _uncast(self) -> None:
        for one, weight in self._weights.items():
            one.weight, one.fixed_count = weight, 0

    def _value(self, name: str, text: str) -> Any:
        field = self._fields[name]
        if field.choices and text not in field.choices:
            raise argparse.ArgumentTypeError(f"{name}: {text!r} is none of {', '.join(field.choices)}")
        try:
            return field.parse(text)
        except argparse.ArgumentTypeError as error:
            raise argparse.ArgumentTypeError(f"{name}: {error}") from error

    def _changed(self, given: Mapping[str, str]) -> str | None:
        for name, text in given.items():
            if self._value(name, text) != getattr(self._opts, name):
                return f"{name} is settled when a run begins. Stop this one to change it."
        return None


def _asked(form: Mapping[str, str]) -> tuple[int, float]:
    """Users, and users a second; Locust says what is wrong with them."""
    users, rate = form.get("user_count", ""), form.get("spawn_rate", "")
    return int(users) if users.isdecimal() else 0, float(rate) if _RATE.fullmatch(rate) else 1.0

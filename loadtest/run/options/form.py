"""What the web page's form says of our options: checked before a run begins; what is wrong, the form shows."""

from __future__ import annotations

import argparse
import re
from typing import TYPE_CHECKING, Any, Final

from locust.runners import STATE_RUNNING, STATE_SPAWNING
from locust.util.timespan import parse_timespan

from loadtest.errors import Fault
from loadtest.run.master.shaping import CapacityShape, ProfileShape
from loadtest.run.options import casting, option_checks, options, start

_NO_SHAPE: Final = "Default"
"""As Locust's picker has it."""
_RATE: Final = re.compile(r"0*[1-9]\d*(\.\d*)?|0*\.0*[1-9]\d*")

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

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

    def take(self, form: Mapping[str, str], picked: Collection[str] = ()) -> str | None:
        """Check what was entered, and choose the users by it.

        :param picked: the user classes that were picked; empty for all.
        :returns: why the run cannot begin, if it cannot.
        """
        given = {name: form[name] for name in self._fields if name in form}
        runner = self._environment.runner
        if runner is not None and runner.state in (STATE_RUNNING, STATE_SPAWNING):
            return self._changed(given)
        wanted = argparse.Namespace(**vars(self._opts))
        wanted.host = form.get("host") or wanted.host
        wanted.run_time = self._run_time_s(form)
        if self._shape(form) is None:
            wanted.shape = ""
        before = {one: (one.weight, one.fixed_count) for one in self._classes}
        try:
            for name, text in given.items():
                setattr(wanted, name, self._value(name, text))
            option_checks.check(wanted, self._secrets)
            self._uncast()
            classes = list(self._classes)
            casting.choose(classes, wanted)
            self._check_size([one for one in classes if not picked or one.__name__ in picked], wanted, form)
        except (Fault, argparse.ArgumentTypeError) as error:
            for one, (weight, fixed_count) in before.items():
                one.weight, one.fixed_count = weight, fixed_count
            return str(error)
        self._environment.user_classes[:] = classes
        self._opts.run_time = wanted.run_time
        return None

    def _run_time_s(self, form: Mapping[str, str]) -> float | None:
        """Return how long the run lasts: a shape as long as when it was drawn, and else as the form says."""
        if self._shape(form) is not None:
            return self._opts.run_time
        try:
            return parse_timespan(form["run_time"]) if form.get("run_time") else None
        except ValueError:
            # Locust says so.
            return self._opts.run_time

    def _shape(self, form: Mapping[str, str]) -> object | None:
        """Return the shape that the run follows: with the picker the form's, and else the command line's."""
        if self._opts.class_picker:
            name = form.get("shape_class", _NO_SHAPE)
            return None if name == _NO_SHAPE else (self._environment.available_shape_classes or {}).get(name)
        return self._environment.shape_class

    def _check_size(self, classes: list[type[User]], wanted: argparse.Namespace, form: Mapping[str, str]) -> None:
        shape = self._shape(form)
        users, rate = form.get("user_count", ""), form.get("spawn_rate", "")
        if isinstance(shape, ProfileShape | CapacityShape):
            start.check(classes, wanted, int(users) if users.isdecimal() else wanted.num_users, shape.spawn_rate)
        elif shape is None and users.isdecimal():
            # Locust says what is wrong with other texts.
            start.check(classes, wanted, int(users), float(rate) if _RATE.fullmatch(rate) else 1.0)

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

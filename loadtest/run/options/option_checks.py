"""What can be wrong with options that are right each by itself."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final, NoReturn

from loadtest.backends import accounts, base, tokens
from loadtest.canaries import kinds
from loadtest.errors import Fault, Owner
from loadtest.exit_codes import ExitCode
from loadtest.measurement import phases
from loadtest.measurement.objectives import Objective, parse, path_of
from loadtest.measurement.target import hosts_of
from loadtest.scenarios.expectation import Expectation, read
from loadtest.shapes.choice import Choice

if TYPE_CHECKING:
    import argparse
    from collections.abc import Collection, Iterable, Mapping

_BY_EVENT: Final = ("latency_ms", "latency_across_clocks_ms")


def check_objectives(wanted: Iterable[Objective], events: Collection[str], shape: str) -> None:
    """Make sure that objectives name events and phases that the run can have.

    :param events: of the backend's broadcasts.
    :param shape: as given; a shape names phases of its own.
    :raises Fault: if not.
    """
    for objective in wanted:
        field, _, rest = objective.figure.partition(".")
        event = rest.rpartition(".")[0]
        if field in _BY_EVENT and event not in events:
            raise Fault(
                Owner.USER,
                f"objective {objective.name!r}: expected an event of {', '.join(events)}, got {event!r}",
                "Check --slo-file.",
            )
        phase = objective.phase
        if phase and not shape and phase not in phases.NAMES:
            raise Fault(
                Owner.USER,
                f"objective {objective.name!r}: expected a phase of {', '.join(phases.NAMES)}, got {phase!r}",
                "Check --slo-file; other phases come with a --shape.",
            )


def objectives(path: str) -> list[Objective]:
    """Return the objectives of a run whose file this is, or the name of one that comes with the product.

    :raises Fault: if it cannot be read or is not right.
    """
    return parse(read_text(str(path_of(path)), "--slo-file"), path)


def expectation(options: argparse.Namespace) -> Expectation | None:
    """Return what the backend has to be able to do; None if nothing was said.

    :raises Fault: if `--expect` is not right, or nobody would find out what the backend can do.
    """
    if not options.expect:
        return None
    if options.no_probe:
        raise Fault(
            Owner.USER,
            "--expect and --no-probe were both given: nobody would find out what the backend can do",
            "Leave out --no-probe.",
        )
    if not base.load(options.backend).plays_scenarios:
        raise Fault(
            Owner.USER,
            f"--expect was given, and the backend of --backend {options.backend} cannot be asked what it can do",
            "Leave out --expect: it is for the Prometheus Backend, and for adapters that play scenarios.",
        )
    return read(options.expect)


def mint(options: argparse.Namespace, secret_options: Mapping[str, str]) -> tokens.Mint | None:
    """What makes tokens that the backend takes; None if its key was not given.

    :raises Fault: if the key's file is none.
    """
    if options.jwt_key_file:
        try:
            return tokens.Mint.of_key_file(options.jwt_key_file)
        except (OSError, ValueError) as error:
            raise Fault(
                Owner.USER,
                f"{options.jwt_key_file} is no private key: {error}",
                "Give the PEM file of the backend's RSA private key with --jwt-key-file.",
            ) from error
    return tokens.Mint(secret_options["jwt_secret"]) if secret_options["jwt_secret"] else None


def known_accounts(options: argparse.Namespace, secret_options: Mapping[str, str]) -> list[accounts.Account]:
    """The accounts that were given; none if none were.

    :raises Fault: if they are not right.
    """
    if options.accounts_file:
        found = accounts.parse(read_text(options.accounts_file, "--accounts-file"), options.accounts_file)
        if not found:
            raise Fault(Owner.USER, f"{options.accounts_file} has no account", "Write email:password, one a line.")
        return found
    return accounts.parse(secret_options["account"], "--account")


def check(options: argparse.Namespace, secret_options: Mapping[str, str]) -> None:
    """Make sure that options go together.

    :param secret_options: the values of `options.SECRETS`.
    :raises Fault: if they do not.
    """
    hosts = options.host or ""
    if not all(host.startswith(("http://", "https://")) for host in hosts_of(hosts)):
        said = f"--host {hosts!r} is no URL" if hosts else "no --host was given"
        raise Fault(Owner.USER, said, "Give the backend's address, e.g. --host https://staging.example.org.")
    if secret_options["database_url"] and mint(options, secret_options) is None:
        raise Fault(
            Owner.USER,
            "--database-url was given without --jwt-secret or --jwt-key-file",
            "Give the backend's JWT secret too, so that tokens for the new users can be minted.",
        )
    given = [
        name
        for name, value in (
            ("--token", secret_options["token"]),
            ("--token-command", secret_options["token_command"]),
            ("--account", secret_options["account"]),
            ("--accounts-file", options.accounts_file),
        )
        if value
    ]
    if len(given) > 1:
        raise Fault(Owner.USER, f"{' and '.join(given)} were both given", "Give one of them.")
    if options.rooms_per_viewer > options.rooms_per_owner:
        raise Fault(
            Owner.USER,
            f"--rooms-per-viewer is {options.rooms_per_viewer}, and --rooms-per-owner {options.rooms_per_owner}",
            "A viewer can only join rooms that its user owns: raise --rooms-per-owner.",
        )
    known_accounts(options, secret_options)
    expectation(options)
    check_canaries(options)
    check_objectives(objectives(options.slo_file), base.load(options.backend).reader.events, options.shape)


def check_times(options: argparse.Namespace, starts_in_s: float = 0.0) -> None:
    """Make sure that a shape can be drawn, and that some of the run's time is measured.

    :param starts_in_s: how long all users take to connect.
    :raises Fault: if not.
    """
    unmeasured_s = options.warm_up + options.measure_after
    lasts_s = float(options.run_time or 0)
    if lasts_s and unmeasured_s and unmeasured_s + starts_in_s >= lasts_s:
        started = f", after {starts_in_s:.0f} s in which the users connect" if starts_in_s else ""
        raise Fault(
            Owner.USER,
            f"--warm-up and --measure-after leave out {unmeasured_s:g} s of a run of {lasts_s:g} s{started}",
            "Nothing would be measured: shorten them, or raise --run-time.",
        )
    if lasts_s and options.ramp >= lasts_s:
        raise Fault(
            Owner.USER,
            f"the rate takes --ramp {options.ramp:g} s to rise, and the run's time is {lasts_s:g} s",
            "It would never reach --rate: shorten --ramp, or raise --run-time.",
        )
    if options.shape and not Choice.parse(options.shape).searches and not options.run_time:
        raise Fault(
            Owner.USER, f"--shape {options.shape} was given without --run-time", "Say how long it is, e.g. 5m."
        )


def refuse(fault: Fault) -> NoReturn:
    """End with one line. (Locust would log what a listener raises, and go on.)"""
    sys.stderr.write(f"locust: error: {fault}\n")
    sys.exit(ExitCode.USAGE)


def check_canaries(options: argparse.Namespace) -> None:
    """Make sure that the run can have its canaries.

    :raises Fault: if not.
    """
    for kind in kinds.parse(options.canaries):
        if found := kinds.conflict(kind, options.parser, options.token_in):
            what, way_on = found
            raise Fault(Owner.USER, f"--canaries {kind.name}: {what}", way_on)


def read_text(path: str, option: str) -> str:
    """What a file has.

    :param option: which named it.
    :raises Fault: if it cannot be read.
    """
    try:
        return Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no text"
        raise Fault(Owner.USER, f"cannot read {path}: {reason}", f"Check {option}.") from error

"""What can be wrong with options that are right each by itself."""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from backend import accounts, tokens
from exit_codes import ExitCode
from faults import Fault, Owner
from measure import slo
from measure.target import hosts_of
from shapes.choice import Choice

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping


def objectives(path: str) -> list[slo.Objective]:
    """The objectives of a file.

    :raises Fault: if it cannot be read or is not right.
    """
    text = read_text(path, "--slo-file")
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise Fault(Owner.USER, f"{path} is no TOML: {error}", "Check --slo-file.") from error
    return slo.parse(document, path)


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
    objectives(options.slo_file)


def check_times(options: argparse.Namespace) -> None:
    """Make sure that a shape can be drawn, and that some of the run's time is measured.

    :raises Fault: if not.
    """
    unmeasured_s = options.warm_up + options.measure_after
    lasts_s = float(options.run_time or 0)
    if lasts_s and unmeasured_s >= lasts_s:
        raise Fault(
            Owner.USER,
            f"--warm-up and --measure-after leave out {unmeasured_s:g} s of a run of {lasts_s:g} s",
            "Nothing would be measured: shorten them, or raise --run-time.",
        )
    if options.shape and not Choice.parse(options.shape).searches and not options.run_time:
        raise Fault(
            Owner.USER, f"--shape {options.shape} was given without --run-time", "Say how long it is, e.g. 5m."
        )


def refuse(fault: Fault) -> NoReturn:
    """End with one line. (Locust would log what a listener raises, and go on.)"""
    sys.stderr.write(f"locust: error: {fault}\n")
    sys.exit(ExitCode.USAGE)


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

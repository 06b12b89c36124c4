"""The command line options that this package adds to Locust's, each with a `LOCUST_…` variable."""

from __future__ import annotations

import argparse
import ipaddress
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from faults import Fault, Owner
from measure import slo
from tasks import schedule

if TYPE_CHECKING:
    from collections.abc import Mapping

    from locust.argument_parser import LocustArgumentParser

DEFAULT_SLO_FILE = Path(__file__).parent.parent / "measure" / "slo.toml"
_MOST_ROOMS = 100_000


SECRETS: Final = ("database_url", "jwt_secret", "token", "account")
"""Options that stay in the master: Locust would hand every option to every worker."""


def add(parser: LocustArgumentParser) -> None:
    """Add the options."""
    group = parser.add_argument_group("Socket.IO load test", "What is set up, offered, measured and kept.")

    def option(name: str, text: str, *, web: bool = True, secret: bool = False, **more: Any) -> None:
        variable = "LOCUST_" + name.removeprefix("--").replace("-", "_").upper()
        action: Any = group.add_argument(name, env_var=variable, help=text, **more)
        # Locust's own add_argument sets these; that of a group does not.
        action.include_in_web_ui = web and not secret
        action.is_secret = secret
        action.is_required = action.is_multiple = False

    option("--rooms", "Project rooms that are made and filled (default 10)", type=_rooms, default=10)
    option("--rate", "Triggers a second over all publishers (default 10)", type=_rate, default=10.0)
    option(
        "--arrivals",
        "How triggers follow each other: at equal distances, or as a Poisson process (default constant)",
        choices=schedule.LAWS,
        default=schedule.CONSTANT,
    )
    option(
        "--ramp",
        "Seconds that the rate takes to rise from nothing to --rate, at an even slope (default 0)",
        type=_seconds,
        default=0.0,
    )
    option(
        "--warm-up",
        "Seconds from when all users were started to when publishers begin (default 0)",
        type=_seconds,
        default=0.0,
    )
    option(
        "--flight",
        "Seconds that a broadcast may be in flight: what was sent so shortly before a user joined, or before or "
        "after it left, is neither expected nor lost (default 2)",
        type=_seconds,
        default=2.0,
    )
    option(
        "--publishers",
        "Users that publish, out of --users; they share the rate (default 4)",
        type=_publishers,
        default=4,
        web=False,
    )
    option(
        "--source-addresses",
        "Local addresses that users connect from in turn, with commas: for more than 28,000 connections to one "
        "target, and for backends that throttle each address on its own",
        type=_addresses,
        default="",
    )
    option(
        "--database-url",
        "The backend's PostgreSQL, for making the data by SQL; without it the data is made through REST",
        default="",
        secret=True,
    )
    option(
        "--jwt-secret",
        "The backend's HS256 secret, for minting tokens; needed with --database-url",
        default="",
        secret=True,
    )
    option(
        "--token",
        "A token of an existing user, for making the data through REST",
        default="",
        secret=True,
    )
    option(
        "--account",
        "email:password of an existing user, for making the data through REST; without one a user signs up",
        default="",
        secret=True,
    )
    option("--insecure", "Take any certificate of the backend", action="store_true", default=False)
    option("--ca-file", "Who signs the backend's certificate (PEM; on every worker)", default="")
    option("--client-cert", "Our certificate for the backend (PEM; on every worker)", default="")
    option("--client-key", "Its key, where that is a file of its own", default="")
    option("--tasks-per-room", "Tasks that each project has before the load; by SQL only", type=int, default=0)
    option("--keep-data", "Leave the run's rows in place when it ends", action="store_true", default=False)
    option("--results-dir", "Where the run's record goes (default results)", default="results")
    option(
        "--no-report",
        "Write the record only, without report.html",
        action="store_true",
        default=False,
    )
    option("--slo-file", "The objectives, as TOML (default measure/slo.toml)", default=str(DEFAULT_SLO_FILE))
    option(
        "--events-per-client",
        "Also judge the throughput: more events a second than this for each client (the guide asks for 100)",
        type=_rate,
        default=None,
    )


def objectives(path: str) -> list[slo.Objective]:
    """The objectives of a file.

    :raises Fault: if it cannot be read or is not right.
    """
    try:
        document = tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise Fault(Owner.USER, f"cannot read {path}: {error.strerror}", "Check --slo-file.") from error
    except tomllib.TOMLDecodeError as error:
        raise Fault(Owner.USER, f"{path} is no TOML: {error}", "Check --slo-file.") from error
    return slo.parse(document, path)


def check(options: argparse.Namespace, secret_options: Mapping[str, str]) -> None:
    """What can be wrong with options that are right each by itself.

    :param secret_options: the values of `SECRETS`.
    :raises Fault: if something is.
    """
    host = options.host or ""
    if not host.startswith(("http://", "https://")):
        said = f"--host {host!r} is no URL" if host else "no --host was given"
        raise Fault(Owner.USER, said, "Give the backend's address, e.g. --host https://staging.example.org.")
    if secret_options["database_url"] and not secret_options["jwt_secret"]:
        raise Fault(
            Owner.USER,
            "--database-url was given without --jwt-secret",
            "Give the backend's JWT secret too, so that tokens for the new users can be minted.",
        )
    if secret_options["token"] and secret_options["account"]:
        raise Fault(Owner.USER, "--token and --account were both given", "Give one of them.")
    objectives(options.slo_file)


def _rooms(text: str) -> int:
    return _number(text, int, 1, _MOST_ROOMS)


def _publishers(text: str) -> int:
    return _number(text, int, 0, 4096)


def _seconds(text: str) -> float:
    return _number(text, float, 0, 86_400)


def _rate(text: str) -> float:
    return _number(text, float, 0.001, 1e6)


def _number(text: str, kind: type, low: float, high: float) -> Any:
    try:
        value = kind(text)
    except ValueError:
        value = None
    if value is None or not low <= value <= high:
        raise argparse.ArgumentTypeError(f"{text!r} is no number from {low} to {high}")
    return value


def _addresses(text: str) -> str:
    try:
        for address in filter(None, text.split(",")):
            ipaddress.ip_address(address.strip())
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
    return text

"""`python -m lab.reference_backend`: run the reference backend until SIGTERM or Ctrl-C."""

from __future__ import annotations

import argparse
import contextlib
import logging
import os
import random
import signal
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import psycopg
import uvicorn
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from lab.reference_backend import agent_options
from lab.reference_backend.app import Application
from lab.reference_backend.fault_options import Faults
from lab.reference_backend.injection import Injector
from lab.reference_backend.postgres import PostgresError, embedded
from lab.reference_backend.profile import DOCUMENTED, PROFILES
from lab.reference_backend.tokens import LIFETIME_S, PLACES, Keys

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_BACKLOG = 4096
_REDIS = ("redis", "rediss", "unix")


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m lab.reference_backend", description=__doc__)
    parser.add_argument("--profile", choices=sorted(PROFILES), default=DOCUMENTED.name)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one (default)")
    parser.add_argument("--database-url", help="an existing PostgreSQL; default: one of its own, gone at the end")
    parser.add_argument(
        "--throttle-limit",
        type=int,
        help="HTTP requests per handler and source address in 15 minutes; 0 switches the throttle off; "
        "default: the profile's",
    )
    parser.add_argument(
        "--jwt-secret",
        default=os.environ.get("JWT_SECRET", "reference-backend-secret-not-for-production"),
        help="HS256 secret of the tokens (default: $JWT_SECRET, else a fixed one)",
    )
    parser.add_argument(
        "--jwt-key-file", type=Path, help="an RSA private key as PEM: tokens are RS256, and no secret is used"
    )
    parser.add_argument(
        "--token-in",
        type=_places,
        default=("auth",),
        help=f"where tokens are looked for, with commas: {', '.join(PLACES)} (default auth)",
    )
    parser.add_argument(
        "--token-lifetime", type=int, default=LIFETIME_S, help="seconds that tokens from logging in are good for"
    )
    parser.add_argument(
        "--breakable",
        action="store_true",
        help="let breakages be switched on; see lab/reference_backend/breakages.py",
    )
    parser.add_argument("--seed", type=int, default=1, help="of the backend's own chance (default 1)")
    parser.add_argument(
        "--faults",
        type=_faults,
        help="what shall go wrong, e.g. drop=0.02,corrupt=@3/9,delay=exponential:20,stop=4:2; see "
        "lab/reference_backend/fault_options.py",
    )
    agent_options.add_to(parser)
    parser.add_argument("--redis-url", default="", help="what several instances share their rooms by")
    parser.add_argument(
        "--instance", default="", help="what this process calls itself, in each answer's X-Instance"
    )
    parser.add_argument(
        "--fault-log", type=Path, help="file to write a JSON line to for each fault and each broadcast"
    )
    options = parser.parse_args(arguments)
    if options.redis_url and (options.faults or options.breakable):
        parser.error(
            "--redis-url goes with neither --faults nor --breakable: those know one instance's members only"
        )
    if options.redis_url and urlsplit(options.redis_url).scheme not in _REDIS:
        parser.error(f"--redis-url {options.redis_url} is no URL of a Redis, as redis://127.0.0.1:6379/0")
    try:
        agent_options.check(options)
    except ValueError as error:
        parser.error(str(error))
    return options


def _faults(text: str) -> Faults:
    try:
        return Faults.parse(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _places(text: str) -> tuple[str, ...]:
    places = tuple(text.split(","))
    if unknown := set(places) - set(PLACES):
        raise argparse.ArgumentTypeError(f"{', '.join(sorted(unknown))}: there are {', '.join(PLACES)}")
    return places


def keys_of(options: argparse.Namespace) -> Keys:
    """The keys that were asked for; ends the program with one line if the file is no private key."""
    if options.jwt_key_file is None:
        secret = options.jwt_secret
        return Keys(secret, secret, places=options.token_in, lifetime_s=options.token_lifetime)
    try:
        private = options.jwt_key_file.read_bytes()
        public = load_pem_private_key(private, password=None).public_key()
    except (OSError, ValueError) as error:
        sys.exit(f"reference-backend: {options.jwt_key_file} is no private key: {error}. Check --jwt-key-file.")
    checking = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    return Keys(private.decode(), checking, "RS256", options.token_in, options.token_lifetime)


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; ends the program with one line if the port is taken, or none."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # With its protocol named: otherwise asyncio does not take it for TCP, leaves Nagle's algorithm on, and a burst
    # waits for delayed acknowledgements as it never does with node.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except (OSError, OverflowError) as error:
        reason = str(error).rstrip(".")
        sys.exit(f"reference-backend: cannot listen on {host}:{port}: {reason}. Choose another --port, or 0.")
    listener.listen(_BACKLOG)
    return listener


@contextlib.contextmanager
def injector(options: argparse.Namespace) -> Iterator[Injector | None]:
    """Yield the injector of the given faults, which also logs broadcasts; None if neither option is given."""
    if options.faults is None and options.fault_log is None:
        yield None
        return
    with (options.fault_log or Path(os.devnull)).open("w", encoding="utf-8", buffering=1) as log:
        # The seed of its own keeps the faults the same, whatever else chance decides.
        chance = random.Random(f"faults {options.seed}")  # noqa: S311
        yield Injector(options.faults or Faults(), chance, lambda line: print(line, file=log))


def main(arguments: Sequence[str] | None = None) -> None:
    """Start, serve, and clean up; prints one line with the two URLs when it is ready to be asked."""
    options = parse(arguments)
    logging.basicConfig(level=logging.WARNING, format="reference-backend: %(message)s")
    profile = PROFILES[options.profile]
    limit = profile.throttle_limit if options.throttle_limit is None else options.throttle_limit
    # uvicorn raises the signal that ended it once more: by then it has to mean "leave, and clean up".
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(contextlib.closing(listen(options.host, options.port)))
        try:
            database_url = options.database_url or stack.enter_context(embedded())
            psycopg.connect(database_url, connect_timeout=5).close()
        except PostgresError as error:
            sys.exit(f"reference-backend: {error}. Or give an existing one with --database-url.")
        except psycopg.OperationalError as error:
            reason = str(error).splitlines()[0]
            sys.exit(f"reference-backend: cannot reach the database: {reason}. Check --database-url.")
        host, port = listener.getsockname()[:2]
        ready = f"reference-backend: http://{f'[{host}]' if ':' in host else host}:{port} {database_url}"
        app = Application(
            profile,
            limit,
            keys_of(options),
            database_url,
            random.Random(options.seed),  # noqa: S311
            agent_options.AgentOptions.given(options),
            injector=stack.enter_context(injector(options)),
            on_ready=lambda: print(ready, flush=True),  # noqa: T201
            breakable=options.breakable,
            instance=options.instance,
            redis_url=options.redis_url,
        )
        config = uvicorn.Config(
            app,
            log_level="warning",
            ws="websockets-sansio",
            ws_per_message_deflate=False,
            ws_ping_interval=None,
            timeout_graceful_shutdown=1,
        )
        with contextlib.suppress(KeyboardInterrupt):
            uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    main()

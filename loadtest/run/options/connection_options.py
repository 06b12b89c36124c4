"""The options of connections: how clients come, present themselves, lose their connection, and come back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loadtest.backends import base, endpoint
from loadtest.backends.prometheus import contract
from loadtest.run.options import option_types as types
from loadtest.transport.resolver import DEFAULT_TTL_S

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    from loadtest.backends.tls import Trust


def all_of(option: Callable[..., None]) -> None:
    """See `option_table.all_of`."""
    option(
        "--backend",
        "The backend: prometheus, or the Python module that knows another one: how to get into a room, what makes "
        "it broadcast, and how its broadcasts carry a trace (default prometheus)",
        default=base.PROMETHEUS,
    )
    option(
        "--transport",
        "How to connect: by WebSocket, by long-polling, or by polling with an upgrade (default websocket)",
        choices=tuple(endpoint.TRANSPORTS),
        default="websocket",
        web=True,
    )
    option(
        "--parser",
        "How packets are written; the backend has to use the same (default: Socket.IO's own)",
        choices=endpoint.PARSERS,
        default="default",
    )
    option(
        "--token-in",
        "Where the backend looks for the token when a client connects (default auth)",
        choices=endpoint.TOKEN_PLACES,
        default=endpoint.IN_AUTH,
    )
    option(
        "--source-addresses",
        "Local addresses that connections and triggers leave from in turn, separated by commas, or `all` for all "
        "addresses of a worker. Use it for more connections to one target than one address has ports, and for "
        "backends that throttle each address on its own",
        type=types.addresses,
        default="",
    )
    option(
        "--dns-ttl",
        "Seconds until the backend's host name is resolved again for new connections. They go to all of its "
        "addresses in turn; 0 resolves the name for each connection (default 60)",
        type=types.seconds,
        default=DEFAULT_TTL_S,
    )
    option(
        "--drop-every",
        "Seconds between two losses of each viewer's connection, which comes back by itself; 0 for none "
        "(default 0)",
        type=types.seconds,
        default=0.0,
        web=True,
    )
    option(
        "--reconnect-delay",
        "Seconds that a client waits before it tries to come back, as first:most; each wait is twice the one "
        "before (default 1:5, as of python-socketio)",
        type=types.span,
        default=(1.0, 5.0),
    )
    option(
        "--reconnect-jitter",
        "Seconds by which each of these waits may be longer or shorter (default 0.5)",
        type=types.seconds,
        default=0.5,
    )
    option(
        "--instance-header",
        "Header in which a backend of several instances, or the load balancer before it, says which one answers "
        "(default X-Instance)",
        default=contract.INSTANCE_HEADER,
    )
    option("--insecure", "Take any certificate of the backend", action="store_true", default=False)
    option("--ca-file", "Who signs the backend's certificate (PEM; on every worker)", default="")
    option("--client-cert", "Our certificate for the backend (PEM; on every worker)", default="")
    option("--client-key", "Its key, where that is a file of its own", default="")


def endpoint_of(opts: argparse.Namespace, trust: Trust) -> endpoint.Endpoint:
    """Where the backend is, and how its clients come."""
    first_s, most_s = opts.reconnect_delay
    return endpoint.Endpoint.at(
        opts.host,
        transport=opts.transport,
        parser=opts.parser,
        token_in=opts.token_in,
        trust=trust,
        backoff=endpoint.Backoff(first_s, most_s, opts.reconnect_jitter),
        instance_header=opts.instance_header,
        backend=opts.backend,
    )

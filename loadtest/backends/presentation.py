"""The ways in which a client can present itself. Imports nothing: the pytest plugin needs them at its start."""

from __future__ import annotations

from typing import Final

IN_AUTH: Final = "auth"
IN_HEADER: Final = "header"
IN_QUERY: Final = "query"
IN_COOKIE: Final = "cookie"
TOKEN_PLACES: Final = (IN_AUTH, IN_HEADER, IN_QUERY, IN_COOKIE)

TRANSPORTS: Final = {
    "websocket": ("websocket",),
    "polling": ("polling",),
    "upgrade": ("polling", "websocket"),
}
"""Name -> Engine.IO's transports; `upgrade` begins by polling, as browsers do."""
PARSERS: Final = ("default", "msgpack")

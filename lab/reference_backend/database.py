"""Rows of the reference backend: queries on a pool, results as the JSON that REST answers with."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import UUID

from psycopg.rows import DictRow, dict_row
from psycopg_pool import AsyncConnectionPool

from lab.reference_backend.schema import SCHEMA

if TYPE_CHECKING:
    from collections.abc import Sequence

    from psycopg import AsyncConnection

_SIMPLE_ARRAYS = frozenset({"agentIds", "assigneeIds"})
_HIDDEN = frozenset({"password", "gitAccessToken"})

Row = dict[str, Any]


def to_json(row: Row) -> Row:
    """A row as the backend's ORM shows it: comma lists become arrays, times ISO 8601, secrets are left out."""
    shown: Row = {}
    for name, value in row.items():
        if name in _HIDDEN:
            continue
        if name in _SIMPLE_ARRAYS:
            shown[name] = value.split(",") if value else []
        elif isinstance(value, datetime):
            shown[name] = value.isoformat(timespec="milliseconds") + "Z"
        elif isinstance(value, UUID | Decimal):
            shown[name] = str(value)
        else:
            shown[name] = value
    return shown


class Database:
    """A pool of connections to PostgreSQL.

    :param url: a libpq URL.
    """

    def __init__(self, url: str, size: int = 8) -> None:
        self._pool: AsyncConnectionPool[AsyncConnection[DictRow]] = AsyncConnectionPool(
            url,
            min_size=2,
            max_size=size,
            open=False,
            timeout=5,
            kwargs={"row_factory": dict_row, "autocommit": True},
        )

    async def open(self) -> None:
        """Connect and create the tables that are missing."""
        await self._pool.open(wait=True, timeout=10)
        await self.execute(SCHEMA)

    async def close(self) -> None:
        """Close all connections."""
        await self._pool.close()

    async def fetch(self, query: str, parameters: Sequence[Any] | None = None) -> list[Row]:
        """All rows of a query."""
        async with self._pool.connection() as connection:
            cursor = await connection.execute(query, parameters)
            return await cursor.fetchall()

    async def fetch_one(self, query: str, parameters: Sequence[Any] | None = None) -> Row | None:
        """The first row of a query, or None."""
        async with self._pool.connection() as connection:
            cursor = await connection.execute(query, parameters)
            return await cursor.fetchone()

    async def execute(self, query: str, parameters: Sequence[Any] | None = None) -> int:
        """Run a statement; the number of rows it touched."""
        async with self._pool.connection() as connection:
            cursor = await connection.execute(query, parameters)
            return cursor.rowcount

    async def insert(self, table: str, values: Row) -> Row:
        """Insert one row and give it back whole."""
        names = ", ".join(f'"{name}"' for name in values)
        marks = ", ".join(["%s"] * len(values))
        row = await self.fetch_one(
            f"INSERT INTO {table} ({names}) VALUES ({marks}) RETURNING *", list(values.values())
        )
        assert row is not None
        return row

    async def update(self, table: str, row_id: UUID, values: Row) -> Row | None:
        """Change one row; the row after it, or None if there is none."""
        marks = "".join(f'"{name}" = %s, ' for name in values)
        return await self.fetch_one(
            f'UPDATE {table} SET {marks}"updatedAt" = now() WHERE id = %s RETURNING *',
            [*values.values(), row_id],
        )

"""A run's rows, made in PostgreSQL by COPY and found again by the run's tag.

Every user of a run has an email `lt-<run id>-<n>@loadtest.invalid`; projects, agents and tasks hang on users by
cascading foreign keys, so that deleting a run's users removes exactly what the run made. While a run lives it
holds an advisory lock on its id: rows of a run whose lock is free were left by a run that was cut off, and the
next run removes them. Rows that shall stay are tagged `keep` and are never swept.
"""

from __future__ import annotations

import json
import uuid
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import psycopg
from psycopg.pq import TransactionStatus

from loadtest.backends.prometheus import contract
from loadtest.errors import Fault, Owner

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

_DOMAIN = "loadtest.invalid"
_LOCK_CLASS = 0x6C74  # "lt"
_CONNECT_TIMEOUT_S = 5
_WRITTEN_TABLES = ("users", "projects", "agents", "tasks")

PERSONALITY = json.dumps({"tone": "neutral"})
LLM_CONFIG = json.dumps({"provider": "openai", "model": "gpt-4"})


@dataclass(frozen=True, slots=True)
class OwnedRoom:
    """A project with its owner and its agent."""

    user_id: str
    email: str
    project_id: str
    agent_id: str


class Rows:
    """One run's rows.

    :param database_url: a libpq URL.
    :param run_id: the run's name; letters, digits and hyphens.
    :param keep: the rows stay when the run ends.
    :raises Fault: if the database cannot be reached.
    """

    def __init__(self, database_url: str, run_id: str, *, keep: bool = False) -> None:
        self._database_url = database_url
        self._run_id = run_id
        self._tag = f"lt-{'keep-' if keep else ''}{run_id}"
        self._keep = keep
        self._users = 0
        self._connection = self._connect()

    def _connect(self) -> psycopg.Connection[Any]:
        """A connection that holds the run's lock; while there is another one that does, it waits for its end."""
        connection = connect(self._database_url)
        connection.execute("SELECT pg_advisory_lock(%s, %s)", [_LOCK_CLASS, _lock_key(self._run_id)])
        return connection

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def sweep(self) -> int:
        """Remove the rows of runs that were cut off; how many users were removed."""
        try:
            found = self._connection.execute(
                "SELECT DISTINCT substring(email FROM '^lt-(.+)-[0-9]+@') FROM users "
                "WHERE email ~ %s AND email NOT LIKE %s",
                [f"^lt-.+-[0-9]+@{_DOMAIN}$", "lt-keep-%"],
            ).fetchall()
            removed = 0
            for (run_id,) in found:
                key = [_LOCK_CLASS, _lock_key(run_id)]
                row = self._connection.execute("SELECT pg_try_advisory_lock(%s, %s)", key).fetchone()
                if row is not None and row[0]:
                    removed += self._delete(f"lt-{run_id}")
                    self._connection.execute("SELECT pg_advisory_unlock(%s, %s)", key)
        except psycopg.Error as error:
            raise _fault(error) from error
        return removed

    def create_rooms(self, count: int, tasks_each: int = 0, rooms_each: int = 1) -> list[OwnedRoom]:
        """Create users, their projects, an agent for each project and a backlog of tasks; all of them or none.

        :param rooms_each: how many projects in a row belong to one user.
        :raises Fault: if the database refuses.
        """
        owners = [self._new_owner() for _ in range(0, count, rooms_each)]
        rooms = [
            OwnedRoom(*owners[number // rooms_each], str(uuid.uuid4()), str(uuid.uuid4()))
            for number in range(count)
        ]
        try:
            with self._connection.transaction(), self._connection.cursor() as cursor:
                with cursor.copy("COPY users (id, email, password) FROM STDIN") as copy:
                    for user_id, email in owners:
                        copy.write_row((user_id, email, "no-login"))
                with cursor.copy('COPY projects (id, name, "userId", "agentIds") FROM STDIN') as copy:
                    for room in rooms:
                        copy.write_row((room.project_id, f"{self._tag} project", room.user_id, room.agent_id))
                with cursor.copy(
                    'COPY agents (id, name, role, "personalityMatrix", "llmConfig", "userId") FROM STDIN'
                ) as copy:
                    for room in rooms:
                        row = (
                            room.agent_id,
                            "Load test",
                            "load tester",
                            PERSONALITY,
                            LLM_CONFIG,
                            room.user_id,
                        )
                        copy.write_row(row)
                with cursor.copy('COPY tasks (title, description, "projectId", "assigneeIds") FROM STDIN') as copy:
                    for room in rooms:
                        for number in range(tasks_each):
                            copy.write_row((f"Backlog {number}", "made by a load test", room.project_id, ""))
        except psycopg.Error as error:
            raise _fault(error) from error
        return rooms

    def _new_owner(self) -> tuple[str, str]:
        """The id and the email of a user that is to be made."""
        self._users += 1
        return str(uuid.uuid4()), f"{self._tag}-{self._users - 1}@{_DOMAIN}"

    def finished(self, task_ids: Sequence[str]) -> dict[str, float | None]:
        """Return the tasks that are done, each with how many seconds ago its row last changed.

        :raises Fault: if the query fails.
        """
        try:
            found = self._connection.execute(
                'SELECT id::text, EXTRACT(EPOCH FROM now()::timestamp - "updatedAt")::float FROM tasks '
                "WHERE id = ANY(%s::uuid[]) AND status = ANY(%s)",
                [list(task_ids), [contract.COMPLETED, contract.FAILED]],
            ).fetchall()
        except psycopg.Error as error:
            raise _fault(error) from error
        # A row from the future was written in another time zone than the one that it is read in.
        return {task_id: age_s if age_s >= 0 else None for task_id, age_s in found}

    def remove(self) -> int:
        """Remove this run's rows; how many users were removed. Kept rows stay.

        Also after whoever made them was killed in the middle of it.
        """
        if self._keep:
            return 0
        try:
            if self._connection.info.transaction_status is not TransactionStatus.IDLE:
                # Nobody can use it any more. The new one has the lock when the old one's work is done, or undone.
                self._connection.close()
                self._connection = self._connect()
            return self._delete(self._tag)
        except psycopg.Error as error:
            raise _fault(error) from error

    def close(self) -> None:
        """Give the run's lock back. The rows that were not removed are swept by a later run."""
        self._connection.close()

    def _delete(self, tag: str) -> int:
        # The pattern ends the run's id with a hyphen and digits, so that no run removes another one's rows.
        return self._connection.execute(
            "DELETE FROM users WHERE email ~ %s", [f"^{tag}-[0-9]+@{_DOMAIN}$"]
        ).rowcount


def connect(database_url: str) -> psycopg.Connection[Any]:
    """Return a connection to the backend's database that commits each statement by itself.

    :param database_url: a libpq URL.
    :raises Fault: if the database cannot be reached.
    """
    try:
        return psycopg.connect(database_url, autocommit=True, connect_timeout=_CONNECT_TIMEOUT_S)
    except psycopg.Error as error:
        reason = " ".join(str(error).split())[:200]
        raise Fault(
            Owner.NETWORK,
            f"cannot reach the database: {reason}",
            "Check --database-url, or leave it out to create the data through REST.",
        ) from error


def _lock_key(run_id: str) -> int:
    return zlib.crc32(run_id.encode()) - 2**31


def _fault(error: psycopg.Error) -> Fault:
    reason = " ".join(str(error).split())[:200]
    if isinstance(error, psycopg.errors.InsufficientPrivilege):
        tables = ", ".join(_WRITTEN_TABLES)
        return Fault(
            Owner.USER,
            f"the database refuses: {reason}",
            f"Grant SELECT, INSERT and DELETE on {tables} to the user of --database-url.",
        )
    if isinstance(error, psycopg.errors.UndefinedTable | psycopg.errors.UndefinedColumn):
        return Fault(
            Owner.USER,
            f"this is not the backend's database: {reason}",
            "Check the database's name in --database-url.",
        )
    if isinstance(error, psycopg.OperationalError):
        return Fault(Owner.NETWORK, f"the database went away: {reason}", "Check that it runs, then run again.")
    return Fault(Owner.BACKEND, f"the database failed: {reason}", "Look into the database's log.")

"""Rows in a real PostgreSQL: made in bulk, removed exactly, also after a run that was cut off."""

from __future__ import annotations

import time
import uuid
from typing import TYPE_CHECKING

import psycopg
import pytest

from loadtest.backends.prometheus.rows import Rows
from loadtest.errors import Fault, Owner

if TYPE_CHECKING:
    from ..support import Backend


def run_id() -> str:
    return f"test-{uuid.uuid4().hex[:12]}"


def users(backend: Backend, run: str) -> int:
    count: int = backend.sql("SELECT count(*) FROM users WHERE email LIKE %s", [f"%{run}%"])[0][0]
    return count


def tables(backend: Backend) -> list[int]:
    return [
        backend.sql(f"SELECT count(*) FROM {table}")[0][0] for table in ("users", "projects", "agents", "tasks")
    ]


def test_ten_thousand_users_in_seconds_and_all_gone_after(documented: Backend) -> None:
    before = tables(documented)
    run = run_id()
    with Rows(documented.database_url, run) as rows:
        rooms = rows.create_rooms(10_000, tasks_each=2)
        made = [after - was for was, after in zip(before, tables(documented), strict=True)]
        assert made == [10_000, 10_000, 10_000, 20_000]
        assert len({room.project_id for room in rooms}) == 10_000
        assert rows.remove() == 10_000
    assert tables(documented) == before


def test_a_run_removes_only_its_own(documented: Backend) -> None:
    mine, other = run_id(), run_id()
    with Rows(documented.database_url, mine) as a, Rows(documented.database_url, other) as b:
        a.create_rooms(2)
        b.create_rooms(3)
        a.remove()
        assert (users(documented, mine), users(documented, other)) == (0, 3)
        b.remove()


def test_whoever_was_killed_in_the_middle_of_a_statement_leaves_nothing(documented: Backend) -> None:
    mine = run_id()
    with Rows(documented.database_url, mine) as rows:
        rooms = rows.create_rooms(2)
        # As a greenlet leaves it that is killed while it waits: the server goes on, and commits.
        late = "BEGIN; SELECT pg_sleep(0.5); INSERT INTO users (id, email, password) VALUES "
        late += f"('{uuid.uuid4()}', '{rooms[0].email.replace('-0@', '-7@')}', 'no-login'); COMMIT"
        rows._connection.pgconn.send_query(late.encode())
        assert rows.remove() == 3
    assert users(documented, mine) == 0


def test_a_run_whose_name_begins_like_mine_is_not_removed(documented: Backend) -> None:
    mine = run_id()
    with Rows(documented.database_url, mine) as a, Rows(documented.database_url, f"{mine}-1") as b:
        a.create_rooms(1)
        b.create_rooms(1)
        a.remove()
        assert users(documented, f"{mine}-1") == 1
        b.remove()


def test_a_later_run_sweeps_what_a_cut_off_one_left_and_not_what_a_living_one_has(documented: Backend) -> None:
    cut_off, living = run_id(), run_id()
    gone = Rows(documented.database_url, cut_off)
    gone.create_rooms(2)
    gone.close()  # as when its process is killed: the connection is gone, the rows are not
    with Rows(documented.database_url, living) as alive, Rows(documented.database_url, run_id()) as later:
        alive.create_rooms(1)
        assert later.sweep() == 2
        assert (users(documented, cut_off), users(documented, living)) == (0, 1)
        alive.remove()


def test_kept_rows_stay(documented: Backend) -> None:
    run = run_id()
    with Rows(documented.database_url, run, keep=True) as rows:
        rows.create_rooms(1)
        assert rows.remove() == 0
    with Rows(documented.database_url, run_id()) as later:
        later.sweep()
    assert users(documented, run) == 1
    documented.sql("DELETE FROM users WHERE email LIKE %s", [f"%{run}%"])


def test_an_unreachable_database() -> None:
    started_s = time.monotonic()
    with pytest.raises(Fault, match="cannot reach the database") as fault:
        Rows("postgresql://127.0.0.1:1/x", run_id())
    assert fault.value.owner is Owner.NETWORK
    assert "\n" not in str(fault.value)
    assert time.monotonic() - started_s < 10


def test_missing_rights_leave_nothing(documented: Backend) -> None:
    documented.sql("CREATE ROLE weak LOGIN; GRANT SELECT, INSERT, DELETE ON users TO weak")
    try:
        weak = psycopg.conninfo.make_conninfo(documented.database_url, user="weak")
        run = run_id()
        with Rows(weak, run) as rows, pytest.raises(Fault, match=r"permission denied.*Grant SELECT, INSERT"):
            rows.create_rooms(1)
        assert users(documented, run) == 0
    finally:
        documented.sql("REVOKE ALL ON users FROM weak; DROP ROLE weak")


def test_another_database(documented: Backend) -> None:
    documented.sql("CREATE DATABASE empty")
    try:
        other = psycopg.conninfo.make_conninfo(documented.database_url, dbname="empty")
        with Rows(other, run_id()) as rows, pytest.raises(Fault, match="not the backend's database"):
            rows.create_rooms(1)
    finally:
        documented.sql("DROP DATABASE empty")

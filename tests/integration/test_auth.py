"""Ways to authenticate: where the token is, how it is signed, where it comes from, and its renewal in time."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from loadtest.backends.prometheus import contract
from loadtest.exit_codes import ExitCode
from loadtest.processes import free_port

from ..support import ROOT, SECRET, run_locust, start_backend, summary_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ..support import Backend

pytestmark = [pytest.mark.slow, pytest.mark.calm]


@contextmanager
def backend_with(*options: str) -> Iterator[Backend]:
    backend = start_backend("documented", *options)
    try:
        yield backend
    finally:
        backend.stop()


def run(
    backend: Backend, results: Path, *more: str, by_sql: bool = True, **variables: str
) -> tuple[int, dict[str, Any]]:
    """A short run; its exit code and its summary."""
    made = {"LOCUST_DATABASE_URL": backend.database_url} if by_sql else {}
    size = ["-u", "14", "-r", "100", "-t", "5s", "--rooms", "2", "--rate", "10", "--no-report"]
    ended = run_locust(
        backend.url, *size, "--results-dir", str(results), *more, environment={**made, **variables}, timeout_s=100
    )
    assert (results / "latest").exists(), ended.stdout + ended.stderr
    return ended.returncode, summary_of(results)


def is_exact(summary: dict[str, Any]) -> None:
    deliveries = summary["deliveries"]
    assert deliveries["delivered"] == deliveries["expected"] > 0
    assert deliveries["lost"] == 0
    assert summary["triggers"]["refused"] == summary["triggers"]["failed"] == 0
    assert not summary["failures"]


@pytest.mark.parametrize("place", ["header", "query", "cookie"])
def test_the_token_s_place(tmp_path: Path, place: str) -> None:
    with backend_with("--token-in", place) as backend:
        _, summary = run(backend, tmp_path, "--token-in", place, LOCUST_JWT_SECRET=SECRET)
        is_exact(summary)
        assert summary["capabilities"]["token check"]["yes"] is True, "bad ones are seen there too"


def test_a_token_in_the_wrong_place_is_one_line(tmp_path: Path) -> None:
    with backend_with("--token-in", "header") as backend:
        ended = run_locust(
            backend.url,
            *("-u", "6", "-r", "10", "-t", "3s", "--results-dir", str(tmp_path)),
            environment=backend.by_sql,
        )
    assert ended.returncode == ExitCode.SETUP_FAILED
    assert "Check --token-in" in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    file = tmp_path / "key.pem"
    file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return file


def test_rs256_and_its_attacks(tmp_path: Path, key_file: Path) -> None:
    with backend_with("--jwt-key-file", str(key_file)) as backend:
        more = [
            "--config",
            str(ROOT / "loadtest" / "suites" / "security.conf"),
            "-t",
            "12s",
            "--think-time",
            "0.2",
        ]
        code, summary = run(backend, tmp_path, *more, "--jwt-key-file", str(key_file))
    deliveries = summary["deliveries"]
    assert deliveries["delivered"] == deliveries["expected"] > 0
    outcomes = {row["check"]: row["outcome"] for row in summary["conformance"]}
    assert outcomes["none of them connects"] == outcomes["REST refuses all of them"] == "passed"
    assert "signed with the public key" in summary["capabilities"]["token check"]["evidence"]
    assert code in (ExitCode.PASSED, ExitCode.OBJECTIVE_FAILED, ExitCode.RUN_SUSPECT)
    text = "".join(file.read_text() for file in (tmp_path / "latest").glob("*.*"))
    assert key_file.read_text().splitlines()[3] not in text


def test_accounts_of_a_file_log_in_and_own_their_rooms(tmp_path: Path) -> None:
    with backend_with() as backend:
        accounts = [{"email": f"user-{number}@example.org", "password": "Aa1@aaaa"} for number in range(3)]
        for account in accounts:
            assert backend.request("POST", contract.SIGNUP, body=account)[0] == 201
        file = tmp_path / "accounts"
        file.write_text("# ours\n" + "".join(f"{one['email']}:{one['password']}\n" for one in accounts))
        _, summary = run(backend, tmp_path / "results", "--accounts-file", str(file), by_sql=False)
        is_exact(summary)
        assert summary["capabilities"]["rooms are their owners'"]["yes"] is True
        assert "belongs to somebody else" in summary["capabilities"]["rooms are their owners'"]["evidence"]
        assert backend.sql("SELECT count(*) FROM projects")[0][0] == 0
        assert backend.sql("SELECT count(*) FROM users")[0][0] == 3
        text = "".join(path.read_text() for path in (tmp_path / "results" / "latest").glob("*.*"))
        assert "Aa1@aaaa" not in text


# Expiry: without a renewal, publishers would be refused with 401, and who was dropped could not come back.


def test_minted_tokens_are_renewed_in_time(tmp_path: Path) -> None:
    with backend_with() as backend:
        more = ["-t", "14s", "--shape", "storm:at=9", "--token-lifetime", "4"]
        _, summary = run(backend, tmp_path, *more, LOCUST_JWT_SECRET=SECRET)
    assert summary["triggers"]["refused"] == 0
    assert summary["triggers"]["sent"] > 60
    assert summary["connections"]["reconnects"] == 10
    assert summary["answers_ms"]["return"]["count"] == 10
    deliveries = summary["deliveries"]
    assert deliveries["lost"] == deliveries["missed_offline"]


def test_tokens_of_several_workers_that_logged_in_are_renewed_in_time(tmp_path: Path) -> None:
    with backend_with("--token-lifetime", "4") as backend:
        account = {"email": "user@example.org", "password": "Aa1@aaaa"}
        assert backend.request("POST", contract.SIGNUP, body=account)[0] == 201
        port = str(free_port())
        more = ["-t", "12s", "--processes", "2", "--master-bind-port", port, "--master-port", port]
        variables = {"LOCUST_ACCOUNT": "user@example.org:Aa1@aaaa"}
        _, summary = run(backend, tmp_path, *more, by_sql=False, **variables)
    is_exact(summary)
    assert summary["triggers"]["sent"] > 60

"""Files that leave: to a real S3 server, and to one that takes PUT; now, and as a sidecar at the end."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
import urllib.request
from typing import TYPE_CHECKING

import pytest

from loadtest.exit_codes import ExitCode
from loadtest.processes import free_port
from loadtest.upload.__main__ import main
from loadtest.upload.changes import changed, files, state_of

from ..put_server import PutServer
from ..support import ROOT, until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MOTO = ROOT / ".venv" / "tools" / "bin" / "moto_server"


@pytest.fixture
def server() -> Iterator[PutServer]:
    with PutServer() as server:
        yield server


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """A folder as runs leave it: two records, and a link to the newest."""
    results = tmp_path / "results"
    for run in ("20260101-one", "20260102-two"):
        (results / run).mkdir(parents=True)
        (results / run / "summary.json").write_text(f'"{run}"')
    (results / "latest").symlink_to("20260102-two")
    return results


def test_put(server: PutServer, results: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UPLOAD_AUTHORIZATION", "Bearer right")
    assert main([str(results), f"{server.url()}/"]) == ExitCode.PASSED
    assert server.files == {
        "/runs/20260101-one/summary.json": b'"20260101-one"',
        "/runs/20260102-two/summary.json": b'"20260102-two"',
    }
    assert server.authorization == {"Bearer right"}


def test_a_folder_that_is_not_there(server: PutServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([str(tmp_path / "resuls"), server.url()])
    assert ended.value.code == ExitCode.USAGE
    assert "there is no folder" in capsys.readouterr().err


def test_a_server_that_is_busy_is_asked_again(server: PutServer, results: Path) -> None:
    server.busy = 2
    assert main([str(results), server.url()]) == ExitCode.PASSED
    assert len(server.files) == 2


def test_a_server_that_refuses(
    server: PutServer, results: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("UPLOAD_AUTHORIZATION", "Bearer wrong")
    assert main([str(results), server.url()]) == ExitCode.SETUP_FAILED
    said = capsys.readouterr().err
    assert "was answered with 403" in said
    assert said.count("\n") == 1
    assert "wrong" not in said


def test_a_sidecar_sends_what_is_new_when_it_is_told_to_end(server: PutServer, results: Path) -> None:
    command = [sys.executable, "-m", "loadtest.upload", str(results), server.url(), "--at-the-end"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as sidecar:
        assert sidecar.stdout is not None
        assert "2 files are there" in sidecar.stdout.readline()
        (results / "20260103-three").mkdir()
        (results / "20260103-three" / "summary.json").write_text("new")
        (results / "20260101-one" / "summary.json").write_text("longer than before")
        (results / "latest").unlink()
        (results / "latest").symlink_to("20260103-three")
        time.sleep(0.2)
        assert not server.files
        sidecar.send_signal(signal.SIGTERM)
        assert sidecar.wait(20) == ExitCode.PASSED
    assert set(server.files) == {"/runs/20260101-one/summary.json", "/runs/20260103-three/summary.json"}


def test_a_file_of_the_same_size_and_a_later_time_is_new(results: Path) -> None:
    before = state_of(results)
    file = results / "20260101-one" / "summary.json"
    file.write_text('"20260101-ONE"')
    assert changed(before, state_of(results)) == [file]
    assert changed(state_of(results), state_of(results)) == []


def test_a_file_that_is_taken_away_meanwhile_is_none(tmp_path: Path) -> None:
    for name in "ab":
        (tmp_path / name).touch()
    found = files(tmp_path)
    (first, _) = next(found)
    (tmp_path / {"a": "b", "b": "a"}[first.name]).unlink()
    assert list(found) == []


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """An S3 with an empty bucket; its address."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    process = subprocess.Popen(
        [MOTO, "--host", "127.0.0.1", "--port", str(port)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        request = urllib.request.Request(f"{url}/bucket", method="PUT")
        until(lambda: urllib.request.urlopen(request, timeout=5).close() is None, not_yet=OSError)
        settings = {
            "AWS_ACCESS_KEY_ID": "key",
            "AWS_SECRET_ACCESS_KEY": "secret",
            "AWS_REGION": "us-east-1",
            "AWS_ENDPOINT_URL": url,
            "AWS_ALLOW_HTTP": "true",
        }
        for name, value in settings.items():
            monkeypatch.setenv(name, value)
        yield url
    finally:
        process.kill()
        process.wait()


@pytest.mark.skipif(not MOTO.exists(), reason="no S3 here: `make .venv/tools`")
@pytest.mark.slow
def test_s3(bucket: str, results: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import obstore
    from obstore.store import from_url

    assert main([str(results), "s3://bucket/of/mine"]) == ExitCode.PASSED
    assert "2 files" in capsys.readouterr().out
    stored = from_url("s3://bucket")
    assert bytes(obstore.get(stored, "of/mine/20260102-two/summary.json").bytes()) == b'"20260102-two"'
    assert main([str(results), "s3://nobody-s/"]) == ExitCode.SETUP_FAILED
    said = capsys.readouterr().err
    assert said.startswith("upload: s3://nobody-s/ does not take the files")
    assert said.count("\n") == 1

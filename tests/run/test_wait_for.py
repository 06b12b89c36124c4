from __future__ import annotations

import socket

import pytest

from loadtest.exit_codes import ExitCode
from loadtest.run.wait_for import main

from ..support import Backend


def test_a_port_that_listens(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        assert main([f"127.0.0.1:{server.getsockname()[1]}"]) == ExitCode.PASSED
    assert "is there" in capsys.readouterr().out


def test_a_port_of_ipv6() -> None:
    with socket.create_server(("::1", 0), family=socket.AF_INET6) as server:
        assert main([f"[::1]:{server.getsockname()[1]}"]) == ExitCode.PASSED


@pytest.mark.parametrize("address", ["master", "master:", ":5557", "a:1, b", ""])
def test_what_is_no_address_is_not_waited_for(address: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([address, "--wait", "600"])
    assert ended.value.code == ExitCode.USAGE
    assert "is neither host:port nor a URL" in capsys.readouterr().err


def test_a_port_that_does_not(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    assert main([f"127.0.0.1:{port}", "--wait", "0.1"]) == ExitCode.SETUP_FAILED
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert f"no master is to be reached at 127.0.0.1:{port}" in said
    assert "Waited for 0.1 s" in said


def test_a_backend_and_what_is_none(documented: Backend, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([documented.url]) == ExitCode.PASSED
    assert main([f"{documented.url},http://127.0.0.1:9"]) == ExitCode.SETUP_FAILED
    assert "127.0.0.1:9" in capsys.readouterr().err

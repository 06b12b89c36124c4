"""The reference backend as a process."""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING

import pytest

from lab.reference_backend.__main__ import listen, parse
from lab.reference_backend.agent_options import AgentOptions
from lab.reference_backend.fault_options import Delay
from loadtest.backends.prometheus import contract
from loadtest.backends.prometheus.adapter import BACKEND
from loadtest.backends.rest import RestClient

from ..support import start_backend

if TYPE_CHECKING:
    from loadtest.backends.prometheus.rows import OwnedRoom

    from ..support import Backend


def test_another_database_is_used_and_left_alone(documented: Backend) -> None:
    second = start_backend("as-built", "--throttle-limit", "0", "--database-url", documented.database_url)
    try:
        account = {"email": "shared@example.org", "password": "Aa1@aaaa"}
        assert second.request("POST", contract.SIGNUP, body=account)[0] == 201
        assert documented.request("POST", contract.LOGIN, body=account)[0] == 200
    finally:
        assert second.stop() == 0
        assert documented.sql("DELETE FROM users WHERE email = 'shared@example.org' RETURNING 1") == [(1,)]


def test_the_throttle_can_be_switched_on_when_documented() -> None:
    backend = start_backend("documented", "--throttle-limit", "2")
    try:
        assert [backend.request("GET", contract.PROJECTS)[0] for _ in range(3)] == [401, 401, 429]
    finally:
        backend.stop()


def test_both_profiles_share_what_is_no_profile_s(backend: Backend, room: OwnedRoom) -> None:
    assert BACKEND.check(RestClient(backend.url)) == backend.profile


def test_a_burst_does_not_wait_for_acknowledgements() -> None:
    """As with node, Nagle's algorithm is off on every connection."""

    async def run() -> int:
        without_delay: asyncio.Future[int] = asyncio.get_running_loop().create_future()

        async def accepted(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            sock = writer.get_extra_info("socket")
            without_delay.set_result(sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
            writer.close()

        listener = listen("127.0.0.1", 0)
        async with await asyncio.start_server(accepted, sock=listener):
            _, writer = await asyncio.open_connection(*listener.getsockname())
            answer = await without_delay
            writer.close()
            return answer

    assert asyncio.run(run())


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--faults", "dorp=0.1"], "--faults: no fault is named 'dorp'; there are drop, "),
        (["--faults", "drop=much"], "--faults: could not convert string to float: 'much'"),
        (["--token-in", "auth,cake"], "--token-in: cake: there are auth, header, query, cookie"),
        (["--agent-rounds", "3"], "need --profile deployed, got documented: only there are agents at work"),
        (["--agent-rounds", "0"], "--agent-rounds: expected a whole number from 1 on, got '0'"),
        (
            ["--agent-delay", "gauss:3"],
            "--agent-delay: expected milliseconds, as 120 or exponential:120, got 'gauss:3'",
        ),
        (["--agent-delay", "inf"], "expected milliseconds, as 120 or exponential:120, got 'inf'"),
        (["--agent-failures", "1.5"], "--agent-failures: expected a share from 0 to 1, got '1.5'"),
        (["--redis-url", "localhost"], "--redis-url localhost is no URL of a Redis"),
        (
            ["--redis-url", "redis://localhost", "--breakable"],
            "--redis-url goes with neither --faults nor --breakable",
        ),
    ],
)
def test_what_is_wrong_with_an_option_is_said(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        parse(arguments)
    assert said in capsys.readouterr().err


def test_agents_work_as_the_options_say() -> None:
    work = "--agent-rounds 9 --agent-delay exponential:20 --agent-failures 0"
    given = parse(f"--profile deployed --seed 4 {work}".split())
    assert AgentOptions.given(given) == AgentOptions(9, Delay(20.0, "exponential"), 0.0, 4)
    assert AgentOptions.given(parse(["--profile", "deployed"])) == AgentOptions()


def test_a_port_that_is_none_is_one_line() -> None:
    with pytest.raises(
        SystemExit, match="cannot listen on 127.0.0.1:99999: .*[^.]. Choose another --port, or 0.$"
    ):
        listen("127.0.0.1", 99_999)

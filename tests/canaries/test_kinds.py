"""How `--canaries` is read, and what of it is refused."""

from __future__ import annotations

import pytest

from loadtest.backends.endpoint import Endpoint
from loadtest.canaries import kinds
from loadtest.canaries.canary import settings_of
from loadtest.canaries.kinds import CLIENTS, Kind


def test_all_is_every_client_and_nothing_is_none() -> None:
    everything = (*CLIENTS, "node-4:polling", "node-4:upgrade")
    assert kinds.chosen("all") == everything
    assert kinds.chosen("") == ()
    assert kinds.chosen("node-4:polling,all,node-2:polling") == (
        *("node-4:polling", *CLIENTS, "node-4:upgrade", "node-2:polling"),
    )


@pytest.mark.parametrize(
    ("text", "names"),
    [
        (" node-4, chromium,node-4", ("node-4", "chromium")),
        ("node-4:polling,node-4:websocket", ("node-4:polling", "node-4")),
        ("firefox:upgrade:msgpack,firefox:msgpack:upgrade,firefox:msgpack", ("firefox:upgrade", "firefox")),
        ("node-2:upgrade", ("node-2:upgrade",)),
    ],
)
def test_a_client_has_a_transport_and_a_parser_behind_it(text: str, names: tuple[str, ...]) -> None:
    assert kinds.chosen(text) == names
    for name in names:
        assert kinds.named(name).name == name


def test_what_a_canary_is() -> None:
    assert kinds.parse("firefox:polling:msgpack") == (Kind(CLIENTS["firefox"], "polling", "msgpack"),)
    assert kinds.parse("node-3") == (Kind(CLIENTS["node-3"], "websocket", ""),)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        *(
            (text, "with a client of node-2, .*, firefox, or all")
            for text in ("node-5", "Chromium", "all:polling")
        ),
        ("node-4-polling", r"'node-4-polling': expected client\[:transport\]"),
        (":polling", "with a client of"),
        ("node-4:", "a transport of websocket, polling, upgrade, or a parser of default, msgpack, got ''"),
        ("node-4:http", "got 'http'"),
        ("node-4:Polling", "got 'Polling'"),
        (
            "node-4:polling:websocket",
            "one transport, got polling and websocket; for both write node-4:polling,node-4:websocket",
        ),
        ("node-4:default:msgpack", "one parser, got default and msgpack"),
    ],
)
def test_what_is_not_a_canary_is_refused_with_what_is_expected(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        kinds.chosen(f"node-4,{text}")


@pytest.mark.parametrize(
    ("text", "parser", "token_in", "what", "way_on"),
    [
        ("node-4:msgpack", "default", "auth", "the run's parser, default, got msgpack", "--parser msgpack"),
        ("firefox:polling:default", "msgpack", "auth", "the run's parser, msgpack, got default", "Leave it out"),
        ("firefox", "default", "header", "a header by WebSocket", "firefox:upgrade or firefox:polling"),
        ("chromium:upgrade", "default", "cookie", "cookie from another origin", "another --token-in"),
    ],
)
def test_a_canary_that_the_run_cannot_have_is_refused(
    text: str, parser: str, token_in: str, what: str, way_on: str
) -> None:
    (kind,) = kinds.parse(text)
    found = kinds.conflict(kind, parser, token_in)
    assert found is not None
    assert what in found[0]
    assert way_on in found[1]


@pytest.mark.parametrize(
    ("text", "parser", "token_in"),
    [
        ("node-4:msgpack", "msgpack", "auth"),
        ("node-2,node-4:upgrade,firefox,chromium:polling", "msgpack", "auth"),
        ("node-2,node-4,node-3:polling", "default", "cookie"),
        ("node-4,firefox:upgrade,chromium:polling", "default", "header"),
        ("firefox", "default", "query"),
    ],
)
def test_canaries_that_a_run_can_have(text: str, parser: str, token_in: str) -> None:
    assert {kinds.conflict(kind, parser, token_in) for kind in kinds.parse(text)} == {None}


@pytest.mark.parametrize(
    ("name", "token_in", "where"),
    [
        ("node-4", "auth", {"auth": {"token": "t"}}),
        ("node-4", "query", {"query": {"token": "t"}}),
        ("node-4", "header", {"extraHeaders": {"Authorization": "Bearer t"}}),
        ("node-4", "cookie", {"extraHeaders": {"Cookie": "token=t"}}),
        ("firefox:polling", "header", {"extraHeaders": {"Authorization": "Bearer t"}}),
        ("node-2", "auth", {"query": {"token": "t"}}),
        ("node-2", "query", {"query": {"token": "t"}}),
    ],
)
def test_each_brings_its_token_where_it_can(name: str, token_in: str, where: dict[str, object]) -> None:
    endpoint = Endpoint("http://a", token_in=token_in)
    assert settings_of(kinds.named(name), endpoint, "p", "t")["options"] == where


def test_each_connects_as_it_was_named_with_the_run_s_parser() -> None:
    found = settings_of(kinds.named("node-3:upgrade"), Endpoint("http://a", parser="msgpack"), "p", "t")
    assert (found["client"], found["version"], found["parser"]) == ("node-3", "3", "msgpack")
    assert found["transports"] == ("polling", "websocket")

from __future__ import annotations

import socket
from types import SimpleNamespace

import psutil
import pytest

from loadtest.run import source_addresses
from loadtest.run.options import option_types

CARDS = {
    "lo": [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")],
    "eth0": [(socket.AF_INET, "10.0.0.7"), (socket.AF_INET6, "fe80::1%eth0"), (socket.AF_INET6, "fd00::7")],
    "net1": [(socket.AF_INET, "192.168.5.7"), (socket.AF_INET, "169.254.3.3"), (socket.AF_PACKET, "02:00:00:00")],
}


@pytest.fixture(autouse=True)
def cards(monkeypatch: pytest.MonkeyPatch) -> None:
    found = {
        name: [SimpleNamespace(family=family, address=address) for family, address in entries]
        for name, entries in CARDS.items()
    }
    monkeypatch.setattr(psutil, "net_if_addrs", lambda: found)


def test_all_is_what_leads_away_from_here_in_the_target_s_family() -> None:
    both = ("10.0.0.7", "192.168.5.7")
    assert source_addresses.resolve(("all",), "http://127.0.0.1:3000") == both
    assert source_addresses.resolve(("all",), "https://[::1]:3000") == ("fd00::7",)


def test_a_target_without_an_address_changes_nothing() -> None:
    assert len(source_addresses.resolve(("all",), "http://nowhere.invalid:1")) == 2


def test_addresses_that_are_named_stay() -> None:
    assert source_addresses.resolve(("127.0.0.2",), "http://127.0.0.1:1") == ("127.0.0.2",)
    assert source_addresses.split(" 127.0.0.2, 127.0.0.3,") == ("127.0.0.2", "127.0.0.3")
    assert source_addresses.split("") == ()


def test_the_option_takes_all() -> None:
    assert source_addresses.split(option_types.addresses(" all ")) == (source_addresses.ALL,)

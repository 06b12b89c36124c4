"""The URLs of a backend, and which are of this machine."""

from __future__ import annotations

import pytest

from loadtest.measurement.target import hosts_of, is_here


def test_several_have_commas_between_them() -> None:
    assert hosts_of("http://a:1") == ["http://a:1"]
    assert hosts_of("http://a:1, http://b:2 ,http://c") == ["http://a:1", "http://b:2", "http://c"]


@pytest.mark.parametrize(
    ("host", "here"),
    [
        ("http://127.0.0.1:3000", True),
        ("http://127.8.8.8", True),
        ("http://[::1]:3000", True),
        ("https://localhost", True),
        ("http://backend.localhost:3000", True),
        ("http://localhost.example.org", False),
        ("http://notlocalhost", False),
        ("http://128.0.0.1", False),
        ("http://[2001:db8::1]:3000", False),
        ("https://staging.example.org", False),
        ("", False),
        ("unknown", False),
    ],
)
def test_here_is_what_can_lead_nowhere_else(host: str, here: bool) -> None:
    assert is_here(host) is here

from __future__ import annotations

from loadtest.measurement.requests import RequestCounts


def test_several_workers_are_added_and_the_worst_comes_first() -> None:
    one, other = RequestCounts(), RequestCounts()
    one.note("GET", "/a", "")
    other.note("GET", "/a", "")
    other.note("GET", "/b", "404")
    one.add(other.to_rows())
    assert one.to_json() == [
        {"method": "GET", "name": "/b", "requests": 1, "failures": 1, "failure": "404"},
        {"method": "GET", "name": "/a", "requests": 2, "failures": 0, "failure": ""},
    ]


def test_a_client_that_names_each_request_anew_fills_no_memory() -> None:
    counts = RequestCounts()
    for number in range(1000):
        counts.note("GET", f"/{number}", "404")
    rows = counts.to_json()
    assert len(rows) == 201
    assert rows[0] == {"method": "", "name": "other names", "requests": 800, "failures": 800, "failure": "404"}

from __future__ import annotations

import json
import re

import pytest

from lab.bench.figures import Measured, put_into, spread, summarise, table

from ..support import ROOT


def measured(delivery_us: float) -> Measured:
    return Measured(delivery_us, connect_ms=0.5, connection_kb=9.0, complete=True)


def rounds() -> list[dict[str, Measured]]:
    """A machine that is twice as slow in the second round."""
    silent = Measured(42.0, None, None, complete=True)
    return [
        {
            "floor": measured(7.0 * slow),
            "measured": measured(14.0 * slow),
            "measured_wss": measured(21.0 * slow),
            "node": measured(28.0 * slow),
            "k6": silent,
        }
        for slow in (1.0, 2.0, 1.0)
    ]


def test_ratios_are_taken_within_a_round() -> None:
    results = summarise(rounds())
    assert results["measured_over_floor"] == {"median": 2.0, "min": 2.0, "max": 2.0}
    assert results["node_over_measured"] == {"median": 2.0, "min": 2.0, "max": 2.0}
    assert results["wss_over_measured"] == {"median": 1.5, "min": 1.5, "max": 1.5}
    assert results["k6_over_measured"] == {"median": 3.0, "min": 1.5, "max": 3.0}
    assert results["kb_per_user"]["median"] == 9.0
    assert "contrib_over_measured" not in results
    assert "k6_kb_per_connection" not in results


def test_spread() -> None:
    assert spread([3.0, 1.0, 2.0]) == {"median": 2.0, "min": 1.0, "max": 3.0}


def test_the_table_has_a_row_for_each_client_that_was_there() -> None:
    rows = table(summarise(rounds()), "2026-11-23").splitlines()
    assert len(rows) == 2 + 5 + 2
    assert rows[2].endswith("| 7.0 µs | 0.50 | – |")
    assert rows[3].endswith("| 14.0 µs | 1 | 9.0 |")


def test_the_table_replaces_the_one_before_and_nothing_else() -> None:
    readme = "before\n<!-- bench: written by `make bench` -->\nold\n<!-- /bench -->\nafter\n"
    once = put_into(readme, "bench", "| new |\n")
    assert once == readme.replace("old\n", "| new |\n")
    assert put_into(once, "bench", "| new |\n") == once
    with pytest.raises(ValueError, match="no place"):
        put_into("nothing", "bench", "| new |\n")


def test_the_readme_says_what_the_last_bench_found() -> None:
    found = json.loads((ROOT / "lab" / "bench" / "results.json").read_text(encoding="utf-8"))
    (said,) = re.findall(r".*`make bench`.*", (ROOT / "README.md").read_text(encoding="utf-8"))
    page = (ROOT / "docs" / "beside-others.md").read_text(encoding="utf-8")
    floor, node = found["measured_over_floor"]["median"], 1 / found["node_over_measured"]["median"]
    assert f"{floor:.2f} × a loop in C" in said
    assert f"{node:.2f} × socket.io-client" in said
    assert f"{found['measured_us_per_delivery']['median']:.1f} µs" in said
    assert re.findall(r"20\d\d-\d\d-\d\d", said) == re.findall(r"`make bench`, (\S+);", page)

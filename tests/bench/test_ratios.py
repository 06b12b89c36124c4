from bench.__main__ import Measured, spread, summarise


def measured(delivery_us: float) -> Measured:
    return Measured(delivery_us, connect_ms=0.5, connection_kb=9.0, complete=True)


def test_ratios_are_taken_within_a_round() -> None:
    """A machine that is twice as slow in one round is so for all clients: the ratio stays."""
    rounds = [
        {"floor": measured(7.0 * slow), "measured": measured(14.0 * slow), "node": measured(28.0 * slow)}
        for slow in (1.0, 2.0, 1.0)
    ]
    results = summarise(rounds)
    assert results["measured_over_floor"] == {"median": 2.0, "min": 2.0, "max": 2.0}
    assert results["node_over_measured"] == {"median": 2.0, "min": 2.0, "max": 2.0}
    assert "contrib_over_measured" not in results


def test_spread() -> None:
    assert spread([3.0, 1.0, 2.0]) == {"median": 2.0, "min": 1.0, "max": 3.0}

"""Scenarios that overload a backend on purpose: what they make it late with is timed apart."""

from __future__ import annotations

OVERLOADING = {
    *("a flood of connections", "slow input"),
    *("high volume", "many at once", "round trips among many"),
}

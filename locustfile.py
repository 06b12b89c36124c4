"""The load test's entry for Locust: `locust --host https://…`."""

from loadtest import install
from loadtest.users import (
    AnonymousViewer,
    Audience,
    Churner,
    Crowd,
    Dashboard,
    Intruder,
    LargeSender,
    LatencyProber,
    LongSession,
    MalformedSender,
    Operator,
    Publisher,
    Reconnector,
    RoomHopper,
    ThroughputSender,
    Viewer,
)

__all__ = [
    "AnonymousViewer",
    "Audience",
    "Churner",
    "Crowd",
    "Dashboard",
    "Intruder",
    "LargeSender",
    "LatencyProber",
    "LongSession",
    "MalformedSender",
    "Operator",
    "Publisher",
    "Reconnector",
    "RoomHopper",
    "ThroughputSender",
    "Viewer",
]

install()

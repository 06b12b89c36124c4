"""The load test's entry for Locust: `locust --host https://…`."""

from run import hooks
from users.audience import Audience
from users.publisher import Publisher
from users.roles import (
    AnonymousViewer,
    Churner,
    Crowd,
    Dashboard,
    Intruder,
    LargeSender,
    LatencyProber,
    LongSession,
    MalformedSender,
    Operator,
    Reconnector,
    RoomHopper,
    ThroughputSender,
)
from users.viewer import Viewer

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

hooks.install()

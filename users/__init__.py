"""Who connects: the Locust User classes."""

from loadtest.import_names import refuse_another
from loadtest.users.audience import Audience
from loadtest.users.publisher import Publisher
from loadtest.users.roles import (
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
from loadtest.users.viewer import Viewer

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

refuse_another(__name__)

"""What many tests of the measuring share."""

from __future__ import annotations

import pytest

from loadtest.backends.prometheus.reader import Reader
from loadtest.measurement.meter import Meter

from .metering import RUN


@pytest.fixture
def meter() -> Meter:
    """One worker's, whose clock is the only one."""
    return Meter(RUN, Reader())

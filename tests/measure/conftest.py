"""What many tests of the measuring share."""

from __future__ import annotations

import pytest

from backend.reader import Reader
from measure.meter import Meter

from .metering import RUN


@pytest.fixture
def meter() -> Meter:
    """One worker's, whose clock is the only one."""
    return Meter(RUN, Reader())

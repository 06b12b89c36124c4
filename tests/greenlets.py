"""Waiting where what is waited for is done by greenlets of the tests' own process."""

from __future__ import annotations

from functools import partial

import gevent

from . import support

until = partial(support.until, timeout_s=10, pause_s=0.005, sleep=gevent.sleep)

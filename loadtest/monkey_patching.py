"""gevent's patch of the standard library in a process that pytest started.

Locust patches when it is imported. In a pytest, other plugins have imported urllib3 by then, which keeps the
class of `ssl` that was there before: each TLS connection ends in a RecursionError. Our clients need no patch for
WebSockets, so Locust is imported without it. Whoever wants it patches before pytest starts: `python -m
gevent.monkey -m pytest`.
"""

from __future__ import annotations

import os
import sys
from typing import Final

_SKIP: Final = "LOCUST_SKIP_MONKEY_PATCH"
_HOLDER: Final = "urllib3.util.ssl_"
"""Has a name of its own for `ssl.SSLContext`."""


def import_locust_unpatched() -> None:
    """Import Locust without its patch, unless it was imported before; processes that are started patch as ever."""
    if "locust" in sys.modules or _SKIP in os.environ:
        return
    os.environ[_SKIP] = "1"
    try:
        import locust  # noqa: F401 - for its side effect, which is left out
    finally:
        del os.environ[_SKIP]


def refuse_if_too_late() -> None:
    """Make sure that the standard library was patched early enough, if it was.

    :raises RuntimeError: if `ssl` was patched after urllib3 had taken its classes.
    """
    ssl, holder = sys.modules.get("ssl"), sys.modules.get(_HOLDER)
    if ssl is None or holder is None or holder.SSLContext is ssl.SSLContext:
        return
    raise RuntimeError(
        "expected gevent to patch `ssl` before urllib3 is imported, got it afterwards: each TLS connection would "
        "end in a RecursionError. Start pytest with `python -m gevent.monkey -m pytest`, or leave out what patches"
    )

"""Errors that end a greenlet: gevent prints them, and nobody else would know."""

from __future__ import annotations

import sys
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import gevent

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

_PACKAGE: Final = f"{Path(__file__).resolve().parent.parent}/"
_INSTALLED: Final = "site-packages"
_LIBRARY: Final = sys.base_prefix


def watch(note: Callable[[str, bool], None]) -> None:
    """Pass each error that ends a greenlet of this process on, beside its traceback.

    An error in which neither the load test nor the locustfile has a part, e.g. of a web page's client that went
    away, is not passed on.

    :param note: gets the error in one line, and whether it is in our own code rather than in the locustfile's. It
        must not block.
    """
    hub: Any = gevent.get_hub()
    handle = hub.handle_error

    def handle_and_note(
        context: Any, kind: type[BaseException], value: BaseException, trace: TracebackType | None
    ) -> None:
        if not issubclass(kind, (*hub.NOT_ERROR, *hub.SYSTEM_ERROR)) and (ours := _is_ours(trace)) is not None:
            note(f"{kind.__name__}: {value}", ours)
        handle(context, kind, value, trace)

    hub.handle_error = handle_and_note


def _is_ours(trace: TracebackType | None) -> bool | None:
    """Return whether the innermost code that is not a library's is ours; None if there is none."""
    for frame in reversed(traceback.extract_tb(trace)):
        path = frame.filename
        # Asked first: the package may be installed, too.
        if path.startswith(_PACKAGE):
            return True
        # What is compiled, as parts of gevent are, has a path from where it was built, or none.
        if not path.startswith("/") or _INSTALLED in path or path.startswith(_LIBRARY):
            continue
        return False
    return None

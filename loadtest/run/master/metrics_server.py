"""Serves `/metrics` where Locust has no web page, or one that asks for a login."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from gevent.pywsgi import WSGIServer
from prometheus_client import CONTENT_TYPE_LATEST

from loadtest.exit_codes import ExitCode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


def serve(port: int, metrics: Callable[[], bytes]) -> None:
    """Listen on all addresses until the process ends; a port that is taken ends the process.

    :param metrics: what there is to tell, in the text format.
    """

    def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        if environ["PATH_INFO"] != "/metrics":
            start_response("404 Not Found", [("Content-Type", "text/plain")])
            return [b"There is /metrics.\n"]
        start_response("200 OK", [("Content-Type", CONTENT_TYPE_LATEST)])
        return [metrics()]

    try:
        WSGIServer(("", port), application, log=None).start()
    except OSError as error:
        sys.stderr.write(f"locust: error: --metrics-port {port} cannot be served: {error}. Choose another.\n")
        sys.exit(ExitCode.USAGE)

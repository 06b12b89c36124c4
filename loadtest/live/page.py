"""The Broadcast tab of Locust's web page, by its own extension points; the records to download; and `/metrics`.

What Locust documents (tabs, tables, files, `/stats/requests`) shows the tables. The verdict, the objectives and
the charts are a section of our own below Locust's, in `static/panel.js`.
"""

from __future__ import annotations

import json
import re
import zipfile
from io import BytesIO
from typing import TYPE_CHECKING, Any, Final, Protocol

import gevent
from flask import Blueprint, Response, abort, request, send_file, send_from_directory
from prometheus_client import CONTENT_TYPE_LATEST

from loadtest.live import tables
from loadtest.live.snapshot import PREPARING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from flask import Flask

_LATEST: Final = "latest"
_RUN_ID: Final = re.compile(r"[0-9]{8}-[0-9]{6}-[0-9a-f]{8}")
_NAME: Final = "broadcast"
_NO_CURVES: Final = 2**62
_STARTING: Final = "spawning"
_SCRIPTS: Final = """
    <link rel="stylesheet" href="./broadcast/static/uPlot.min.css">
    <link rel="stylesheet" href="./broadcast/static/panel.css">
    <script src="./broadcast/static/uPlot.iife.min.js"></script>
    <script src="./broadcast/static/panel.js"></script>
"""


class Source(Protocol):
    """Where the page gets what it shows."""

    def state(self, after_s: int) -> dict[str, Any]:
        """A snapshot, with the curves after a second."""
        ...

    def metrics(self) -> bytes:
        """The same for Prometheus."""
        ...

    def results_dir(self) -> Path:
        """Where the records are."""
        ...


def template_args() -> dict[str, Any]:
    """What Locust's page is told to show more."""
    return {
        "extended_tabs": [{"title": table.title, "key": table.key} for table in tables.TABLES],
        "extended_tables": [{"key": table.key, "structure": table.structure} for table in tables.TABLES],
        "extended_csv_files": [
            {"href": f"./{_NAME}/records/{_LATEST}/{file}", "title": title} for file, title in tables.FILES.items()
        ],
    }


def extend(app: Flask, source: Source, guard: Callable[[Any], Any], base_path: str) -> None:
    """Add our routes and the tab to Locust's web page.

    :param guard: decorates what is shown to those only who have logged in.
    :param base_path: below which Locust's page is.
    """
    routes = Blueprint(
        _NAME, __name__, url_prefix=base_path, static_folder="static", static_url_path="/broadcast/static"
    )

    @routes.get("/broadcast/state")
    @guard
    def state() -> Response:
        return _json(source.state(request.args.get("after", 0, int)))

    @routes.get("/metrics")
    @guard
    def metrics() -> Response:
        return Response(source.metrics(), content_type=CONTENT_TYPE_LATEST)

    @routes.get("/broadcast/records/<run_id>/record.zip")
    @guard
    def record(run_id: str) -> Response:
        folder = _folder(source, run_id)
        # In a thread: whoever reports to the master meanwhile shall not wait.
        packed = gevent.get_hub().threadpool.apply(_pack, (folder,))
        return send_file(packed, "application/zip", as_attachment=True, download_name=f"{folder.name}.zip")

    @routes.get("/broadcast/records/<run_id>/<path:file>")
    @guard
    def file_of_record(run_id: str, file: str) -> Response:
        return send_from_directory(_folder(source, run_id), file)

    @app.after_request
    def extend_response(response: Response) -> Response:
        if response.status_code == 200 and request.endpoint == "locust.request_stats":
            response.set_data(json.dumps({**(response.json or {}), **_more(source)}))
        elif response.status_code == 200 and request.endpoint == "locust.index":
            response.set_data(response.get_data(as_text=True).replace("</body>", f"{_SCRIPTS}</body>", 1))
        return response

    app.register_blueprint(routes)


def _more(source: Source) -> dict[str, Any]:
    """What is added to Locust's own statistics."""
    shown = source.state(_NO_CURVES)
    found = tables.rows_of(shown)
    more: dict[str, Any] = {"extended_stats": [{"key": key, "data": rows} for key, rows in found.items()]}
    if shown["state"] == PREPARING:
        # Locust says "ready" until its test_start listeners return; its page would go back to the form.
        more["state"] = _STARTING
    return more


def _folder(source: Source, run_id: str) -> Path:
    folder = source.results_dir() / run_id
    if not (run_id == _LATEST or _RUN_ID.fullmatch(run_id)) or not (folder / "summary.json").is_file():
        abort(404, f"There is no record of {'a run' if run_id == _LATEST else run_id} in {source.results_dir()}.")
    return folder.resolve()


def _pack(folder: Path) -> BytesIO:
    packed = BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                archive.write(path, f"{folder.name}/{path.relative_to(folder)}")
    packed.seek(0)
    return packed


def _json(document: dict[str, Any]) -> Response:
    return Response(json.dumps(document), content_type="application/json")

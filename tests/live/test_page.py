"""What is added to Locust's page, on an app that has Locust's two routes."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
from flask import Blueprint, Flask, abort, jsonify
from flask.testing import FlaskClient

from loadtest.live import page, snapshot, tables

from .courses import course, fleet_of

RUN = "20260101-000000-0123abcd"


class Shown:
    def __init__(self, results: Path) -> None:
        self.results = results
        self.shown = snapshot.idle()
        self.asked: list[int] = []

    def state(self, after_s: int) -> dict[str, Any]:
        self.asked.append(after_s)
        return self.shown

    def metrics(self) -> bytes:
        return b"loadtest_running 1\n"

    def results_dir(self) -> Path:
        return self.results


@pytest.fixture
def shown(tmp_path: Path) -> Shown:
    folder = tmp_path / "results" / RUN
    (folder / "histograms").mkdir(parents=True)
    (folder / "summary.json").write_text("{}")
    (folder / "report.html").write_text("the report")
    (folder / "histograms" / "agentLog.hdr").write_text("x")
    (tmp_path / "secret").write_text("s")
    return Shown(tmp_path / "results")


def client_of(shown: Shown, base_path: str = "", guard: Any = lambda view: view) -> FlaskClient:
    app = Flask(__name__)
    locust = Blueprint("locust", __name__, url_prefix=base_path or None)
    locust.add_url_rule("/", "index", lambda: "<html><body>page</body></html>")
    locust.add_url_rule("/stats/requests", "request_stats", lambda: jsonify({"state": "ready", "stats": [1]}))
    app.register_blueprint(locust)
    page.extend(app, shown, guard, base_path)
    return app.test_client()


@pytest.mark.parametrize("base_path", ["", "/load"])
def test_the_page_loads_our_scripts_and_they_are_there(shown: Shown, base_path: str) -> None:
    client = client_of(shown, base_path)
    html = client.get(f"{base_path}/").text
    assert html.count("</body>") == 1
    for file in ("uPlot.iife.min.js", "uPlot.min.css", "panel.js", "panel.css"):
        assert f"./broadcast/static/{file}" in html
        assert client.get(f"{base_path}/broadcast/static/{file}").status_code == 200
    assert client.get(f"{base_path}/metrics").text == "loadtest_running 1\n"


def test_the_tables_come_with_locust_s_own_statistics(shown: Shown) -> None:
    client = client_of(shown)
    shown.shown = snapshot.of_course(course(fleet_of()))
    found = client.get("/stats/requests").get_json()
    assert found["stats"] == [1]
    assert found["state"] == "ready"
    assert {one["key"]: len(one["data"]) for one in found["extended_stats"]} == {
        "broadcast": 2,
        "broadcast-workers": 2,
    }
    args = page.template_args()
    assert [tab["key"] for tab in args["extended_tabs"]] == [table["key"] for table in args["extended_tables"]]
    assert json.dumps(args)


def test_while_a_run_is_prepared_locust_s_page_stays_where_it_is(shown: Shown) -> None:
    client = client_of(shown)
    shown.shown = snapshot.preparing()
    assert client.get("/stats/requests").get_json()["state"] == "spawning"


def test_a_record_can_be_downloaded(shown: Shown) -> None:
    client = client_of(shown)
    packed = client.get(f"/broadcast/records/{RUN}/record.zip")
    names = zipfile.ZipFile(io.BytesIO(packed.data)).namelist()
    assert names == [f"{RUN}/histograms/agentLog.hdr", f"{RUN}/report.html", f"{RUN}/summary.json"]
    assert client.get(f"/broadcast/records/{RUN}/report.html").text == "the report"
    assert client.get("/broadcast/records/latest/report.html").status_code == 404
    (shown.results / "latest").symlink_to(RUN)
    for name in tables.FILES:
        expected = 200 if name in ("report.html", "record.zip") else 404
        assert client.get(f"/broadcast/records/latest/{name}").status_code == expected, name


@pytest.mark.parametrize(
    "path",
    [
        "..%2f..%2fsecret",
        f"{RUN}/../../secret",
        "20260101-000000-ffffffff/report.html",
        f"{RUN}/%2e%2e/secret",
    ],
)
def test_nothing_else_can_be(shown: Shown, path: str) -> None:
    assert client_of(shown).get(f"/broadcast/records/{path}").status_code == 404


def test_everything_is_behind_the_login(shown: Shown) -> None:
    def guard(view: Any) -> Any:
        def refuse(*_: Any, **__: Any) -> None:
            abort(401)

        refuse.__name__ = view.__name__
        return refuse

    client = client_of(shown, guard=guard)
    for path in ("state", f"records/{RUN}/record.zip", f"records/{RUN}/report.html"):
        assert client.get(f"/broadcast/{path}").status_code == 401
    assert client.get("/metrics").status_code == 401

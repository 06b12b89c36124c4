"""Joins our half of the web page with Locust's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Response, jsonify, request

from loadtest.live import page
from loadtest.run.options import form

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping

    from locust.env import Environment

    from loadtest.run.master.live_view import LiveView
    from loadtest.run.master.preparation import Preparation


def extend(
    environment: Environment,
    view: LiveView,
    opts: argparse.Namespace,
    secret_options: Mapping[str, str],
    preparation: Preparation,
) -> None:
    """Add the Broadcast tab, and have the form checked before a run begins.

    :param secret_options: the values of `options.SECRETS`.
    :param preparation: ended by another start: the new run takes its place.
    """
    web_ui = environment.web_ui
    assert web_ui is not None
    assert web_ui.app is not None
    web_ui.template_args.update(page.template_args())
    page.extend(web_ui.app, view, web_ui.auth_required_if_enabled, opts.web_base_path or "")
    checked = form.Form(environment, opts, secret_options)

    @web_ui.app.before_request
    def check_form() -> Response | None:
        if request.endpoint != "locust.swarm":
            return None
        why_not = checked.take(request.form, request.form.getlist("user_classes"))
        if why_not is None and preparation.is_under_way and environment.runner is not None:
            environment.runner.stop()
        return jsonify({"success": False, "message": why_not, "host": environment.host}) if why_not else None

from __future__ import annotations

import argparse
from typing import Any

import pytest
from locust.argument_parser import get_empty_argument_parser, setup_parser_arguments

from faults import Fault
from run import options

NO_SECRETS = dict.fromkeys(options.SECRETS, "")


def parse(*arguments: str) -> argparse.Namespace:
    parser = get_empty_argument_parser()
    setup_parser_arguments(parser)
    options.add(parser)
    parsed: argparse.Namespace = parser.parse_args(list(arguments))
    return parsed


def test_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    found = parse("--host", "http://x")
    assert (found.rooms, found.rate, found.publishers, found.results_dir) == (10, 10.0, 4, "results")
    options.check(found, NO_SECRETS)


def test_every_option_has_a_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOCUST_ROOMS", "3")
    monkeypatch.setenv("LOCUST_JWT_SECRET", "secret")
    found = parse()
    assert (found.rooms, found.jwt_secret) == (3, "secret")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--rooms", "0"], "no number from 1"),
        (["--rooms", "many"], "no number from 1"),
        (["--rate", "-1"], "no number"),
        (["--source-addresses", "127.0.0.1,here"], "'here'"),
        (["--romos", "3"], "unrecognized arguments: --romos"),
    ],
)
def test_a_wrong_option_is_one_line_and_exit_2(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        parse(*arguments)
    assert ended.value.code == 2
    error = capsys.readouterr().err
    assert said in error
    assert "Traceback" not in error


@pytest.mark.parametrize(
    ("host", "secrets", "said"),
    [
        ("", {}, "no --host"),
        ("localhost:3000", {}, "is no URL"),
        ("http://x", {"database_url": "postgresql:///"}, "without --jwt-secret"),
        ("http://x", {"token": "a", "account": "b"}, "both given"),
    ],
)
def test_options_that_do_not_go_together(host: str, secrets: dict[str, Any], said: str) -> None:
    with pytest.raises(Fault, match=said):
        options.check(parse("--host", host), NO_SECRETS | secrets)


def test_a_missing_or_broken_slo_file(tmp_path: Any) -> None:
    with pytest.raises(Fault, match="cannot read"):
        options.objectives(str(tmp_path / "none.toml"))
    broken = tmp_path / "broken.toml"
    broken.write_text("[[slo")
    with pytest.raises(Fault, match="no TOML"):
        options.objectives(str(broken))


def test_secrets_are_kept_out_of_the_web_form() -> None:
    parser = get_empty_argument_parser()
    setup_parser_arguments(parser)
    options.add(parser)
    assert not set(options.SECRETS) & set(parser.args_included_in_web_ui)
    assert {"rooms", "rate"} <= set(parser.args_included_in_web_ui)

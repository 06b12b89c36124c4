from __future__ import annotations

import re
from typing import Any

import pytest
from locust.argument_parser import get_empty_argument_parser, setup_parser_arguments

from loadtest.errors import Fault
from loadtest.run.options import option_checks, options
from loadtest.run.options.option_types import weights_of

from .parsed import NO_SECRETS, parse


def test_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    found = parse("--host", "http://x")
    assert (found.rooms, found.rate, found.publishers, found.results_dir) == (10, 10.0, 4, "results")
    option_checks.check(found, NO_SECRETS)


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
        (["--dns-ttl", "-1"], "no number from 0"),
        (["--mix", "Viewer=none"], "no number from 1"),
        (["--think-time", "3:1"], "begins with more"),
        (["--transport", "telepathy"], "invalid choice"),
        (["--canaries", "node-4,node-4-polling"], "'node-4-polling': expected client[:transport][:parser]"),
        (["--canaries", "firefox:http"], "'firefox:http': expected a transport of websocket, polling, upgrade"),
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
        ("http://x", {"token": "a", "account": "a@b.c:d"}, "both given"),
        ("http://x", {"account": "a secret without a colon"}, "--account: line 1 is no account"),
    ],
)
def test_options_that_do_not_go_together(host: str, secrets: dict[str, Any], said: str) -> None:
    with pytest.raises(Fault, match=said):
        option_checks.check(parse("--host", host), NO_SECRETS | secrets)


def test_a_missing_or_broken_slo_file(tmp_path: Any) -> None:
    with pytest.raises(Fault, match="cannot read"):
        option_checks.objectives(str(tmp_path / "none.toml"))
    broken = tmp_path / "broken.toml"
    broken.write_text("[[slo")
    with pytest.raises(Fault, match="is not TOML"):
        option_checks.objectives(str(broken))


@pytest.mark.parametrize(("name", "phases"), [("guide", {""}), ("overload", {"", "overload"})])
def test_objectives_that_come_with_the_product_have_names(
    tmp_path: Any, name: str, phases: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert {one.phase for one in option_checks.objectives(name)} == phases
    assert option_checks.objectives(parse().slo_file) == option_checks.objectives("guide")


def test_secrets_are_kept_out_of_the_web_form() -> None:
    parser = get_empty_argument_parser()
    setup_parser_arguments(parser)
    options.add(parser)
    assert not set(options.SECRETS) & set(parser.args_included_in_web_ui)
    assert {"rooms", "rate"} <= set(parser.args_included_in_web_ui)


def test_a_mix() -> None:
    found = parse("--mix", "Viewer=20, Churner", "--think-time", "0.5:2")
    assert weights_of(found.mix) == {"Viewer": 20, "Churner": 1}
    assert found.think_time == (0.5, 2.0)
    assert parse("--think-time", "2").think_time == (2.0, 2.0)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--accounts-file", "/no/such/file"], "cannot read"),
        (["--jwt-key-file", "/no/such/file"], "no private key"),
        (["--rooms-per-viewer", "2"], "--rooms-per-owner 1|--rooms-per-owner is|and --rooms-per-owner 1"),
    ],
)
def test_files_and_rooms_that_do_not_fit(arguments: list[str], said: str) -> None:
    secrets = NO_SECRETS | ({"database_url": "postgresql:///"} if "--jwt-key-file" in arguments else {})
    with pytest.raises(Fault, match=said):
        option_checks.check(parse("--host", "http://x", *arguments), secrets)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            ["--canaries", "node-4,node-3:polling:msgpack"],
            r"--canaries node-3:polling: expected the run's parser, default, got msgpack.*--parser msgpack",
        ),
        (["--canaries", "all", "--token-in", "header"], "--canaries chromium: a page cannot send a header"),
    ],
)
def test_canaries_that_the_run_cannot_have(arguments: list[str], said: str) -> None:
    with pytest.raises(Fault) as refused:
        option_checks.check(parse("--host", "http://x", *arguments), NO_SECRETS)
    assert re.search(said, str(refused.value))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--expect", "documentd"], "expected documented, as-built, deployed or a file, got 'documentd': No such"),
        (["--expect", "documented", "--no-probe"], "--expect and --no-probe were both given"),
        (["--expect", "documented", "--backend", "examples.chat"], "cannot be asked what it can do"),
    ],
)
def test_expectations_that_nobody_can_check(arguments: list[str], said: str) -> None:
    with pytest.raises(Fault, match=said):
        option_checks.check(parse("--host", "http://x", *arguments), NO_SECRETS)


def test_expectations_of_a_file(tmp_path: Any) -> None:
    file = tmp_path / "mine.txt"
    file.write_text("ping\n")
    found = option_checks.expectation(parse("--host", "http://x", "--expect", str(file)))
    assert found is not None
    assert (found.source, found.capabilities) == (str(file), ("ping",))
    assert option_checks.expectation(parse("--host", "http://x")) is None


def test_a_secret_is_in_no_message(tmp_path: Any) -> None:
    file = tmp_path / "accounts"
    file.write_text("# ours\nsomebody@example.org:hunter2\nhunter3\n")
    with pytest.raises(Fault) as fault:
        option_checks.check(parse("--host", "http://x", "--accounts-file", str(file)), NO_SECRETS)
    assert "line 3" in str(fault.value)
    assert "hunter" not in str(fault.value)

from loadtest.measurement.checks import Checks
from loadtest.scenarios import capabilities as can
from loadtest.scenarios import conformance, findings
from loadtest.scenarios.capabilities import Answer, Capabilities
from loadtest.scenarios.findings import findings_of
from loadtest.scenarios.scenario import scenario

NONE = Capabilities({})
ALL = Capabilities({question: Answer(True, "yes") for question in can.QUESTIONS})


@scenario("it", "core", checks={"always": (), "by ping": (can.PING,)})
def IT(stage: object) -> None: ...  # noqa: N802


def outcomes(capabilities: Capabilities, checks: Checks) -> dict[str, tuple[str, str]]:
    rows = conformance.rows([IT], capabilities, checks.tallies)
    return {row["check"]: (row["outcome"], row["evidence"]) for row in rows}


def test_outcomes() -> None:
    checks = Checks()
    assert outcomes(ALL, checks)["always"][0] == "not checked"
    checks.count("it", "always", None, "there is one user")
    assert outcomes(ALL, checks)["always"] == ("skipped", "there is one user")
    checks.count("it", "always", True, "good")
    checks.count("it", "by ping", True, "pong")
    assert outcomes(ALL, checks) == {"always": ("passed", "good"), "by ping": ("passed", "pong")}
    assert conformance.holds(conformance.rows([IT], ALL, checks.tallies))
    checks.count("it", "by ping", False, "silence")
    assert outcomes(ALL, checks)["by ping"] == ("failed", "silence")
    assert not conformance.holds(conformance.rows([IT], ALL, checks.tallies))
    silent = Capabilities({can.PING: Answer(False, "no pong")})
    assert outcomes(silent, checks)["by ping"] == ("not supported", "ping: no pong")
    assert outcomes(NONE, checks)["by ping"] == ("skipped", "ping: not asked"), "nothing is known of the backend"


def test_what_was_never_tried_does_not_hold() -> None:
    assert not conformance.holds(conformance.rows([IT], ALL, {}))


def test_what_scenarios_saw_is_found_too_the_worst_first() -> None:
    found = findings_of(NONE, {findings.OUTLIVES: "joined after", findings.FLOOD: "200 of 200"})
    assert [(one.severity.name, one.evidence) for one in found] == [
        ("MEDIUM", "200 of 200"),
        ("LOW", "joined after"),
    ]


def test_findings_are_only_of_what_is_known() -> None:
    assert findings_of(NONE, {}) == []
    assert findings_of(ALL, {}) == []
    open_doors = Capabilities({can.OWN_ROOMS: Answer(False, "joined"), can.THROTTLE: Answer(False, "none")})
    found = findings_of(open_doors, {})
    assert [one.severity.name for one in found] == ["CRITICAL", "LOW"]
    assert found[0].evidence == "joined"


def test_capabilities_are_messages() -> None:
    assert Capabilities.from_message(ALL.to_message()).answers == ALL.answers

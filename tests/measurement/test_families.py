"""What Prometheus reads of a run, as text."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, generate_latest

from loadtest.measurement import families


def text_of(*found: object) -> str:
    class Once:
        def collect(self) -> object:
            return iter(found)

    registry = CollectorRegistry(auto_describe=False)
    registry.register(Once())  # type: ignore[arg-type]
    return generate_latest(registry).decode()


def test_one_value() -> None:
    assert text_of(families.gauge("rooms", "Rooms that were made.", 7)) == (
        "# HELP loadtest_rooms Rooms that were made.\n# TYPE loadtest_rooms gauge\nloadtest_rooms 7.0\n"
    )


def test_several_by_a_label() -> None:
    assert text_of(families.by("members", "Now.", "instance", {"a": 1, "b": 2.5})) == (
        "# HELP loadtest_members Now.\n# TYPE loadtest_members gauge\n"
        'loadtest_members{instance="a"} 1.0\nloadtest_members{instance="b"} 2.5\n'
    )


def test_a_verdict_is_one_of_three() -> None:
    assert text_of(families.verdict("suspect")).splitlines()[2:] == [
        'loadtest_validity{verdict="valid"} 0.0',
        'loadtest_validity{verdict="suspect"} 1.0',
        'loadtest_validity{verdict="invalid"} 0.0',
    ]


def test_objectives_have_no_line_where_they_have_no_value() -> None:
    row = {"name": "n", "figure": "f", "phase": "", "passed": True, "value": 4.5}
    unknown = row | {"name": "u", "passed": None, "value": None}
    broken = row | {"name": "b", "phase": "spike", "passed": False, "value": 0.0}
    assert text_of(*families.objectives([row, unknown, broken])) == (
        "# HELP loadtest_objective_passed 1 if it passed, 0 if it failed.\n"
        "# TYPE loadtest_objective_passed gauge\n"
        'loadtest_objective_passed{figure="f",name="n",phase=""} 1.0\n'
        'loadtest_objective_passed{figure="f",name="b",phase="spike"} 0.0\n'
        "# HELP loadtest_objective_value In the figure's own unit.\n# TYPE loadtest_objective_value gauge\n"
        'loadtest_objective_value{figure="f",name="n",phase=""} 4.5\n'
        'loadtest_objective_value{figure="f",name="b",phase="spike"} 0.0\n'
    )

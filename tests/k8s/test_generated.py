"""What is written from values.yaml and the options: up to date, and whole."""

from __future__ import annotations

import json

import pytest
import yaml

from k8s import generate, load_options, values
from loadtest.run.options import options


def found() -> list[values.Value]:
    return list(values.read((generate.CHART / "values.yaml").read_text(encoding="utf-8")))


@pytest.mark.parametrize("path", generate.written(), ids=lambda path: path.name)
def test_the_files_are_what_make_chart_writes(path: generate.Path) -> None:
    assert path.read_text(encoding="utf-8") == generate.written()[path]


def test_every_value_is_explained() -> None:
    assert [value.path for value in found() if not value.section and not value.text] == []


def test_every_value_is_found() -> None:
    """Those that the reader of comments finds are those that YAML has."""
    document = yaml.safe_load((generate.CHART / "values.yaml").read_text(encoding="utf-8"))
    sections = {value.path for value in found() if value.section}

    def leaves(node: dict[str, object], path: tuple[str, ...] = ()) -> set[tuple[str, ...]]:
        paths = set()
        for key, value in node.items():
            here = (*path, key)
            paths |= leaves(value, here) if isinstance(value, dict) and here in sections else {here}
        return paths

    assert {value.path for value in found() if not value.section} == leaves(document)


def test_nothing_unknown_is_taken_anywhere() -> None:
    schema = json.loads((generate.CHART / "values.schema.json").read_text(encoding="utf-8"))

    def sections(node: object) -> list[dict[str, object]]:
        if not isinstance(node, dict):
            return []
        own = [node] if "properties" in node else []
        return own + [each for value in node.values() for each in sections(value)]

    assert len(sections(schema)) > 20
    assert all(section["additionalProperties"] is False for section in sections(schema))


def test_every_option_has_its_place() -> None:
    """In `options`, or, where it is a secret or the chart's own, among the other values."""
    offered = set(load_options.schema()["properties"])
    ours = {name.replace("_", "-") for name in options.names()}
    secret = {name.replace("_", "-") for name in options.SECRETS}
    assert ours - offered == secret | load_options._OF_THE_CHART
    assert not offered & secret


def test_a_heading_is_one_only_of_values_with_comments() -> None:
    text = "# All.\na:\n  # One.\n  b: 1\nc:\n  d: 2\n# Three.\ne: {f: 3}\n"
    read = list(values.read(text))
    assert [(value.path, value.text, value.section) for value in read] == [
        (("a",), "All.", True),
        (("a", "b"), "One.", False),
        (("c",), "", False),
        (("e",), "Three.", False),
    ]

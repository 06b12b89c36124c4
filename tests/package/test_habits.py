"""What helps strangers: workflows that call what there is, a changelog that knows this version."""

from __future__ import annotations

import re

import pytest
import yaml

from loadtest import __version__

from ..rooms import tracked
from ..support import ROOT

WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
TARGETS = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_workflows_call_what_there_is(path: object) -> None:
    text = path.read_text(encoding="utf-8")  # type: ignore[attr-defined]
    jobs = yaml.safe_load(text)["jobs"]
    commands = "\n".join(step.get("run", "") for job in jobs.values() for step in job["steps"])
    assert set(re.findall(r"\bmake ([a-z]+)", commands)) <= TARGETS
    named = re.findall(r"(?<![\w/])(?:tests|k8s|loadtest|\.ci)/[\w./-]+", commands)
    assert [one for one in named if not (ROOT / one).exists()] == []


def test_the_workflows_do_lint_tests_wheel_image_chart_and_pages() -> None:
    jobs = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8"))["jobs"]
    assert {"lint", "quick", "tests", "wheel", "image", "chart", "docs"} <= jobs.keys()
    assert jobs["quick"]["strategy"]["matrix"]["python"] == ["3.11", "3.12", "3.13"]


def test_the_changelog_has_this_version_and_what_comes() -> None:
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    headings = re.findall(r"^## \[(.*?)\]", text, re.MULTILINE)
    assert headings[0] == "Unreleased"
    assert headings[1] == __version__
    assert re.findall(r"^\[(.*?)\]: ", text, re.MULTILINE) == headings


def test_each_page_is_in_one_group_of_the_site() -> None:
    nav = re.findall(r"^ +- (\S+\.md)$", (ROOT / "mkdocs.yml").read_text(encoding="utf-8"), re.MULTILINE)
    elsewhere = {"changelog.md", "contributing.md", "index.md", "kubernetes.md", "reporting-vulnerabilities.md"}
    pages = {path.removeprefix("docs/") for path in tracked("docs/*.md")}
    assert sorted(nav) == sorted(pages | elsewhere)

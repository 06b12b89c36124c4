"""What the chart renders: right for Helm, for Kubernetes' schemas and for what they let pass."""

from __future__ import annotations

import copy
import os
import re
from typing import TYPE_CHECKING, Any

import helm_python
import kubernetes_validate
import pytest

from ..support import ROOT
from .renders import CASES, CHART, objects, one, pod_of, templates, text_of
from .semantics import problems

if TYPE_CHECKING:
    from collections.abc import Callable

GOLDEN = ROOT / "tests" / "k8s" / "golden"
OLDEST, NEWEST = 29, 37
VERSIONS = [
    pytest.param(f"1.{minor}", marks=() if minor in (OLDEST, NEWEST) else pytest.mark.slow)
    for minor in range(OLDEST, NEWEST + 1)
]
CUSTOM = {"HTTPRoute", "ScaledObject", "ServiceMonitor"}
"""Whose schemas are not Kubernetes' own."""


@pytest.mark.parametrize("version", VERSIONS)
def test_lint_finds_nothing(version: str) -> None:
    for values in CASES.values():
        report = helm_python.lint(CHART, values, strict=True, kube_version=f"v{version}.0")
        # Of the chart's icon.
        assert [each for each in report["messages"] if each["severity"] > 1] == []


def test_older_clusters_are_refused() -> None:
    """1.29 is the first that starts sidecars, which the upload is, without being asked to."""
    with helm_python.Chart.load(CHART) as chart:
        assert chart.metadata["kubeVersion"] == ">=1.29.0-0"


@pytest.mark.parametrize("case", CASES)
def test_the_render_is_the_golden_one(case: str) -> None:
    """`UPDATE_GOLDEN=1 pytest tests/k8s/test_render.py` writes them anew: read the difference first."""
    file = GOLDEN / f"{case}.yaml"
    rendered = text_of(CASES[case])
    if os.environ.get("UPDATE_GOLDEN"):
        file.write_text(rendered, encoding="utf-8")
    assert rendered == file.read_text(encoding="utf-8")


def test_there_is_no_other_golden_render() -> None:
    assert {file.stem for file in GOLDEN.glob("*.yaml")} == set(CASES)


def test_the_cases_reach_every_template() -> None:
    reached = {name for values in CASES.values() for name, text in templates(values).items() if text.strip()}
    there = {str(path.relative_to(CHART / "templates")) for path in (CHART / "templates").rglob("*.*")}
    assert {name for name in there if "_" not in name[0] and name != "checks.yaml"} - reached == set()


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("case", CASES)
def test_kubernetes_takes_it(case: str, version: str) -> None:
    for thing in objects(CASES[case]):
        if thing["kind"] not in CUSTOM:
            kubernetes_validate.validate(thing, version, strict=True)


def test_kubernetes_would_not_take_a_typo() -> None:
    job = one(objects(CASES["job"]), "Job", "master")
    job["spec"]["activeDeadlineSecond"] = 1
    with pytest.raises(kubernetes_validate.ValidationError, match="activeDeadlineSecond"):
        kubernetes_validate.validate(job, "1.34", strict=True)


@pytest.mark.parametrize("case", CASES)
def test_names_lead_where_they_should(case: str) -> None:
    assert problems(_own(objects(CASES[case]))) == []


def test_long_names_still_fit() -> None:
    long = "a" * 53
    for case in ("job", "cron", "ui"):
        assert problems(objects(CASES[case] | {"fullnameOverride": long, "runName": "r" * 12})) == []


def _own(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [each for each in found if "labels" in each["metadata"]]


def _service(found: list[dict[str, Any]]) -> dict[str, Any]:
    return one(found, "Service", "master")["spec"]


def _master(found: list[dict[str, Any]]) -> dict[str, Any]:
    pod = pod_of(one(found, "Job", "master"))
    assert pod is not None
    return pod["spec"]


def _container(found: list[dict[str, Any]]) -> dict[str, Any]:
    return _master(found)["containers"][0]


def _policy(found: list[dict[str, Any]], role: str) -> dict[str, Any]:
    return one(found, "NetworkPolicy", role)["spec"]


FAULTS: dict[str, tuple[str, Callable[[list[dict[str, Any]]], Any]]] = {
    "selector": ("selects no pod", lambda o: _service(o)["selector"].update(x="y")),
    "port": ("which its pod has not", lambda o: _service(o)["ports"][0].update(targetPort="worker")),
    "twice": ("is there twice", lambda o: o.append(copy.deepcopy(o[0]))),
    "long name": ("has a name of more than", lambda o: o[1]["metadata"].update(name="n" * 60)),
    "volume": ("which is no volume", lambda o: _master(o)["volumes"].pop(0)),
    "unused volume": ("nothing mounts", lambda o: _master(o)["volumes"].append({"name": "x", "emptyDir": {}})),
    "volume twice": ("a volume twice", lambda o: _master(o)["volumes"].append({"name": "tmp", "emptyDir": {}})),
    "memory": (
        "asks for more memory",
        lambda o: _container(o)["resources"]["requests"].update(memory="3Gi"),
    ),
    "no limit": ("says not what it needs", lambda o: _container(o).pop("resources")),
    "restart": ("has restartPolicy Always", lambda o: _master(o).update(restartPolicy="Always")),
    "no end": ("may go on for ever", lambda o: one(o, "Job", "workers")["spec"].pop("activeDeadlineSeconds")),
    "root": ("may run as root", lambda o: _master(o)["securityContext"].pop("runAsNonRoot")),
    "seccomp": ("no seccomp profile", lambda o: _master(o)["securityContext"].pop("seccompProfile")),
    "token": ("has a token", lambda o: _master(o).pop("automountServiceAccountToken")),
    "writable": ("is not restricted", lambda o: _container(o)["securityContext"].pop("readOnlyRootFilesystem")),
    "environment": (
        "a secret in its environment",
        lambda o: _container(o).update(env=[{"name": "A", "valueFrom": {}}]),
    ),
    "account": ("names ServiceAccount other", lambda o: _master(o).update(serviceAccountName="other")),
    "claim": (
        "names PersistentVolumeClaim",
        lambda o: o.remove(one(o, "PersistentVolumeClaim", "results")),
    ),
    "no service": ("names Service demo", lambda o: o.remove(one(o, "Service", "master"))),
    "shut": ("may not be reached by its workers", lambda o: _policy(o, "master").update(ingress=[])),
    "kept in": ("may not reach their master", lambda o: _policy(o, "workers").update(egress=[])),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_each_of_these_checks_can_fail(fault: str) -> None:
    said, spoil = FAULTS[fault]
    found = objects(CASES["job"])
    spoil(found)
    assert any(said in problem for problem in problems(found)), problems(found)


def test_secrets_go_to_those_that_need_them_as_files() -> None:
    """The backend's to the master and to the short load of `helm test`, the store's to the sidecar alone."""
    having = {}
    for thing in objects(CASES["everything"]):
        if (pod := pod_of(thing)) is None:
            continue
        component = thing["metadata"]["name"].rpartition("-")[2]
        for each in [*pod["spec"].get("initContainers", []), *pod["spec"]["containers"]]:
            files = {
                mount["name"] for mount in each.get("volumeMounts", []) if mount["name"].startswith("secret-")
            }
            having[component, each["name"]] = (files, bool(each.get("envFrom")))
    three = {"secret-accounts", "secret-database-url", "secret-jwt-key"}
    assert {key: value for key, value in having.items() if value != (set(), False)} == {
        ("master", "master"): (three, False),
        ("master", "upload"): (set(), True),
        ("load", "test"): (three, False),
    }
    assert ("workers", "worker") in having


@pytest.mark.parametrize("case", CASES)
def test_numbers_are_written_as_people_write_them(case: str) -> None:
    """Helm has floats, and writes a million as 1e+06, which Locust and Kubernetes take for something else."""
    assert not re.search(r"\de\+\d", text_of(CASES[case]))


def test_a_release_s_next_run_shares_no_name_with_the_one_before_but_what_is_to_stay() -> None:
    """A Job cannot be changed, so `helm upgrade` has to make another one; the results stay where they are."""

    def names(revision: int) -> set[tuple[str, str]]:
        return {(thing["kind"], thing["metadata"]["name"]) for thing in objects(CASES["job"], revision)}

    stays = {kind for kind, _ in names(1) & names(2)}
    assert stays == {"PersistentVolumeClaim", "ServiceAccount", "Pod", "NetworkPolicy"}
    assert ("Job", "demo-prometheus-loadtest-2-master") in names(2)


@pytest.mark.parametrize(
    ("run_time", "deadline_s"), [(90, 1290), ("90", 1290), ("3m", 1380), ("1h30m", 6600), ("2h5s", 8405)]
)
def test_the_deadline_follows_the_run_time(run_time: object, deadline_s: int) -> None:
    values = {**CASES["job"], "options": {"run-time": run_time}}
    assert one(objects(values), "Job", "master")["spec"]["activeDeadlineSeconds"] == deadline_s

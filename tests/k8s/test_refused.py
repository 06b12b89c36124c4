"""What the chart refuses, and what it says then: before anything is made in a cluster."""

from __future__ import annotations

from typing import Any

import helm_python
import pytest

from .renders import CHART, templates

HOST = {"host": "https://staging.example.org"}
SECRET = {"name": "staging", "key": "it"}
UI = {"mode": "ui", **HOST}

TOGETHER: dict[str, tuple[dict[str, Any], str]] = {
    "two hosts": (
        {**HOST, "referenceBackend": {"enabled": True}},
        "host and referenceBackend.enabled are both given",
    ),
    "no host": ({}, "host is empty: a job needs the backend's address"),
    "no end": ({**HOST, "options": {"run-time": None}}, "options.run-time is missing: a job has to end"),
    "no duration": ({**HOST, "options": {"run-time": "3 minutes"}}, '"3 minutes", which is no duration'),
    "endless shape": (
        {**HOST, "options": {"run-time": None, "shape": "capacity"}},
        "deadlineSeconds is missing: with options.shape",
    ),
    "cut off": ({**HOST, "deadlineSeconds": 480}, "deadlineSeconds is 480: the run would be cut off"),
    "autoscaling in a job": (
        {**HOST, "autoscaling": {"kind": "hpa"}},
        'autoscaling.kind is "hpa" in mode job: workers that come and go make a run invalid',
    ),
    "ingress in cron": (
        {**HOST, "mode": "cron", "ingress": {"enabled": True, "host": "a"}},
        "ingress.enabled in mode cron: there is no web page",
    ),
    "route in a job": (
        {**HOST, "httpRoute": {"enabled": True}},
        "httpRoute.enabled in mode job: there is no web page",
    ),
    "killed while it counts": (
        {**HOST, "options": {"stop-timeout": "2m"}, "master": {"terminationGracePeriodSeconds": 209}},
        r"master.terminationGracePeriodSeconds is 209: after SIGTERM a run takes options.stop-timeout (120) + 90",
    ),
    "killed workers": (
        {**HOST, "workers": {"terminationGracePeriodSeconds": 44}},
        "workers.terminationGracePeriodSeconds is 44",
    ),
    "two locustfiles": (
        {**HOST, "locustfile": {"path": "/mnt/locust/a.py", "files": {"a.py": ""}, "configMap": "b"}},
        "locustfile.files and locustfile.configMap are both given",
    ),
    "files that nothing reads": (
        {**HOST, "locustfile": {"files": {"a.py": ""}}},
        "locustfile.files is given, and locustfile.path is /app/locustfile.py",
    ),
    "a file from nowhere": (
        {**HOST, "locustfile": {"path": "/mnt/locust/a.py"}},
        "locustfile.path is /mnt/locust/a.py, and nothing puts files there",
    ),
    "another file": (
        {**HOST, "locustfile": {"path": "/mnt/locust/a.py", "files": {"b.py": "", "c.py": ""}}},
        "names a.py, which is not among locustfile.files (b.py, c.py)",
    ),
    "too large": (
        {
            **HOST,
            "locustfile": {"path": "/mnt/locust/a.py", "files": {"a.py": "x" * 500_000, "b.py": "y" * 500_001}},
        },
        "locustfile.files have 1000001 bytes; a ConfigMap holds 1,000,000 of them",
    ),
    "an init container without a command": (
        {**HOST, "locustfile": {"path": "/mnt/locust/a.py", "initContainer": {"image": "git"}}},
        "locustfile.initContainer needs image and command",
    ),
    "database alone": (
        {**HOST, "secrets": {"databaseUrl": SECRET}},
        "secrets.databaseUrl is given without secrets.jwtSecret or secrets.jwtKey",
    ),
    "two logins": (
        {**HOST, "secrets": {"token": SECRET, "account": SECRET}},
        "secrets.token and secrets.account are given: give one of them",
    ),
    "a key alone": ({**HOST, "tls": {"clientKey": SECRET}}, "tls.clientKey is given without tls.clientCert"),
    "credentials for nothing": (
        {**HOST, "results": {"upload": {"secret": "bucket"}}},
        "results.upload.secret is given without results.upload.to",
    ),
    "a history that is lost": (
        {**HOST, "mode": "cron", "results": {"persistence": {"enabled": False}}},
        "cron.history without results.persistence.enabled: each firing would find no history",
    ),
    "an ingress for all": ({**UI, "ingress": {"enabled": True}}, "ingress.enabled without ingress.host"),
    "a route from nowhere": (
        {**UI, "httpRoute": {"enabled": True}},
        "httpRoute.enabled without httpRoute.parentRefs",
    ),
    "keda without triggers": (
        {**UI, "autoscaling": {"kind": "keda"}},
        "kind is keda without autoscaling.triggers",
    ),
    "upside down": (
        {**UI, "autoscaling": {"kind": "hpa", "minReplicas": 20}},
        "autoscaling.minReplicas is 20, more than maxReplicas, 10",
    ),
    "nothing to monitor": (
        {**HOST, "metrics": {"port": 0, "serviceMonitor": {"enabled": True}}},
        "metrics.serviceMonitor.enabled with metrics.port 0",
    ),
    "idle workers": ({**HOST, "options": {"users": 1}}, "options.users is 1 for 2 workers: some would have none"),
}
"""Values that are right each by itself, and what is said of them together."""

ALONE: dict[str, tuple[dict[str, Any], str]] = {
    "a typo": ({"worker": {}}, "worker"),
    "a typo below": ({"workers": {"replica": 2}}, "replica"),
    "a mode that is none": ({"mode": "once"}, "mode"),
    "an option that is none": ({"options": {"userz": 5}}, "userz"),
    "an option of the chart's": ({"options": {"results-dir": "/tmp"}}, "results-dir"),
    "a secret in the open": ({"options": {"jwt-secret": "x"}}, "jwt-secret"),
    "a choice that is none": ({"options": {"transport": "carrier-pigeon"}}, "transport"),
    "text for a number": ({"workers": {"replicas": "2"}}, "replicas"),
    "no workers": ({"workers": {"replicas": 0}}, "replicas"),
    "a host without a scheme": ({"host": "staging.example.org"}, "host"),
    "half a reference": ({"secrets": {"token": {"name": "a"}}}, "token"),
    "an unsafe sysctl": ({"sysctls": [{"name": "net.core.somaxconn", "value": "1"}]}, "sysctls"),
    "a bucket of nobody": ({"results": {"upload": {"to": "ftp://a"}}}, "to"),
    "resources with a typo": ({"master": {"resources": {"limit": {}}}}, "limit"),
    "a toleration with a typo": ({"workers": {"tolerations": [{"kei": "a"}]}}, "kei"),
    "root": ({"podSecurityContext": {"runAsUser": 0}}, "runAsUser"),
    "a run's name": ({"runName": "Friday"}, "runName"),
    "a tag that is no list": ({"options": {"tags": "core"}}, "tags"),
}


@pytest.mark.parametrize("case", TOGETHER)
def test_what_does_not_go_together_is_refused_in_one_line(case: str) -> None:
    values, said = TOGETHER[case]
    with pytest.raises(helm_python.HelmRenderError) as caught:
        templates(values)
    line = str(caught.value).splitlines()[0]
    assert said in line, line


def test_each_refusal_is_tested() -> None:
    """By their number: each `fail` of the chart has a case of its own, and two of them serve for two."""
    checks = (CHART / "templates" / "_checks.tpl").read_text(encoding="utf-8")
    in_loops = 2
    assert checks.count("{{- fail ") + in_loops == len(TOGETHER)


@pytest.mark.parametrize("case", ALONE)
def test_what_the_chart_does_not_know_is_refused_by_name(case: str) -> None:
    values, name = ALONE[case]
    with pytest.raises(helm_python.HelmError) as caught:
        templates({**HOST, **values})
    assert name in str(caught.value)


def test_values_of_a_parent_chart_are_taken() -> None:
    assert templates({**HOST, "global": {"storageClass": "fast"}})

"""What the chart makes of some values, by Helm's own engine."""

from __future__ import annotations

from typing import Any, Final

import yaml
from helm_python import Chart

from ..support import ROOT

CHART: Final = ROOT / "k8s" / "chart"
RELEASE: Final = "demo"
NAMESPACE: Final = "load"
_HOST: Final = "https://staging.example.org"
MINE: Final = """from loadtest import install
from loadtest.users import Publisher
from loadtest.users import Viewer
install()
"""
_SECRET: Final = {"name": "staging", "key": "it"}
_SPREAD: Final = {
    "maxSkew": 1,
    "topologyKey": "topology.kubernetes.io/zone",
    "whenUnsatisfiable": "DoNotSchedule",
    "labelSelector": {"matchLabels": {"team": "load"}},
}
_ROLE: Final = {
    "extraEnv": [{"name": "TZ", "value": "UTC"}],
    "podLabels": {"team": "load"},
    "podAnnotations": {"example.org/note": "it"},
    "nodeSelector": {"kubernetes.io/arch": "amd64"},
    "affinity": {"nodeAffinity": {}},
    "tolerations": [{"key": "load", "operator": "Exists", "effect": "NoSchedule"}],
    "priorityClassName": "load",
    "topologySpreadConstraints": [_SPREAD],
    "podOverrides": {"dnsPolicy": "ClusterFirst", "hostAliases": [{"ip": "10.0.0.1", "hostnames": ["staging"]}]},
}
_EVERYTHING: Final[dict[str, Any]] = {
    "fullnameOverride": "everything",
    "runName": "friday",
    "commonLabels": {"cost": "load"},
    "commonAnnotations": {"example.org/owner": "us"},
    "image": {
        "repository": "registry.example.org/loadtest",
        "digest": "sha256:" + "0" * 64,
        "pullSecrets": ["pull"],
    },
    "host": "http://a.example.org:3001, http://b.example.org:3002",
    "options": {
        "users": 1_000_000,
        "run-time": "1h30m",
        "rate": 2.5,
        "insecure": True,
        "no-probe": False,
        "tags": ["core", "security"],
        "source-addresses": "all",
        "stop-timeout": 20,
    },
    "objectives": '[[slo]]\nname = "p99"\nfigure = "latency_p99_ms"\nbelow = 250\n',
    "secrets": dict.fromkeys(("jwtKey", "databaseUrl", "accounts"), _SECRET),
    "tls": dict.fromkeys(("ca", "clientCert", "clientKey"), _SECRET),
    "locustfile": {"path": "/mnt/locust/mine.py", "files": {"mine.py": MINE}},
    "ttlSecondsAfterFinished": 2_592_000,
    "results": {
        "persistence": {"storageClass": "fast", "annotations": {"example.org/backup": "no"}},
        "upload": {"to": "s3://bucket/runs", "secret": "bucket", "env": {"AWS_REGION": "eu-central-1"}},
    },
    "master": {**_ROLE, "extraArgs": ["--only-summary"]},
    "workers": {**_ROLE, "replicas": 1000, "extraArgs": ["--loglevel=WARNING"]},
    "networkPolicy": {
        "targetTo": [{"ipBlock": {"cidr": "10.0.0.0/8"}}],
        "targetPorts": [3000],
        "metricsFrom": [{"namespaceSelector": {}}],
        "extraEgress": [{"ports": [{"port": 4317}]}],
    },
    "metrics": {"serviceMonitor": {"enabled": True, "labels": {"release": "prometheus"}}},
    "extraObjects": [
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "one", "namespace": NAMESPACE}},
        "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {{ .Release.Name }}-two\n  namespace: load\n",
    ],
}
_UI: Final = {"mode": "ui", "host": _HOST}

CASES: Final[dict[str, dict[str, Any]]] = {
    "job": {"host": _HOST},
    "everything": _EVERYTHING,
    "cron": {"mode": "cron", "host": _HOST, "cron": {"timeZone": "Europe/Berlin"}},
    "ui": _UI,
    "ui-without-host": {"mode": "ui"},
    "hpa": {
        **_UI,
        "autoscaling": {"kind": "hpa", "maxReplicas": 20},
        "ingress": {"enabled": True, "host": "load.example.org", "className": "nginx", "tlsSecret": "tls"},
        "networkPolicy": {"webFrom": [{"namespaceSelector": {}}]},
    },
    "keda": {
        **_UI,
        "autoscaling": {
            "kind": "keda",
            "scaleDown": True,
            "triggers": [{"type": "cpu", "metadata": {"value": "70"}}],
        },
        "httpRoute": {"enabled": True, "parentRefs": [{"name": "public"}], "hostnames": ["load.example.org"]},
    },
    "reference-backend": {"referenceBackend": {"enabled": True, "faults": "drop=0.02"}},
    "init-container": {
        "host": _HOST,
        "locustfile": {
            "path": "/mnt/locust/repo/mine.py",
            "initContainer": {"image": "registry.example.org/git:1", "command": ["git", "clone"], "args": ["it"]},
        },
        "results": {"upload": {"to": "https://files.example.org/runs"}},
    },
    "bare": {
        "host": _HOST,
        "options": {"run-time": None, "shape": "capacity"},
        "deadlineSeconds": 7200,
        "locustfile": {"path": "/mnt/locust/mine.py", "configMap": "mine"},
        "results": {"persistence": {"enabled": False}},
        "serviceAccount": {"create": False},
        "networkPolicy": {"enabled": False},
        "metrics": {"port": 0},
        "master": {"podDisruptionBudget": False},
        "workers": {"podDisruptionBudget": False},
        "sysctls": [],
        "helmTests": {"enabled": False},
    },
    "existing-claim": {"host": _HOST, "results": {"persistence": {"existingClaim": "mine"}}},
}
"""Values that together reach every line of every template."""


def templates(values: dict[str, Any], revision: int = 1) -> dict[str, str]:
    """Template -> what it came to, as `helm template` has it: the values checked by their schema, too.

    :raises helm_python.HelmError: if the values are refused.
    """
    with Chart.load(CHART) as chart:
        chart.validate_schema(chart.merge_values(values))
        rendered = chart.render(values, name=RELEASE, namespace=NAMESPACE, revision=revision)
    return {name.split("/templates/")[1]: text for name, text in rendered.items()}


def text_of(values: dict[str, Any], revision: int = 1) -> str:
    """All objects as one stream, in the order of their templates."""
    found = templates(values, revision)
    parts = [f"# {name}\n{found[name].strip()}\n" for name in sorted(found) if name != "NOTES.txt"]
    return "---\n".join(part for part in parts if part.count("\n") > 2)


def objects(values: dict[str, Any], revision: int = 1) -> list[dict[str, Any]]:
    """All objects."""
    return [found for found in yaml.safe_load_all(text_of(values, revision)) if found]


def one(found: list[dict[str, Any]], kind: str, component: str) -> dict[str, Any]:
    """The only object of a kind and a component."""
    (it,) = [
        each
        for each in found
        if each["kind"] == kind and each["metadata"]["labels"]["app.kubernetes.io/component"] == component
    ]
    return it


def pod_of(thing: dict[str, Any]) -> dict[str, Any] | None:
    """The pod that an object is, or makes: with metadata and spec."""
    match thing["kind"]:
        case "Pod":
            return thing
        case "Job" | "Deployment":
            found: dict[str, Any] = thing["spec"]["template"]
            return found
        case "CronJob":
            return pod_of({"kind": "Job", "spec": thing["spec"]["jobTemplate"]["spec"]})
    return None

"""What values of the chart may be, where their defaults do not tell: by path, or by key wherever it stands."""

from __future__ import annotations

from typing import Any, Final


def _ref(name: str) -> dict[str, Any]:
    return {"$ref": f"#/definitions/{name}"}


def _of(*names: str) -> dict[str, Any]:
    return {"enum": list(names)}


def _object(required: tuple[str, ...] = (), /, **properties: dict[str, Any]) -> dict[str, Any]:
    kind: dict[str, Any] = {"type": "object", "additionalProperties": False, "properties": properties}
    return kind | ({"required": list(required)} if required else {})


def _list(items: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": items}


_TEXT: Final = {"type": "string"}
_WORDS: Final = {"type": "object", "additionalProperties": _TEXT}
_ANY: Final = {"type": "object"}
_COUNT: Final = {"type": "integer", "minimum": 1}
_SECURITY: Final = {name: {"type": "boolean"} for name in ("runAsNonRoot",)} | {
    "runAsUser": {"type": "integer", "minimum": 1},
    "runAsGroup": {"type": "integer", "minimum": 0},
    "seccompProfile": _object(
        ("type",), type=_of("RuntimeDefault", "Localhost", "Unconfined"), localhostProfile=_TEXT
    ),
    "seLinuxOptions": _ANY,
    "appArmorProfile": _ANY,
}
_SAFE_SYSCTLS: Final = (
    "net.ipv4.ip_local_port_range",
    "net.ipv4.ip_local_reserved_ports",
    "net.ipv4.tcp_fin_timeout",
    "net.ipv4.tcp_keepalive_intvl",
    "net.ipv4.tcp_keepalive_probes",
    "net.ipv4.tcp_keepalive_time",
    "net.ipv4.tcp_rmem",
    "net.ipv4.tcp_syncookies",
    "net.ipv4.tcp_wmem",
)
"""Those that a cluster takes without being asked to (Kubernetes, "Using sysctls")."""

DEFINITIONS: Final[dict[str, Any]] = {
    "reference": {
        "anyOf": [
            {"type": "object", "maxProperties": 0},
            _object(("name", "key"), name=_TEXT | {"minLength": 1}, key=_TEXT | {"minLength": 1}),
        ]
    },
    "resources": _object(
        requests={"type": "object", "additionalProperties": {"type": ["string", "number"]}},
        limits={"type": "object", "additionalProperties": {"type": ["string", "number"]}},
        claims=_list(_ANY),
    ),
    "env": _list(_object(("name",), name=_TEXT, value=_TEXT, valueFrom=_ANY)),
    "affinity": _object(nodeAffinity=_ANY, podAffinity=_ANY, podAntiAffinity=_ANY),
    "tolerations": _list(
        _object(
            key=_TEXT,
            operator=_of("Exists", "Equal", "Lt", "Gt"),
            value=_TEXT,
            effect=_of("NoSchedule", "PreferNoSchedule", "NoExecute"),
            tolerationSeconds={"type": "integer"},
        )
    ),
    "topologySpreadConstraints": _list(
        _object(
            ("maxSkew", "topologyKey", "whenUnsatisfiable"),
            maxSkew=_COUNT,
            topologyKey=_TEXT,
            whenUnsatisfiable=_of("DoNotSchedule", "ScheduleAnyway"),
            labelSelector=_ANY,
            minDomains=_COUNT,
            nodeAffinityPolicy=_of("Honor", "Ignore"),
            nodeTaintsPolicy=_of("Honor", "Ignore"),
            matchLabelKeys=_list(_TEXT),
        )
    ),
    "peers": _list(_object(podSelector=_ANY, namespaceSelector=_ANY, ipBlock=_ANY)),
}

KINDS: Final[dict[str, dict[str, Any]]] = {
    "mode": _of("job", "cron", "ui"),
    "runName": _TEXT | {"pattern": "^([a-z0-9]([-a-z0-9]{0,10}[a-z0-9])?)?$"},
    "commonLabels": _WORDS,
    "commonAnnotations": _WORDS,
    "annotations": _WORDS,
    "podLabels": _WORDS,
    "podAnnotations": _WORDS,
    "nodeSelector": _WORDS,
    "labels": _WORDS,
    "pullPolicy": _of("Always", "IfNotPresent", "Never"),
    "pullSecrets": _list(_TEXT),
    "digest": _TEXT | {"pattern": "^(sha256:[0-9a-f]{64})?$"},
    "host": _TEXT | {"pattern": r"^(https?://[^\s,]+(, *https?://[^\s,]+)*)?$"},
    "ingress.host": _TEXT,
    "ingress.path": _TEXT | {"pattern": "^/"},
    "options": {},
    **{
        name: _ref("reference")
        for name in (
            *("secrets.jwtSecret", "secrets.jwtKey", "secrets.databaseUrl", "secrets.token"),
            *("secrets.tokenCommand", "secrets.account"),
            *("secrets.accounts", "tls.ca", "tls.clientCert", "tls.clientKey"),
        )
    },
    "locustfile.path": _TEXT | {"pattern": "^/"},
    "locustfile.files": {
        "type": "object",
        "propertyNames": {"pattern": r"^[-._a-zA-Z0-9]+$"},
        "additionalProperties": _TEXT,
    },
    "locustfile.initContainer": _object(image=_TEXT, command=_list(_TEXT), args=_list(_TEXT), env=_ref("env")),
    "startTimeoutSeconds": _COUNT,
    "cron.schedule": _TEXT | {"minLength": 1},
    "results.persistence.accessModes": _list(_of("ReadWriteOnce", "ReadWriteOncePod", "ReadWriteMany"))
    | {"minItems": 1},
    "results.upload.to": _TEXT | {"pattern": "^((s3|gs|az|https?)://[^ ]+)?$"},
    "results.upload.env": {"type": "object", "additionalProperties": {"type": ["string", "number"]}},
    "resources": _ref("resources"),
    "extraArgs": _list(_TEXT),
    "extraEnv": _ref("env"),
    "affinity": _ref("affinity"),
    "tolerations": _ref("tolerations"),
    "topologySpreadConstraints": _ref("topologySpreadConstraints"),
    "podOverrides": _ANY,
    "workers.replicas": _COUNT,
    "sysctls": _list(_object(("name", "value"), name=_of(*_SAFE_SYSCTLS), value=_TEXT)),
    "podSecurityContext": _object(
        **_SECURITY,
        fsGroup={"type": "integer", "minimum": 1},
        fsGroupChangePolicy=_of("OnRootMismatch", "Always"),
        supplementalGroups=_list({"type": "integer"}),
    ),
    "containerSecurityContext": _object(
        **_SECURITY,
        allowPrivilegeEscalation={"type": "boolean"},
        readOnlyRootFilesystem={"type": "boolean"},
        capabilities=_object(drop=_list(_TEXT), add=_list(_TEXT)),
    ),
    "service.type": _of("ClusterIP", "NodePort", "LoadBalancer"),
    "httpRoute.parentRefs": _list(
        _object(
            ("name",),
            name=_TEXT,
            namespace=_TEXT,
            sectionName=_TEXT,
            port={"type": "integer"},
            group=_TEXT,
            kind=_TEXT,
        )
    ),
    "httpRoute.hostnames": _list(_TEXT),
    "autoscaling.kind": _of("", "hpa", "keda"),
    "autoscaling.minReplicas": _COUNT,
    "autoscaling.maxReplicas": _COUNT,
    "autoscaling.targetCPUUtilizationPercentage": _COUNT,
    "autoscaling.triggers": _list(_ANY),
    "networkPolicy.webFrom": _ref("peers"),
    "networkPolicy.metricsFrom": _ref("peers"),
    "networkPolicy.targetTo": _ref("peers"),
    "networkPolicy.targetPorts": _list(_COUNT | {"maximum": 65535}),
    "networkPolicy.extraEgress": _list(_object(to=_ref("peers"), ports=_list(_ANY))),
    "referenceBackend.profile": _of("documented", "as-built", "deployed"),
    "helmTests.users": _COUNT,
    "helmTests.runTime": {"type": ["string", "number"]},
    "extraObjects": _list({"type": ["object", "string"]}),
}

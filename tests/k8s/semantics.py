"""What Kubernetes takes without a word, and what then does not work: names that lead nowhere, and the like."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from .renders import pod_of

if TYPE_CHECKING:
    from collections.abc import Iterator

Objects = list[dict[str, Any]]
_UNITS: Final = {"m": "0.001", "Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "": 1}


def problems(objects: Objects) -> list[str]:
    """All that is wrong, one line each."""
    checks = (
        _names,
        _selectors,
        _spreads,
        _ports,
        _volumes,
        _resources,
        _restarts,
        _security,
        _references,
        _policies,
    )
    return [problem for check in checks for problem in check(objects)]


def _title(thing: dict[str, Any]) -> str:
    return f"{thing['kind']} {thing['metadata']['name']}"


def _pods(objects: Objects) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    for thing in objects:
        if (pod := pod_of(thing)) is not None:
            yield thing, pod


def _containers(pod: dict[str, Any]) -> list[dict[str, Any]]:
    return [*pod["spec"].get("initContainers", []), *pod["spec"]["containers"]]


def _matches(selector: dict[str, str], labels: dict[str, str]) -> bool:
    return selector.items() <= labels.items()


def _names(objects: Objects) -> Iterator[str]:
    seen = set()
    for thing in objects:
        title = _title(thing)
        if title in seen:
            yield f"{title} is there twice"
        seen.add(title)
        # A CronJob's Job gets 11 more, an index up to 4, and all of it is a host name of 63.
        longest = {"CronJob": 48, "Job": 58}.get(thing["kind"], 63)
        if len(thing["metadata"]["name"]) > longest:
            yield f"{title} has a name of more than {longest}"


def _selectors(objects: Objects) -> Iterator[str]:
    labels = [pod["metadata"].get("labels", {}) for _, pod in _pods(objects)]
    for thing in objects:
        spec = thing.get("spec", {})
        selector = {
            "Service": lambda spec: spec["selector"],
            "NetworkPolicy": lambda spec: spec["podSelector"]["matchLabels"],
            "PodDisruptionBudget": lambda spec: spec["selector"]["matchLabels"],
            "Deployment": lambda spec: spec["selector"]["matchLabels"],
        }.get(thing["kind"])
        if selector is not None and not any(_matches(selector(spec), each) for each in labels):
            yield f"{_title(thing)} selects no pod"
        template = spec.get("template", {}).get("metadata", {}).get("labels", {})
        if thing["kind"] == "Deployment" and not _matches(spec["selector"]["matchLabels"], template):
            yield f"{_title(thing)} does not select its own pods"
        if thing["kind"] == "ServiceMonitor":
            yield from _monitored(thing, objects)


def _monitored(monitor: dict[str, Any], objects: Objects) -> Iterator[str]:
    wanted = {end["port"] for end in monitor["spec"]["endpoints"]}
    found = [
        one
        for one in objects
        if one["kind"] == "Service"
        and _matches(monitor["spec"]["selector"]["matchLabels"], one["metadata"]["labels"])
        and wanted <= {port["name"] for port in one["spec"]["ports"]}
    ]
    if len(found) != 1:
        yield f"{_title(monitor)} finds {len(found)} Services with its port"


def _spreads(objects: Objects) -> Iterator[str]:
    for thing, pod in _pods(objects):
        for constraint in pod["spec"].get("topologySpreadConstraints", []):
            if not _matches(constraint["labelSelector"]["matchLabels"], pod["metadata"]["labels"]):
                yield f"{_title(thing)} spreads other pods than its own"


def _ports(objects: Objects) -> Iterator[str]:
    for thing in objects:
        if thing["kind"] != "Service":
            continue
        for _, pod in _pods(objects):
            if not _matches(thing["spec"]["selector"], pod["metadata"]["labels"]):
                continue
            there = {port["name"] for each in _containers(pod) for port in each.get("ports", [])}
            for port in thing["spec"]["ports"]:
                if port["targetPort"] not in there:
                    yield f"{_title(thing)} leads to port {port['targetPort']}, which its pod has not"


def _volumes(objects: Objects) -> Iterator[str]:
    for thing, pod in _pods(objects):
        volumes = [volume["name"] for volume in pod["spec"]["volumes"]]
        if len(set(volumes)) != len(volumes):
            yield f"{_title(thing)} has a volume twice"
        mounted = set()
        for each in _containers(pod):
            for mount in each.get("volumeMounts", []):
                mounted.add(mount["name"])
                if mount["name"] not in volumes:
                    yield f"{_title(thing)}: {each['name']} mounts {mount['name']}, which is no volume"
        for unused in set(volumes) - mounted:
            yield f"{_title(thing)}: nothing mounts {unused}"


def _amount(text: str) -> Decimal:
    unit = next(unit for unit in _UNITS if text.endswith(unit))
    return Decimal(text.removesuffix(unit)) * Decimal(_UNITS[unit])


def _resources(objects: Objects) -> Iterator[str]:
    for thing, pod in _pods(objects):
        for each in _containers(pod):
            resources = each.get("resources", {})
            requests, limits = resources.get("requests", {}), resources.get("limits", {})
            if "memory" not in limits or not {"cpu", "memory"} <= requests.keys():
                yield f"{_title(thing)}: {each['name']} says not what it needs"
            for kind in requests.keys() & limits.keys():
                if _amount(str(requests[kind])) > _amount(str(limits[kind])):
                    yield f"{_title(thing)}: {each['name']} asks for more {kind} than it may have"


def _restarts(objects: Objects) -> Iterator[str]:
    for thing, pod in _pods(objects):
        policy = pod["spec"].get("restartPolicy", "Always")
        if (thing["kind"] == "Deployment") != (policy == "Always"):
            yield f"{_title(thing)} has restartPolicy {policy}"
        job = {"Job": thing["spec"], "CronJob": thing["spec"].get("jobTemplate", {}).get("spec")}.get(
            thing["kind"]
        )
        if job is not None and not (job.get("activeDeadlineSeconds") and job.get("ttlSecondsAfterFinished")):
            yield f"{_title(thing)} may go on for ever, or stay for ever"


def _security(objects: Objects) -> Iterator[str]:
    """The profile `restricted` of Pod Security, and a root that nobody writes to."""
    for thing, pod in _pods(objects):
        spec = pod["spec"]
        whole = spec.get("securityContext", {})
        if not whole.get("runAsNonRoot") or not whole.get("runAsUser"):
            yield f"{_title(thing)} may run as root"
        if whole.get("seccompProfile", {}).get("type") not in {"RuntimeDefault", "Localhost"}:
            yield f"{_title(thing)} has no seccomp profile"
        if spec.get("automountServiceAccountToken") is not False:
            yield f"{_title(thing)} has a token"
        for each in _containers(pod):
            own = each.get("securityContext", {})
            safe = (
                own.get("allowPrivilegeEscalation") is False
                and own.get("readOnlyRootFilesystem") is True
                and own.get("capabilities", {}).get("drop") == ["ALL"]
                and not own.get("capabilities", {}).get("add")
                and not own.get("privileged")
            )
            if not safe:
                yield f"{_title(thing)}: {each['name']} is not restricted"
            if any("valueFrom" in variable for variable in each.get("env", [])):
                yield f"{_title(thing)}: {each['name']} has a secret in its environment"


def _references(objects: Objects) -> Iterator[str]:
    """Each object that another names is there; those that users name are called `mine` in the cases."""
    there = {(one["kind"], one["metadata"]["name"]) for one in objects}
    for thing in objects:
        for kind, name in _named_by(thing):
            if name not in {"mine", "default"} and (kind, name) not in there:
                yield f"{_title(thing)} names {kind} {name}, which there is not"


def _named_by(thing: dict[str, Any]) -> Iterator[tuple[str, str]]:
    if (pod := pod_of(thing)) is not None:
        yield from _named_by_pod(pod)
    if target := thing.get("spec", {}).get("scaleTargetRef"):
        yield target["kind"], target["name"]
    if thing["kind"] == "Ingress":
        for rule in thing["spec"]["rules"]:
            for path in rule["http"]["paths"]:
                yield "Service", path["backend"]["service"]["name"]


def _named_by_pod(pod: dict[str, Any]) -> Iterator[tuple[str, str]]:
    yield "ServiceAccount", pod["spec"].get("serviceAccountName", "default")
    for volume in pod["spec"]["volumes"]:
        if "configMap" in volume:
            yield "ConfigMap", volume["configMap"]["name"]
        if "persistentVolumeClaim" in volume:
            yield "PersistentVolumeClaim", volume["persistentVolumeClaim"]["claimName"]
    for each in _containers(pod):
        for argument in each["args"]:
            if host := str(argument).partition("--master-host=")[2]:
                yield "Service", host


def _policies(objects: Objects) -> Iterator[str]:
    """Whoever may be reached from a pod may be reached by it: both ends of a way, where both have a policy."""
    pods = {pod["metadata"]["labels"]["app.kubernetes.io/component"]: pod for _, pod in _pods(objects)}
    policies = {
        one["metadata"]["labels"]["app.kubernetes.io/component"]: one["spec"]
        for one in objects
        if one["kind"] == "NetworkPolicy"
    }
    if "workers" not in policies:
        return
    workers = pods["workers"]["metadata"]["labels"]
    master = pods["master"]["metadata"]["labels"]

    def allows(rules: list[dict[str, Any]], side: str, labels: dict[str, str], port: str) -> bool:
        return any(
            port in [entry["port"] for entry in rule["ports"]]
            and any(
                _matches(peer.get("podSelector", {"matchLabels": {"": ""}})["matchLabels"], labels)
                for peer in rule.get(side, [])
            )
            for rule in rules
        )

    if not allows(policies["master"]["ingress"], "from", workers, "workers"):
        yield "the master may not be reached by its workers"
    if not allows(policies["workers"]["egress"], "to", master, "workers"):
        yield "workers may not reach their master"
    if "backend" in pods:
        backend = pods["backend"]["metadata"]["labels"]
        for role, labels in (("master", master), ("workers", workers)):
            if not allows(policies[role]["egress"], "to", backend, 3001):
                yield f"{role} may not reach the reference backend"
            if not allows(policies["backend"]["ingress"], "from", labels, "http"):
                yield f"the reference backend may not be reached by the {role}"

"""Pods without a cluster: what the chart renders, run by podman from the images of the project's own Dockerfile.

podman takes pods, and neither Jobs nor Services: `as_pod` makes a pod of a Job, called as its Service is, as that
is what names lead to there. What a kubelet does and podman does not is done here: volumes that belong to fsGroup,
and sidecars that are ended when the others have ended.
"""

from __future__ import annotations

import copy
import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from ..support import ROOT, until
from .renders import pod_of

LOADTEST: Final = "localhost/prometheus-loadtest:test"
BACKEND: Final = "localhost/prometheus-loadtest-backend:test"
_BASE: Final = "docker.io/library/debian:bookworm-slim"
_TOOLS: Final = ("podman", "buildah", "runc", "debootstrap", "iptables", "catatonit")
_LIBRARIES: Final = ("/usr/lib/podman/netavark", "/usr/lib/podman/aardvark-dns")
_NETWORK: Final = "loadtest"
_GROUP: Final = 10001
_CERTIFICATES: Final = "/etc/ssl/certs:/etc/ssl/certs:ro"
"""Whom this machine trusts: packages may come through a proxy of its own."""
_NOT_BY_PODMAN: Final = ("topologySpreadConstraints", "serviceAccountName", "priorityClassName", "affinity")
_ENGINE: Final = """
[engine]
cgroup_manager = "cgroupfs"
runtime = "runc"
events_logger = "file"
[network]
network_backend = "netavark"
network_config_dir = "{folder}/networks"
[containers]
default_ulimits = ["nofile=20000:20000", "nproc=32768:32768"]
"""
_STORAGE: Final = """
[storage]
driver = "overlay"
graphroot = "{folder}/graph"
runroot = "{folder}/run"
"""


def why_not() -> str | None:
    """Why pods cannot be run here; None if they can."""
    if os.geteuid() != 0:
        return "podman is run as root here"
    missing = [tool for tool in _TOOLS if shutil.which(tool) is None]
    missing += [path for path in _LIBRARIES if not Path(path).exists()]
    return f"not installed: {', '.join(missing)}" if missing else None


@dataclass(frozen=True, slots=True)
class Ended:
    """A container that has ended."""

    code: int
    log: str


class Podman:
    """Podman with a store of its own.

    :param folder: where all of it is.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "networks").mkdir(parents=True, exist_ok=True)
        (folder / "containers.conf").write_text(_ENGINE.format(folder=folder), encoding="utf-8")
        (folder / "storage.conf").write_text(_STORAGE.format(folder=folder), encoding="utf-8")
        self._environment = {
            **os.environ,
            "CONTAINERS_CONF": str(folder / "containers.conf"),
            "CONTAINERS_STORAGE_CONF": str(folder / "storage.conf"),
        }

    def __call__(self, *arguments: str, tool: str = "podman", check: bool = True, timeout_s: float = 600) -> str:
        """Run it. What it printed."""
        ended = subprocess.run(
            [tool, *arguments],
            cwd=ROOT,
            env=self._environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=timeout_s,
        )
        assert not check or ended.returncode == 0, f"{tool} {' '.join(arguments)}\n{ended.stdout[-3000:]}"
        return ended.stdout

    def build(self) -> None:
        """Make the base image as Debian makes it, and both images on it, without asking a registry."""
        base = self.folder / "base"
        subprocess.run(
            ["debootstrap", "--variant=minbase", "--include=ca-certificates", "bookworm", str(base)],
            check=True,
            stdout=subprocess.DEVNULL,
            timeout=600,
        )
        archive = self.folder / "base.tar"
        subprocess.run(["tar", "--directory", str(base), "--create", "--file", str(archive), "."], check=True)
        self("import", "--quiet", str(archive), _BASE)
        archive.unlink()
        shutil.rmtree(base)
        for image, target in ((LOADTEST, "loadtest"), (BACKEND, "backend")):
            self(
                *("build", "--isolation", "chroot", "--pull-never", "--layers", "--network", "host"),
                *("--format", "docker", "--volume", _CERTIFICATES, "--file", "k8s/Dockerfile"),
                *("--target", target, "--tag", image, "."),
                tool="buildah",
            )

    def begin(self) -> None:
        """Make the network."""
        self("network", "create", _NETWORK)

    def end(self) -> None:
        """Remove what runs, and the network; the images stay with the folder."""
        self.clear()
        self("network", "rm", "--force", _NETWORK)

    def gateway(self) -> str:
        """The address by which pods reach this machine."""
        (network,) = json.loads(self("network", "inspect", _NETWORK))
        address: str = network["subnets"][0]["gateway"]
        return address

    def address(self, pod: str) -> str:
        """A pod's address in the network."""
        (infra,) = [name for name in self._containers(pod) if name.endswith("-infra")]
        form = "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}"
        return self("inspect", "--format", form, infra).strip()

    def play(self, pod: dict[str, Any]) -> str:
        """Start a pod. Its name."""
        name: str = pod["metadata"]["name"]
        file = self.folder / f"{name}.yaml"
        file.write_text(yaml.safe_dump(pod), encoding="utf-8")
        self("kube", "play", "--network", _NETWORK, str(file))
        return name

    def wait(self, pod: str, container: str, timeout_s: float = 180) -> Ended:
        """Wait for the end of a container, end the sidecars then, and say how it ended."""
        name = f"{pod}-{container}"
        code = int(self("wait", name, timeout_s=timeout_s).split()[-1])
        sidecars = [each for each in self._containers(pod) if each not in {name, ""} and "infra" not in each]
        for sidecar in sidecars:
            self("stop", "--time", "60", sidecar, check=False)
        return Ended(code, self.log(pod, container))

    def log(self, pod: str, container: str) -> str:
        """What a container has printed."""
        return self("logs", f"{pod}-{container}", check=False)

    def until_said(self, pod: str, container: str, text: str, timeout_s: float = 90) -> None:
        """Wait until a container prints something."""
        until(
            lambda: text in self.log(pod, container),
            timeout_s,
            pause_s=0.3,
            told=lambda: self.log(pod, container)[-3000:],
        )

    def remove(self, pod: str) -> None:
        """Remove a pod, whatever it does."""
        self._remove(pod, ["--filter", f"name=^{pod}$"])

    def clear(self) -> None:
        """Remove every pod, whatever they do."""
        self._remove("--all", [])

    def _remove(self, which: str, among: list[str]) -> None:
        """Until they are gone: on a busy machine podman may stop waiting before a container has ended."""
        said = ""

        def gone() -> bool:
            nonlocal said
            said = self("pod", "rm", "--force", "--ignore", "--time", "1", which, check=False)
            return not self("pod", "ps", "--quiet", *among)

        until(gone, 120, told=lambda: f"pods that cannot be removed: {said}")

    def _containers(self, pod: str) -> list[str]:
        return self("ps", "--all", "--filter", f"pod={pod}", "--format", "{{.Names}}").splitlines()


def as_pod(thing: dict[str, Any], name: str, folder: Path, files: dict[str, dict[str, str]]) -> dict[str, Any]:
    """A pod for podman.

    :param thing: a Job, a Deployment or a pod, as rendered.
    :param name: what it is to be called: as the Service that leads to it.
    :param folder: where its volumes are.
    :param files: name of a Secret or a ConfigMap -> key -> text.
    """
    template = pod_of(thing)
    assert template is not None
    spec = copy.deepcopy(template["spec"])
    for key in _NOT_BY_PODMAN:
        spec.pop(key, None)
    spec["restartPolicy"] = "Never"
    spec["volumes"] = [_volume(volume, name, folder, files) for volume in spec["volumes"]]
    initial = spec.pop("initContainers", [])
    # A native sidecar: for podman a container like the others.
    sidecars = [each for each in initial if each.pop("restartPolicy", None) == "Always"]
    if begin := [each for each in initial if each not in sidecars]:
        spec["initContainers"] = begin
    spec["containers"] += sidecars
    for each in [*begin, *spec["containers"]]:
        each["image"] = BACKEND if each["name"] == "backend" else LOADTEST
        each["imagePullPolicy"] = "Never"
        # By podman, ports would be taken on this machine too, where other tests want them.
        for key in ("readinessProbe", "livenessProbe", "ports"):
            each.pop(key, None)
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "labels": {"app": name}},
        "spec": spec,
    }


def _volume(volume: dict[str, Any], pod: str, folder: Path, files: dict[str, dict[str, str]]) -> dict[str, Any]:
    """With the owner that a kubelet gives it."""
    claim = volume.get("persistentVolumeClaim", {}).get("claimName")
    where = folder / (claim or f"{pod}-{volume['name']}")
    where.mkdir(parents=True, exist_ok=True)
    source = volume.get("secret", {}).get("secretName") or volume.get("configMap", {}).get("name")
    if source:
        keys = {item["key"]: item["path"] for item in volume.get("secret", {}).get("items", [])}
        for key, text in files[source].items():
            path = where / keys.get(key, key)
            path.write_text(text, encoding="utf-8")
            path.chmod(0o440)
            os.chown(path, 0, _GROUP)
    os.chown(where, 0, _GROUP)
    where.chmod(0o2770)
    return {"name": volume["name"], "hostPath": {"path": str(where), "type": "Directory"}}

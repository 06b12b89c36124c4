"""The pages' commands are run, their files are there, and their links lead somewhere.

A page's commands are run in order, as they stand, but for the address of the backend, which is this test's, and
for the time that a run takes. Those that go on until they are ended are ended when they answer.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
import tomllib
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import urllib3

from lab.bench.big_record import make as simulate
from loadtest.exit_codes import ExitCode
from loadtest.processes import free_port
from loadtest.run.options import options
from loadtest.suites import __main__ as suites

from ..support import ROOT, SECRET, locust_environment, until_listening

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..support import Backend

PAGES = sorted([*(ROOT / "docs").glob("*.md"), *ROOT.glob("*.md"), ROOT / "k8s" / "README.md"])
WITH_COMMANDS = (
    "first-run",
    "own-backend",
    "writing-a-scenario",
    "reading-the-report",
    "while-it-runs",
    "lost-connections",
    "nightly",
    "reports",
    "scenarios",
    "sizing",
    "troubleshooting",
    pytest.param("canaries", marks=pytest.mark.needs("canaries")),
)
BY_THEMSELVES = ("another-backend", "changing-a-plot", "running-distributed")
NOT_HERE = {
    "CONTRIBUTING": "`make quick`, `make test` and `make lint` are .ci/run",
    "README": "`make demo` and `make test` are tests/demo and this, the wheel is tests/package",
    "security": "one of `loadtest/suites/`, see ELSEWHERE",
    "test-api": "tests/clients/test_fixtures.py",
    "k8s/README": "Kubernetes and a registry; what the chart renders is run by tests/k8s",
}
MEASURED = (ExitCode.PASSED, ExitCode.OBJECTIVE_FAILED, ExitCode.RUN_SUSPECT)
ELSEWHERE = {
    "git clone": "this repository",
    "make demo": "tests/demo",
    "source .venv/bin/activate": "`Reader.environment`",
    "loadtest canaries": "tests/package/test_wheel.py",
    "pip install": "the Makefile",
    "python -m webbrowser": "whoever has one",
    "locust --config loadtest/suites/": "tests/integration/test_suites.py",
    "loadtest suites": "tests/integration/test_suites.py",
    "make nightly": "tests/integration/test_nightly.py",
    "locust --config examples/nightly/nightly.conf": "tests/integration/test_nightly.py",
    "export LOCUST_ACCOUNT": "tests/integration/test_auth.py",
    "export LOCUST_TOKEN=": "tests/integration/test_auth.py",
    "export LOCUST_TOKEN_COMMAND": "tests/integration/test_gone.py",
}
"""How a command begins -> who runs it."""
SLOW = pytest.mark.slow


def text_of(page: str) -> str:
    return (ROOT / "docs" / f"{page}.md").read_text(encoding="utf-8")


def commands_of(page: str) -> Iterator[str]:
    for block in re.findall(r"```bash\n(.*?)```", text_of(page), re.DOTALL):
        for line in block.replace("\\\n", " ").splitlines():
            if command := re.sub(r"\s+#.*", "", line).strip():
                yield command


class Reader:
    """Somebody who types a page's commands."""

    def __init__(self, backend: Backend, folder: Path) -> None:
        self.backend = backend
        self.results = folder / "results"
        self.environment = locust_environment() | {
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "LOCUST_RESULTS_DIR": str(self.results),
        }
        self.said = ""

    def types(self, command: str) -> int:
        """Run one; its exit code. A machine that has much else to do may invalidate a run: once more, then."""
        code = self._types(self.translated(command))
        return self._types(self.translated(command)) if code == ExitCode.RUN_INVALID else code

    def _types(self, command: str) -> int:
        if command.startswith("export "):
            name, _, value = command.removeprefix("export ").partition("=")
            self.environment[name] = value
            return 0
        if command.startswith("locust") and "--headless" not in command and "--config" not in command:
            return self._opens_the_page(command)
        done = subprocess.run(
            command, shell=True, cwd=ROOT, env=self.environment, capture_output=True, text=True, timeout=110
        )
        self.said = done.stdout + done.stderr
        return done.returncode

    def translated(self, command: str) -> str:
        """The same for this machine, in less time."""
        known = {
            "https://staging.example.org": self.backend.url,
            "http://127.0.0.1:3000": self.backend.url,
            "postgresql://user:password@db.example.org/prometheus": self.backend.database_url,
            "the-backend-s-own-secret": SECRET,
            "--run-time 1m": "--run-time 10s",
            "--metrics-port 9646": f"--metrics-port {free_port()}",
            "results/nightly/latest": f"{self.results}/latest",
            "results/latest": f"{self.results}/latest",
            "results/monday results/today": f"{self.results}/latest {self.results}/latest",
            "--slo slo.toml": "--slo loadtest/measurement/guide_objectives.toml",
            "-f my_load.py": f"-f {self.results.parent / 'my_load.py'}",
        }
        command = re.sub("|".join(map(re.escape, known)), lambda found: known[found[0]], command)
        return re.sub(r"\bresults$", str(self.results), command)

    def _opens_the_page(self, command: str) -> int:
        port = free_port()
        words = [*shlex.split(command), "--web-port", str(port), "--web-host", "127.0.0.1"]
        with subprocess.Popen(words, cwd=ROOT, env=self.environment, stderr=subprocess.DEVNULL) as process:
            with urllib3.PoolManager(retries=urllib3.Retry(60, backoff_factor=0.1)) as pool:
                page = pool.request("GET", f"http://127.0.0.1:{port}/").data.decode()
            process.send_signal(signal.SIGTERM)
            process.wait(30)
        assert "Broadcast Workers" in page
        return 0


@pytest.fixture
def reader(documented: Backend, tmp_path: Path) -> Iterator[Reader]:
    yield Reader(documented, tmp_path)
    documented.sql("DELETE FROM users WHERE email LIKE 'lt-%%'")


@SLOW
@pytest.mark.timeout(400)
@pytest.mark.parametrize("page", WITH_COMMANDS)
def test_what_a_page_says_can_be_typed(reader: Reader, page: str, tmp_path: Path) -> None:
    for code in re.findall(r"```python\n(.*?)```", text_of(page), re.DOTALL):
        (tmp_path / re.findall(r"# (\S+\.py)", code)[0]).write_text(code)
    if page in ("reading-the-report", "nightly", "own-backend", "reports"):
        line = "locust --host https://staging.example.org --headless --users 24 --spawn-rate 50 --run-time 1m"
        secrets = reader.backend.by_sql
        reader.environment |= secrets
        assert reader.types(f"{line} --rooms 1") in MEASURED, reader.said[-3000:]
        for name in secrets:
            del reader.environment[name]
    typed = 0
    for command in commands_of(page):
        bare = re.sub(r"^LOCUST_HOST=\S+ ", "", command)
        if (
            bare.startswith(tuple(ELSEWHERE))
            or "python -m lab.reference_backend" in command
            or "--shape capacity" in command
        ):
            continue
        code = reader.types(command)
        # In so short a time not every check is made.
        allowed = (
            (*MEASURED, ExitCode.CHECK_FAILED) if "--tags" in command or "--scenario" in command else MEASURED
        )
        assert code in allowed, f"{command}\n{reader.said[-3000:]}"
        typed += 1
    assert typed


def test_every_page_with_commands_is_typed() -> None:
    pages = {
        str(page.relative_to(ROOT)).removeprefix("docs/").removesuffix(".md")
        for page in PAGES
        if "```bash\n" in page.read_text(encoding="utf-8")
    }
    typed = {str(page if isinstance(page, str) else page.values[0]) for page in WITH_COMMANDS}
    assert pages == typed | set(BY_THEMSELVES) | set(NOT_HERE)


@SLOW
def test_another_backend_as_the_page_has_it(reader: Reader) -> None:
    server, load = commands_of("another-backend")
    port = str(free_port())
    with subprocess.Popen(shlex.split(server.replace("8008", port)), cwd=ROOT, env=reader.environment) as process:
        try:
            until_listening(int(port))
            assert reader.types(load.replace("8008", port)) in MEASURED, reader.said[-3000:]
        finally:
            process.terminate()
    said = re.search(r"Delivered (\d+) of (\d+) expected; 0 lost", reader.said)
    assert said is not None, reader.said[-3000:]
    assert said[1] == said[2] != "0"


@SLOW
def test_a_plot_as_the_page_changes_it(tmp_path: Path) -> None:
    """In a copy: what is applied and typed is what stands there."""
    for name in ("loadtest", "reports", "users", "tasks"):
        shutil.copytree(ROOT / name, tmp_path / name, symlinks=True, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "locustfile.py", tmp_path)
    shutil.copytree(simulate(tmp_path, 120, 1), tmp_path / "results" / "latest")
    (change,) = re.findall(r"```diff\n(.*?)```", text_of("changing-a-plot"), re.DOTALL)
    (tmp_path / "plot.diff").write_text(change)
    environment = locust_environment() | {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        # The command is the environment's; what it imports is the copy.
        "PYTHONPATH": str(tmp_path),
    }
    for command in commands_of("changing-a-plot"):
        done = subprocess.run(command, shell=True, cwd=tmp_path, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, (command, done.stdout[-2000:], done.stderr[-2000:])
    assert done.stdout.startswith("Events for each member")


@SLOW
def test_master_and_workers_as_the_page_starts_them(reader: Reader) -> None:
    secrets = reader.backend.by_sql
    port = str(free_port())
    ports = {"LOCUST_MASTER_BIND_PORT": port, "LOCUST_MASTER_NODE_PORT": port}
    reader.environment |= secrets | ports
    one_machine, *several = list(commands_of("running-distributed"))
    assert reader.types(one_machine) in MEASURED, reader.said[-3000:]
    assert several[-1] == "wait"
    began = time.time()
    code = reader.types("\n".join(map(reader.translated, several)))
    assert code == 0
    latest = reader.results / "latest" / "summary.json"
    assert latest.stat().st_mtime > began, reader.said[-3000:]
    assert '"workers": 2' in latest.read_text()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if target.startswith(("http://", "https://")):
            continue
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        assert file.exists(), target
        if anchor:
            headings = re.findall(r"^#+ (.*)$", file.read_text(encoding="utf-8"), re.MULTILINE)
            assert anchor in {re.sub(r"[^\w\- ]", "", one.lower()).replace(" ", "-") for one in headings}, target


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_options_and_make_targets_exist(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    for block in re.findall(r"```bash\n(.*?)```", text, re.DOTALL):
        assert set(re.findall(r"\bmake ([a-z]+)", re.sub("#.*", "", block))) <= targets
    known = _all_options()
    for option in set(re.findall(r"`(--[a-z][a-z-]+)", text)):
        assert option in known, option


@cache
def _all_options() -> set[str]:
    said = subprocess.run(
        [sys.executable, "-m", "locust", "--help"], capture_output=True, text=True, env=locust_environment()
    ).stdout
    backend_s = subprocess.run(
        [sys.executable, "-m", "lab.reference_backend", "--help"], capture_output=True, text=True
    ).stdout
    said += backend_s
    ours = {"--" + name.replace("_", "-") for name in options.names()}
    reports = {"--tolerance", "--out", "--slo", "--baseline", "--strict", "--junit"}
    fixtures = (ROOT / "loadtest" / "pytest_plugin.py").read_text(encoding="utf-8")
    pytest_s = set(re.findall(r"\n +(?:group\.addoption\()?\"(--backend-[a-z-]+)\"", fixtures))
    others = {"--ulimit", "--suites", "--side-by-side", "--repeat"}
    return set(re.findall(r"--[a-z][a-z-]+", said)) | ours | reports | pytest_s | others


@pytest.mark.parametrize(
    "file",
    [
        "examples/nightly/nightly.conf",
        *(f"loadtest/suites/{path.name}" for path in (ROOT / "loadtest" / "suites").glob("*.conf")),
    ],
)
def test_configuration_files_name_options_that_there_are(file: str) -> None:
    lines = (ROOT / file).read_text(encoding="utf-8").splitlines()
    given = {line.partition("=")[0].strip() for line in lines if line.strip() and not line.startswith("#")}
    known = {option.removeprefix("--") for option in _all_options()}
    assert given <= known


def test_jobs_call_what_there_is() -> None:
    for name in ("crontab", "github-actions.yml", "gitlab-ci.yml"):
        text = (ROOT / "examples" / "nightly" / name).read_text(encoding="utf-8")
        assert "examples/nightly/nightly.conf" in text or "make --silent nightly" in text
        for file in ("requirements.txt", "examples/nightly/nightly.conf"):
            assert file not in text or (ROOT / file).exists()
        if name != "crontab":
            assert "--scenario" in text
            (command,) = re.findall(r"loadtest suites (.*)", text)
            assert suites.parse(["--host", "http://h", *shlex.split(command)])[0].suites
    assert tomllib.loads((ROOT / "loadtest" / "measurement" / "guide_objectives.toml").read_text(encoding="utf-8"))

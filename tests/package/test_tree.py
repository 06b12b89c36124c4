"""The tree: one import name, product and lab apart, few entries at the top."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from ..rooms import LAB, LINKED, PRODUCT, files, imports, tracked
from ..support import ROOT

TOP = {
    *("docs", "examples", "k8s", "lab", "loadtest", "reports", "tasks", "tests", "users"),
    *("CHANGELOG.md", "CONTRIBUTING.md", "LICENSE", "README.md", "SECURITY.md"),
    *("Makefile", "locustfile.py", "mkdocs.yml", "pyproject.toml", "requirements.txt"),
}


def test_the_top_has_what_a_reader_looks_for_and_nothing_else() -> None:
    visible = {path.split("/")[0] for path in tracked() if not path.startswith(".")}
    assert visible <= TOP
    assert {
        "locustfile.py",
        "users",
        "tasks",
        "reports",
        "k8s",
        "tests",
        "requirements.txt",
        "README.md",
    } <= visible


def test_the_folders_of_the_card_are_real_and_linked_into_the_package() -> None:
    for name in LINKED:
        assert (ROOT / name).is_dir()
        assert not (ROOT / name).is_symlink()
        assert (ROOT / "loadtest" / name).readlink() == Path("..") / name
    assert (ROOT / "loadtest" / "locustfile.py").readlink() == Path("..") / "locustfile.py"
    links = [path for path in (ROOT / "loadtest").rglob("*") if path.is_symlink() and path.name != "node_modules"]
    assert len(links) == len(LINKED) + 1


def test_the_product_imports_nothing_of_the_lab() -> None:
    assert {"reference_backend", "cluster", "calibration", "bench", "demo"} == set(LAB)
    product = [*files(*PRODUCT), *(ROOT / "loadtest").glob("*.py"), *files("k8s")]
    wrong = [
        f"{file.relative_to(ROOT)}: {module}"
        for file in product
        for module, _ in imports(file)
        if module.split(".")[0] in ("lab", "examples", "tests", "k8s") and file.parent.name != "k8s"
    ]
    assert wrong == []


@pytest.mark.parametrize("name", LINKED)
def test_nothing_is_imported_by_another_name(name: str) -> None:
    inside = {Path(file).stem for file in tracked(f"{name}/*.py")} - {"__init__", "__main__"}
    for module in ("", f".{min(inside)}"):
        command = [sys.executable, "-c", f"import {name}{module}"]
        ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
        assert f"ImportError: expected an import of loadtest.{name}, got {name}" in ended.stderr
    command = [sys.executable, "-c", f"import loadtest.{name}"]
    assert subprocess.run(command, cwd=ROOT, capture_output=True).returncode == 0


def test_reports_run_by_their_folder_have_each_module_once(tmp_path: Path) -> None:
    program = (
        "import runpy, sys; sys.argv = ['-m', 'compare', 'a', 'b']\n"
        "try: runpy.run_module('reports', run_name='__main__', alter_sys=True)\n"
        "except SystemExit: pass\n"
        "print(sorted(name for name in sys.modules if name.startswith('reports.')))"
    )
    ended = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True)
    assert ended.stdout.splitlines()[-1] == "[]", ended.stderr

"""Errors that end a greenlet are told; in a process of its own, whose hub it changes."""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ..support import ROOT

PROGRAM = """
import json
import gevent
from loadtest.measurement.trace import find
from loadtest.run import greenlet_errors

told = []
greenlet_errors.watch(lambda reason, ours: told.append((reason, ours)))

def fail():
    raise KeyError("x")

gevent.joinall([gevent.spawn(fail), gevent.spawn(lambda: 1)])
gevent.spawn(json.loads, "{").join()
gevent.spawn(find, None).join()
killed = gevent.spawn(gevent.sleep, 9)
gevent.sleep(0)
killed.kill()
print(told)
"""


@pytest.mark.parametrize("is_installed", [False, True])
def test_an_error_is_told_beside_its_traceback_and_a_kill_is_not(tmp_path: Path, is_installed: bool) -> None:
    program = tmp_path / "locustfile.py"
    program.write_text(PROGRAM)
    place = ROOT
    if is_installed:
        # As pip lays it: real files, where libraries are.
        place = tmp_path / "site-packages"
        shutil.copytree(ROOT / "loadtest", place / "loadtest", ignore=shutil.ignore_patterns("node_modules"))
    environment = {**os.environ, "PYTHONPATH": str(place)}
    command = [sys.executable, str(program)]
    ended = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60)
    mine, ours = ast.literal_eval(ended.stdout)
    assert mine == ("KeyError: 'x'", False)
    assert ours[0].startswith("TypeError: ")
    assert ours[1] is True
    assert ended.stderr.count("Traceback") == 3, "all of them are printed; that in the library alone is not told"

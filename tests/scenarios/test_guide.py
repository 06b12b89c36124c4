from __future__ import annotations

import subprocess
import sys

from loadtest.scenarios.__main__ import BEGIN, END, tables
from loadtest.scenarios.catalogue import ALL, ROLES
from loadtest.scenarios.guide import GUIDE
from loadtest.users import roles

from ..support import ROOT

PAGE = ROOT / "docs" / "scenarios.md"


def test_every_line_is_covered_and_every_test_is_there() -> None:
    for section, lines in GUIDE.items():
        for line, how in lines.items():
            assert how.scenarios or how.otherwise, f"{section}: {line}"
            for test in how.tests:
                assert (ROOT / test).exists(), test


def test_every_scenario_is_somewhere_in_the_guide() -> None:
    covered = {scenario.name for lines in GUIDE.values() for how in lines.values() for scenario in how.scenarios}
    assert covered == {scenario.name for scenario in ALL}


def test_every_role_is_a_user_class() -> None:
    assert all(hasattr(roles, role) for role in ROLES)


def test_the_page_says_what_the_code_does() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert page[page.index(BEGIN) : page.index(END) + len(END) + 1] == tables(), (
        "python -m loadtest.scenarios writes it"
    )


def test_the_command_prints_them() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "loadtest.scenarios"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout == tables()

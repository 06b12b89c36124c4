"""Which files a run has added to a folder, or changed there."""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

State = tuple[int, int]
"""When a file was changed last, in nanoseconds by the clock of its file system, and its size in bytes."""


def state_of(folder: Path) -> dict[Path, State]:
    """The files below a folder, without links: the newest run would be there twice."""
    return dict(files(folder))


def files(folder: Path) -> Iterator[tuple[Path, State]]:
    """The same, one by one."""
    for where, _, names in os.walk(folder):
        for name in names:
            path = Path(where) / name
            # Another run of the same volume may take a file away, or give it its name, at any time.
            with suppress(FileNotFoundError):
                status = path.lstat()
                if not stat.S_ISLNK(status.st_mode):
                    yield path, (status.st_mtime_ns, status.st_size)


def changed(before: Mapping[Path, State], after: Mapping[Path, State]) -> list[Path]:
    """What is new or other than before, in order. No clock is asked: a volume's may be another than ours."""
    return sorted(path for path, state in after.items() if before.get(path) != state)

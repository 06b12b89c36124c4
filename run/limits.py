"""How many connections this process may hold."""

from __future__ import annotations

import resource


def raise_file_limit() -> None:
    """Raise the soft limit of open files to the hard one."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def file_limit() -> int:
    """How many files this process may hold open."""
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]

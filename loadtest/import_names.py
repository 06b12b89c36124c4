"""One import name for each module.

`users/`, `tasks/` and `reports/` stand at the top of a checkout, and are linked into `loadtest/`: imported from
both places, each of their classes would exist twice.
"""

from __future__ import annotations

import sys
from typing import Final

_LOCATING: Final = "-m"
"""What `sys.argv[0]` is while Python looks for the module of `python -m`."""


def refuse_another(name: str) -> None:
    """Refuse to import a package of `loadtest` by another name.

    `python -m reports` in a checkout passes: it runs one file, which imports the others by their names.

    :param name: the package's `__name__`.
    :raises ImportError: if it is not below `loadtest`.
    """
    if not name.startswith("loadtest.") and sys.argv[:1] != [_LOCATING]:
        raise ImportError(
            f"expected an import of loadtest.{name}, got {name}: write `from loadtest.{name} import …`"
        )

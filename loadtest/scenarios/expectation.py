"""What a backend is expected to be able to do: a profile that comes with the product, or a file."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from loadtest.errors import Fault, Owner
from loadtest.scenarios.capabilities import QUESTIONS

_FOLDER: Final = Path(__file__).with_name("profiles")
PROFILES: Final = ("documented", "as-built", "deployed")
_COMMENT: Final = "#"


@dataclass(frozen=True, slots=True)
class Expectation:
    """What a backend is expected to be able to do.

    source: the profile's name, or the file's path, as given.
    capabilities: names in `capabilities.QUESTIONS`, at least one.
    """

    source: str
    capabilities: tuple[str, ...]


def read(source: str) -> Expectation:
    """Read a profile or a file.

    :param source: one of `PROFILES`, or a path.
    :raises Fault: if the file cannot be read, or is not right; one line.
    """
    path = _FOLDER / f"{source}.txt" if source in PROFILES else Path(source)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise Fault(
            Owner.USER,
            f"--expect: expected {', '.join(PROFILES)} or a file, got {source!r}: {reason}",
            "Name a profile, or a file with one capability per line.",
        ) from error
    return parse(text, source)


def parse(text: str, source: str) -> Expectation:
    """Parse a list of capabilities: one per line; `#` begins a comment; empty lines do not count.

    :param source: the profile's name or the file's path.
    :raises Fault: if a line is no capability, or repeats one, or if there is none.
    """
    lines: dict[str, int] = {}
    for number, line in enumerate(text.splitlines(), 1):
        name = line.partition(_COMMENT)[0].strip()
        if not name:
            continue
        if name not in QUESTIONS:
            raise Fault(
                Owner.USER, f"{source}, line {number}: expected a capability, got {name!r}", _suggestion(name)
            )
        if name in lines:
            raise Fault(
                Owner.USER,
                f"{source}, line {number}: expected each capability once, got {name!r} as in line {lines[name]}",
                "Remove one of the lines.",
            )
        lines[name] = number
    if not lines:
        raise Fault(
            Owner.USER,
            f"{source}: expected at least one capability, got none",
            f"Write one per line, of: {', '.join(QUESTIONS)}.",
        )
    return Expectation(source, tuple(lines))


def _suggestion(name: str) -> str:
    by_lower = {known.lower(): known for known in QUESTIONS}
    if close := difflib.get_close_matches(name.lower(), by_lower, 1):
        return f"Write {by_lower[close[0]]!r}, or see docs/security.md for all capabilities."
    return f"Write one of: {', '.join(QUESTIONS)}."

"""The chart's values.yaml, read with its comments."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import yaml

if TYPE_CHECKING:
    from collections.abc import Iterator

_KEY: Final = re.compile(r"^( *)([A-Za-z][\w-]*):(.*)$")


@dataclass(frozen=True, slots=True)
class Value:
    """A value as the file has it.

    path: its keys. text: the comment above it, in one line; empty for none. default: what it is by default.
    section: whether it is a heading of values that have comments of their own.
    """

    path: tuple[str, ...]
    text: str
    default: Any
    section: bool


def read(text: str) -> Iterator[Value]:
    """Each value of a file, and each heading; what is inside a value belongs to that value."""
    document = yaml.safe_load(text)
    lines = text.splitlines()
    path: list[tuple[int, str]] = []
    comment: list[str] = []
    within: int | None = None
    for number, line in enumerate(lines):
        if not line.strip():
            comment = []
        elif line.lstrip().startswith("#"):
            comment.append(line.strip().removeprefix("#").strip())
        elif match := _KEY.match(line):
            indent, key = len(match[1]), match[2]
            if within is not None and indent > within:
                continue
            path = [(at, name) for at, name in path if at < indent] + [(indent, key)]
            keys = tuple(name for _, name in path)
            section = _is_section(lines[number + 1 :], indent)
            within = None if section else indent
            yield Value(keys, " ".join(comment), _at(document, keys), section)
            comment = []


def _is_section(following: list[str], indent: int) -> bool:
    """Whether there is a comment in what is deeper than a key."""
    for line in filter(str.strip, following):
        if _indent(line) <= indent:
            return False
        if line.lstrip().startswith("#"):
            return True
    return False


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def _at(document: Any, keys: tuple[str, ...]) -> Any:
    for key in keys:
        document = document[key]
    return document

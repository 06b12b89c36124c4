"""The lines of a script: a step each, with its second. Pure.

Steps may be separated by semicolons instead of lines; what follows a # is a comment.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from loadtest.errors import Fault, Owner


@dataclass(frozen=True, slots=True)
class Line:
    """One step.

    text: as it was written. at_s: from the start. words: what follows. see: where scripts are explained.
    """

    text: str
    at_s: float
    words: list[str]
    see: str

    def fault(self, why: str) -> Fault:
        """That this is no step."""
        return _fault(self.text, why, self.see)

    def unknown(self) -> Fault:
        """That nobody knows what to do."""
        return self.fault(f"{' '.join(self.words)!r} is nothing that can be done")


def read(text: str, see: str) -> list[Line]:
    """The lines of a script, in order of time.

    :param see: what a fault says is the way on.
    :raises Fault: if one does not begin with a second, or has nothing else.
    """
    parts = [part for line in text.splitlines() for part in line.partition("#")[0].split(";")]
    return sorted((_line(part.split(), see) for part in parts if part.strip()), key=lambda line: line.at_s)


def _line(words: list[str], see: str) -> Line:
    text = " ".join(words)
    at, *rest = words
    if not re.fullmatch(r"\d+(\.\d+)?", at):
        raise _fault(text, f"it begins with {at!r} instead of a second", see)
    if not rest:
        raise _fault(text, "it says nothing to do", see)
    return Line(text, float(at), rest, see)


def _fault(text: str, why: str, see: str) -> Fault:
    return Fault(Owner.USER, f"the step {text!r} is none: {why}", see)

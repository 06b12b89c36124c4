"""The data that a run leaves in the backend, for its record and its last lines on the terminal. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

_MOST_USERS: Final = 10
"""Maximum number of users named on the terminal; the records have all."""

_HOW_TO_LEAVE_NOTHING: Final = (
    "To leave nothing, use existing users (--account, --accounts-file), or create the data by --database-url."
)


@dataclass(frozen=True, slots=True)
class DataLeft:
    """The data that one run leaves.

    users: e-mail addresses of users that signed up for the run.
    kept: whether the other data was to stay (--keep-data).
    not_removed: why other data could not be removed; empty if it was.
    """

    users: tuple[str, ...] = ()
    kept: bool = False
    not_removed: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return the field `data_left` of the record."""
        return {"users": list(self.users), "kept": self.kept, "not_removed": self.not_removed}


def lines_of(left: Iterable[DataLeft]) -> list[str]:
    """Return the terminal's lines on the data that this process's runs left; no line if nothing is left."""
    runs = list(left)
    users = [user for one in runs for user in one.users]
    lines = [f"Not removed: {one.not_removed}" for one in runs if one.not_removed]
    if users:
        more = f" and {len(users) - _MOST_USERS} more" if len(users) > _MOST_USERS else ""
        rest = "the rest stays too: --keep-data" if any(one.kept for one in runs) else "the rest was removed"
        if any(one.not_removed for one in runs):
            rest = "the rest in part"
        named = ", ".join(users[:_MOST_USERS]) + more
        lines.append(
            f"Left in the backend: {_counted(users)} that signed up, as no call deletes one ({rest}): {named}"
        )
        lines.append(_HOW_TO_LEAVE_NOTHING)
    return lines


def _counted(users: list[str]) -> str:
    return "1 user" if len(users) == 1 else f"{len(users)} users"

"""Accounts of existing users, as a user of the load test names them. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field

from loadtest.errors import Fault, Owner


@dataclass(frozen=True, slots=True)
class Account:
    """What somebody logs in with."""

    email: str
    password: str = field(repr=False)

    @property
    def body(self) -> dict[str, str]:
        """For signing up and logging in."""
        return {"email": self.email, "password": self.password}


def parse(text: str, source: str) -> list[Account]:
    """Accounts, one a line as `email:password`; empty lines and those that begin with # do not count.

    :param source: where the text comes from, for the error; which never quotes the text.
    :raises Fault: if a line is none.
    """
    accounts = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        email, colon, password = line.strip().partition(":")
        if not (email and colon and password):
            raise Fault(Owner.USER, f"{source}: line {number} is no account", "Write email:password, one a line.")
        accounts.append(Account(email, password))
    return accounts

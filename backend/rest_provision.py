"""Gets a run its rooms through REST, as one user or several; and removes them when the run is over."""

from __future__ import annotations

import itertools
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

from faults import Fault

from . import contract, tokens
from .accounts import Account
from .factory import DataFactory
from .plan import Room

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .rest import RestClient


@dataclass(slots=True)
class _User:
    """Somebody who owns rooms. account: None if there is only a token."""

    token: str
    account: Account | None = None
    agent_id: str = ""


class RestProvision:
    """Makes projects and agents through REST: of a token's user, of accounts that log in, or of one that signs up.

    The backend has no call to delete a user, so one that signed up stays.

    :param rooms_each: how many rooms in a row have the same owner, where there are several accounts.
    """

    def __init__(
        self,
        client: RestClient,
        run_id: str,
        *,
        token: str = "",
        accounts: Sequence[Account] = (),
        rooms_each: int = 1,
        keep: bool = False,
    ) -> None:
        self._client = client
        self._run_id = run_id
        self._factory = DataFactory(run_id)
        self._token = token
        self._accounts = list(accounts)
        self._rooms_each = rooms_each
        self._keep = keep
        self._owners: list[_User] = []
        self._users: list[_User] = []
        self._made: list[tuple[str, _User]] = []

    def create(self, count: int) -> tuple[Room, ...]:
        """Make rooms; of the same users, if it is not the first time."""
        try:
            self._users = self._users or self._first_users(-(-count // self._rooms_each))
            places = itertools.islice(itertools.count(), count)
            self._owners = [self._users[place // self._rooms_each % len(self._users)] for place in places]
            return tuple(map(self._room, self._owners))
        except Fault as fault:
            try:
                self.remove()
            except Fault as second:
                raise Fault(
                    fault.owner, f"{fault.what}; and what was made stays: {second.what}", fault.way_on
                ) from fault
            raise

    def foreign(self) -> Room | None:
        """One more room, of an account that is left, or of one more that signs up; None where neither works."""
        try:
            if self._token:
                return None
            if self._accounts:
                left = self._accounts[len(self._users) :]
                return self._room(self._log_in(left[0])) if left else None
            return self._room(self._sign_up())
        except Fault:
            return None

    def refresh(self) -> list[str]:
        """Log in again."""
        for user in self._users:
            if user.account is None:
                return []
            user.token = self._log_in(user.account).token
        return [user.token for user in self._owners]

    def remove(self) -> None:
        """Delete the projects and the agents, unless they shall be kept."""
        made, self._made = self._made, []
        if self._keep:
            return
        for path, user in reversed(made):
            self._client.call("DELETE", path, user.token)

    def _first_users(self, most: int) -> list[_User]:
        if self._token:
            return [_User(self._token)]
        if self._accounts:
            return [self._log_in(account) for account in self._accounts[:most]]
        return [self._sign_up()]

    def _room(self, user: _User) -> Room:
        if not user.agent_id:
            user.agent_id = self._make(contract.AGENTS, self._factory.agent(), user)
        project_id = self._make(contract.PROJECTS, self._factory.project(), user)
        return Room(project_id, user.agent_id, user.token, _owner_of(user.token))

    def _make(self, path: str, body: dict[str, object], user: _User) -> str:
        made_id = self._client.value("id", "POST", path, user.token, body)
        self._made.append((f"{path}/{made_id}", user))
        return made_id

    def _log_in(self, account: Account) -> _User:
        return _User(self._client.value(contract.TOKEN, "POST", contract.LOGIN, body=account.body), account)

    def _sign_up(self) -> _User:
        # Ends unlike the users of `rows`, which are removed where no run holds on to them.
        email = f"lt-{self._run_id}-{secrets.token_hex(4)}-user@loadtest.invalid"
        account = Account(email, f"Aa1@{secrets.token_hex(12)}")
        return _User(self._client.value(contract.TOKEN, "POST", contract.SIGNUP, body=account.body), account)


def _owner_of(token: str) -> str:
    """Whose a token is; the token itself where it is none that says so."""
    try:
        return tokens.user_id_of(token) or token
    except ValueError:
        return token

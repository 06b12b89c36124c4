"""Gets a run its rooms through REST, as one user or several; and removes them when the run is over."""

from __future__ import annotations

import itertools
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import gevent

from loadtest.backends import tokens
from loadtest.backends.accounts import Account
from loadtest.backends.plan import Room
from loadtest.backends.prometheus import contract
from loadtest.backends.prometheus.factory import DataFactory
from loadtest.errors import Fault, Owner

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from loadtest.backends.rest import RestClient

_GONE: Final = 404
_NAMED: Final = 3
"""Maximum number of leftover projects and agents that an error names."""


@dataclass(slots=True)
class _User:
    """Somebody who owns rooms. account: None if there is only a token."""

    token: str
    account: Account | None = None


class RestProvision:
    """Makes projects and agents through REST: of a token's user, of accounts that log in, or of one that signs up.

    The backend has no call that deletes a user. Users that signed up stay, see `users_left`.

    :param new_token: gives a fresh token in place of `token`; None if there is no way to.
    :param rooms_each: how many rooms in a row have the same owner, where there are several accounts.
    """

    def __init__(
        self,
        client: RestClient,
        run_id: str,
        *,
        token: str = "",
        new_token: Callable[[], str] | None = None,
        accounts: Sequence[Account] = (),
        rooms_each: int = 1,
        keep: bool = False,
    ) -> None:
        self._client = client
        self._run_id = run_id
        self._factory = DataFactory(run_id)
        self._token = token
        self._new_token = new_token
        self._accounts = list(accounts)
        self._rooms_each = rooms_each
        self._keep = keep
        self._owners: list[_User] = []
        self._users: list[_User] = []
        self._made: list[tuple[str, _User]] = []
        self._signed_up: list[str] = []
        self._making: gevent.Greenlet[..., str | Fault] | None = None

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
        """Log in again, or ask for a new token of the one user who was given by a token."""
        for user in self._users:
            if user.account is not None:
                user.token = self._log_in(user.account).token
            elif self._new_token is not None:
                user.token = self._new_token()
            else:
                return []
        return [user.token for user in self._owners]

    def finished(self, triggers: Mapping[str, Room]) -> dict[str, float | None]:
        """By the lists of the projects' tasks, as far as the backend gives them."""
        found: dict[str, float | None] = {}
        for room in {room.project_id: room for room in triggers.values()}.values():
            try:
                tasks = self._client.call("GET", contract.tasks_path(room.project_id), room.token)
            except Fault:
                if not found:
                    raise
                break
            for task in tasks if isinstance(tasks, list) else ():
                if isinstance(task, dict) and task.get("status") in (contract.COMPLETED, contract.FAILED):
                    found[str(task.get("id"))] = None
        return {key: age_s for key, age_s in found.items() if key in triggers}

    def remove(self) -> None:
        """Delete the projects and the agents, unless they are to be kept.

        A failure does not prevent the other deletions. A further call tries the failed ones again.

        :raises Fault: if some of them stay.
        """
        if self._making is not None:
            self._making.join()
        made, self._made = self._made, []
        if self._keep:
            return
        faults: list[Fault] = []
        for path, user in reversed(made):
            # Do not try all of them on a backend that does not answer.
            if not faults or faults[-1].owner is not Owner.NETWORK:
                try:
                    self._delete(path, user)
                except Fault as fault:
                    faults.append(fault)
                else:
                    continue
            self._made.insert(0, (path, user))
        if faults:
            named = ", ".join(path for path, _ in self._made[:_NAMED])
            what = f"{len(self._made)} of {len(made)} projects and agents stay ({named}): {faults[0].what}"
            raise Fault(faults[0].owner, what, faults[0].way_on)

    def users_left(self) -> tuple[str, ...]:
        """Return the e-mail addresses of the users that signed up."""
        return tuple(self._signed_up)

    def _delete(self, path: str, user: _User) -> None:
        answer = self._client.ask("DELETE", path, user.token)
        if answer.status >= 400 and answer.status != _GONE:
            owner = Owner.BACKEND if answer.status >= 500 or answer.status == 429 else Owner.USER
            what = f"DELETE {path} failed with {answer.status}: {answer.message}"
            raise Fault(owner, what, "Delete them by hand.")

    def _first_users(self, most: int) -> list[_User]:
        if self._token:
            return [_User(self._token)]
        if self._accounts:
            return [self._log_in(account) for account in self._accounts[:most]]
        return [self._sign_up()]

    def _room(self, user: _User) -> Room:
        # An agent for each room: what carries no trace is led back to its room by the agent that it names.
        agent_id = self._make(contract.AGENTS, self._factory.agent(), user)
        project_id = self._make(contract.PROJECTS, self._factory.project(), user)
        return Room(project_id, agent_id, user.token, _owner_of(user.token))

    def _make(self, path: str, body: dict[str, object], user: _User) -> str:
        # In a greenlet of its own: the backend creates it even if the caller is killed, and `remove` needs its id.
        self._making = gevent.spawn(self._create, path, body, user)
        made: str | Fault = self._making.get()
        if isinstance(made, Fault):
            raise made
        return made

    def _create(self, path: str, body: dict[str, object], user: _User) -> str | Fault:
        try:
            made_id = self._client.value("id", "POST", path, user.token, body)
        except Fault as fault:
            return fault
        self._made.append((f"{path}/{made_id}", user))
        return made_id

    def _log_in(self, account: Account) -> _User:
        return _User(self._client.value(contract.TOKEN, "POST", contract.LOGIN, body=account.body), account)

    def _sign_up(self) -> _User:
        # Ends unlike the users of `rows`, which are removed where no run holds on to them.
        email = f"lt-{self._run_id}-{secrets.token_hex(4)}-user@loadtest.invalid"
        account = Account(email, f"Aa1@{secrets.token_hex(12)}")
        # Noted before the answer comes: the backend creates the user even if this process is killed meanwhile.
        self._signed_up.append(email)
        try:
            token = self._client.value(contract.TOKEN, "POST", contract.SIGNUP, body=account.body)
        except Fault as fault:
            if fault.owner is not Owner.NETWORK:
                self._signed_up.remove(email)
            raise
        return _User(token, account)


def _owner_of(token: str) -> str:
    """Whose a token is; the token itself where it is none that says so."""
    try:
        return tokens.user_id_of(token) or token
    except ValueError:
        return token

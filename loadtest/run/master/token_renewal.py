"""The tokens of one run's rooms: how long they are good, and how they are renewed."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Self

from loadtest.backends import tokens
from loadtest.backends.prometheus import preflight
from loadtest.backends.token_command import TokenCommand

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Mapping, Sequence

    from loadtest.backends.plan import Room
    from loadtest.backends.prometheus.provision import Provision


class TokenRenewal:
    """Renews the tokens of the rooms.

    :param given: the token of `--token`; empty without one.
    :param command: that of `--token-command`; None without one.
    :param lifetime_s: how long tokens are good that do not say.
    :param now_s: gives the time in seconds since the epoch.
    """

    def __init__(
        self, given: str, command: TokenCommand | None, lifetime_s: float, now_s: Callable[[], float] = time.time
    ) -> None:
        self.token = given
        """The token of the one user that the options name; the newest, if a command gives it."""
        self.command = command
        self._lifetime_s = lifetime_s
        self._now_s = now_s
        self._since_s = now_s()

    @classmethod
    def by_options(cls, options: argparse.Namespace, secret_options: Mapping[str, str]) -> Self:
        """Build from the options.

        :param secret_options: the values of `options.SECRETS`.
        """
        command = secret_options["token_command"]
        return cls(secret_options["token"], TokenCommand(command) if command else None, options.token_lifetime)

    def begin(self, *, may_be_opaque: bool) -> None:
        """Get the first token, where a command gives it, and make sure that it is good.

        :param may_be_opaque: whether a token of `--token` need not be a JWT; the command's may always be opaque.
        :raises Fault: if it is not, or the command fails.
        """
        if self.command is not None:
            self.new()
        if self.token:
            opaque = may_be_opaque or self.command is not None
            preflight.check_token(self.token, self._now_s(), may_be_opaque=opaque)
        self._since_s = self._now_s()

    def new(self) -> str:
        """Return a new token by the command.

        :raises Fault: if it fails.
        """
        assert self.command is not None
        self.token = self.command.token()
        return self.token

    def fresh(self, provision: Provision, rooms: Sequence[Room]) -> list[str]:
        """Return fresh tokens for the owners of rooms, in their order; none if there is no way to get any.

        :raises Fault: if it fails.
        """
        since_s, old = self._now_s(), self.token
        found = list(provision.refresh())
        if not found and self.command is not None and any(room.token == old for room in rooms):
            # An adapter that knows nothing of the command has used the token that it was given.
            new = self.new()
            found = [new if room.token == old else room.token for room in rooms]
        self._since_s = since_s if found else self._since_s
        return found

    def end_in_s(self, rooms: Sequence[Room]) -> float | None:
        """Return in how many seconds the first of the rooms' tokens expires; None if there are none."""
        now_s = self._now_s()
        silent_left_s = self._since_s + self._lifetime_s - now_s
        return tokens.first_ends_in_s({room.token for room in rooms}, now_s, silent_left_s)

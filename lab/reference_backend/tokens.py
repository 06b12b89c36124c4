"""Tokens of the reference backend, and what it makes of a token that is not right."""

from __future__ import annotations

import time
from dataclasses import dataclass
from http.cookies import SimpleCookie
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qs
from uuid import UUID

import jwt

from lab.reference_backend.errors import HttpError
from loadtest.backends.prometheus import contract

if TYPE_CHECKING:
    from starlette.requests import Request

    from lab.reference_backend.database import Database, Row

LIFETIME_S: Final = 86_400
PLACES: Final = ("auth", "header", "query", "cookie")
_HS256: Final = "HS256"


@dataclass(frozen=True, slots=True)
class Keys:
    """With what tokens are signed and checked, and where they are looked for.

    signing, checking: one secret for HS256, the private and the public key as PEM for RS256. places: of `PLACES`,
    in the order of looking. lifetime_s: of the tokens that it gives.
    """

    signing: str
    checking: str
    algorithm: str = _HS256
    places: tuple[str, ...] = ("auth",)
    lifetime_s: int = LIFETIME_S

    def find(self, auth: Any, environ: dict[str, Any]) -> Any:
        """The token of a handshake; None if there is none where it is looked for.

        :param auth: what came with the namespace's CONNECT packet.
        :param environ: of the request.
        """
        seen: dict[str, Any] = {"auth": auth.get(contract.TOKEN) if isinstance(auth, dict) else None}
        header = str(environ.get("HTTP_AUTHORIZATION", ""))
        seen["header"] = header.removeprefix("Bearer ") or None
        seen["query"] = parse_qs(str(environ.get("QUERY_STRING", ""))).get(contract.TOKEN, [None])[0]
        cookie = SimpleCookie(str(environ.get("HTTP_COOKIE", ""))).get(contract.TOKEN)
        seen["cookie"] = cookie.value if cookie else None
        return next((seen[place] for place in self.places if seen[place] is not None), None)


class Tokens:
    """Signs and checks the backend's JWTs.

    :param database: where the users are.
    """

    def __init__(self, keys: Keys, database: Database) -> None:
        self.keys = keys
        self._database = database

    def sign(self, user: Row) -> str:
        """A token for a user's row."""
        now_s = int(time.time())
        expires_s = now_s + self.keys.lifetime_s
        payload = {"id": str(user["id"]), "email": user["email"], "iat": now_s, "exp": expires_s}
        return jwt.encode(payload, self.keys.signing, self.keys.algorithm)

    def verify(self, token: object) -> dict[str, Any]:
        """The payload of a token.

        :raises jwt.InvalidTokenError: if it is no token, wrongly signed or expired.
        """
        if not isinstance(token, str):
            raise jwt.InvalidTokenError("not a string")
        return jwt.decode(token, self.keys.checking, algorithms=[self.keys.algorithm])

    def has_expired(self, token: object) -> bool:
        """Whether nothing is wrong with a token but that its time is over."""
        try:
            self.verify(token)
        except jwt.ExpiredSignatureError:
            return True
        except jwt.InvalidTokenError:
            pass
        return False

    async def user_of(self, request: Request) -> Row:
        """The user who makes a REST request.

        :raises HttpError: 401 for a token that is missing, bad, or of nobody; 500 for an id that is no uuid.
        """
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            raise HttpError(401)
        try:
            payload = self.verify(token)
        except jwt.InvalidTokenError as error:
            raise HttpError(401) from error
        user_id = payload.get("id")
        if user_id is None:
            # The measured hole: an ORM that looks up `id = undefined` finds the first user there is.
            row = await self._database.fetch_one('SELECT * FROM users ORDER BY "createdAt" LIMIT 1')
        else:
            try:
                key = UUID(user_id)
            except (ValueError, AttributeError, TypeError) as error:
                raise HttpError(500, "Internal server error") from error
            row = await self._database.fetch_one("SELECT * FROM users WHERE id = %s", [key])
        if row is None:
            raise HttpError(401)
        return row

"""Tokens of the reference backend, and what it makes of a token that is not right."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any
from uuid import UUID

import jwt

from .errors import HttpError

if TYPE_CHECKING:
    from starlette.requests import Request

    from .database import Database, Row

LIFETIME_S = 86_400
_ALGORITHM = "HS256"


class Tokens:
    """Signs and checks the backend's JWTs.

    :param secret: the HS256 secret.
    :param database: where the users are.
    """

    def __init__(self, secret: str, database: Database) -> None:
        self._secret = secret
        self._database = database

    def sign(self, user: Row) -> str:
        """A token for a user's row, good for one day."""
        now_s = int(time.time())
        payload = {"id": str(user["id"]), "email": user["email"], "iat": now_s, "exp": now_s + LIFETIME_S}
        return jwt.encode(payload, self._secret, _ALGORITHM)

    def verify(self, token: object) -> dict[str, Any]:
        """The payload of a token.

        :raises jwt.InvalidTokenError: if it is no token, wrongly signed or expired.
        """
        if not isinstance(token, str):
            raise jwt.InvalidTokenError("not a string")
        return jwt.decode(token, self._secret, algorithms=[_ALGORITHM])

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

"""Tokens for the run's users, minted with the backend's secret; and what a given token says of itself."""

from __future__ import annotations

from typing import Any

import jwt

_ALGORITHM = "HS256"


def mint(secret: str, user_id: str, email: str, now_s: int, lifetime_s: int) -> str:
    """A token that the backend takes for one of its own."""
    payload = {"id": user_id, "email": email, "iat": now_s, "exp": now_s + lifetime_s}
    return jwt.encode(payload, secret, _ALGORITHM)


def seconds_left(token: str, now_s: float) -> float | None:
    """How long a token is still good, in seconds, unverified; None if it does not say.

    :raises ValueError: if it is no JWT.
    """
    try:
        payload: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    except jwt.InvalidTokenError as error:
        raise ValueError(f"not a JWT: {error}") from error
    expires = payload.get("exp")
    return None if expires is None else float(expires) - now_s

"""Tokens for the run's users, minted with the backend's secret; tokens that are wrong in all ways that there are;
and what a given token says of itself.
"""

from __future__ import annotations

import base64
import hmac
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import jwt
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

if TYPE_CHECKING:
    from collections.abc import Iterable

HS256: Final = "HS256"
RS256: Final = "RS256"
ALGORITHMS: Final = (HS256, RS256)
_WRONG_SECRET: Final = "not-the-backends-secret-0123456789"  # noqa: S105 - that is the point of it
_ID: Final = "id"
EXPIRED: Final = "expired"
"""The one of the `bad_tokens` that is signed well."""


@dataclass(frozen=True, slots=True)
class Mint:
    """Makes tokens that the backend takes for its own.

    :param key: the HS256 secret, or the RS256 private key as PEM.
    :param algorithm: of `ALGORITHMS`.
    """

    key: str
    algorithm: str = HS256

    def token(self, user_id: str, email: str, now_s: int, lifetime_s: int) -> str:
        """For a user, good for so many seconds from now."""
        return self.sign({_ID: user_id, "email": email, "iat": now_s, "exp": now_s + lifetime_s})

    def sign(self, payload: dict[str, Any]) -> str:
        """Any payload."""
        return jwt.encode(payload, self.key, self.algorithm)

    def public_key(self) -> bytes:
        """As PEM; for RS256."""
        private = load_pem_private_key(self.key.encode(), password=None)
        return private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)

    @classmethod
    def of_key_file(cls, path: str) -> Mint:
        """By RS256, with a private key as PEM.

        :raises ValueError: if the file is none.
        :raises OSError: if it cannot be read.
        """
        key = Path(path).read_bytes()
        load_pem_private_key(key, password=None)
        return cls(key.decode(), RS256)


def bad_tokens(good: str, mint: Mint | None, now_s: int) -> dict[str, str]:
    """What is wrong -> a token that nobody may take, made from a good one.

    :param mint: without it, those that need the backend's own key are left out.
    """
    payload = _payload(good)
    altered = _segment({**payload, _ID: "00000000-0000-4000-8000-000000000000"})
    head, _, signature = good.split(".")
    bad = {
        "garbage": "garbage",
        "wrong secret": jwt.encode(payload, _WRONG_SECRET, HS256),
        "alg none": jwt.encode(payload, "", "none"),
        "altered": f"{head}.{altered}.{signature}",
    }
    if mint is not None:
        bad[EXPIRED] = mint.sign({**payload, "iat": now_s - 7200, "exp": now_s - 3600})
    if mint is not None and mint.algorithm == RS256:
        bad["signed with the public key"] = _confused(payload, mint.public_key())
    return bad


def _confused(payload: dict[str, Any], public_key: bytes) -> str:
    """An HS256 token whose secret is what everybody may know: taken by who lets the token choose the algorithm.

    PyJWT refuses to make it.
    """
    signed = f"{_segment({'alg': HS256, 'typ': 'JWT'})}.{_segment(payload)}"
    return f"{signed}.{_base64(hmac.digest(public_key, signed.encode(), 'sha256'))}"


def without_id(good: str, mint: Mint) -> str:
    """A token that is signed well and names no user."""
    return mint.sign({name: value for name, value in _payload(good).items() if name != _ID})


def expiring(good: str, mint: Mint, ends_s: int) -> str:
    """A good one that is over at a moment, in seconds since the epoch."""
    return mint.sign({**_payload(good), "exp": ends_s})


def user_id_of(token: str) -> str:
    """Whose token it says it is; empty if it does not."""
    return str(_payload(token).get(_ID, ""))


def seconds_left(token: str, now_s: float) -> float | None:
    """How long a token is still good, in seconds, unverified; None if it does not say.

    :raises ValueError: if it is no JWT.
    """
    expires = _payload(token).get("exp")
    return None if expires is None else float(expires) - now_s


def _payload(token: str) -> dict[str, Any]:
    try:
        payload: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    except jwt.InvalidTokenError as error:
        raise ValueError(f"not a JWT: {error}") from error
    return payload


def _segment(payload: dict[str, Any]) -> str:
    return _base64(json.dumps(payload).encode())


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def first_ends_in_s(tokens: Iterable[str], now_s: float, silent_left_s: float | None = None) -> float | None:
    """Return in how many seconds the first of some tokens expires; None if that is unknown for all of them.

    :param tokens: an empty one is no token.
    :param silent_left_s: for how long those are good that do not say: opaque ones, and JWTs without an end.
    """
    left = [_seconds_left_or(token, now_s, silent_left_s) for token in tokens if token]
    return min((seconds for seconds in left if seconds is not None), default=None)


def _seconds_left_or(token: str, now_s: float, silent_left_s: float | None) -> float | None:
    try:
        left_s = seconds_left(token, now_s)
    except ValueError:
        left_s = None
    return silent_left_s if left_s is None else left_s

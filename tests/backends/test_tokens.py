import jwt
import pytest

from loadtest.backends import tokens


def test_a_minted_token_has_the_backend_s_claims() -> None:
    token = tokens.Mint("s" * 32).token("id", "a@b.c", 1000, 60)
    claims = jwt.decode(token, "s" * 32, algorithms=["HS256"], options={"verify_exp": False, "verify_iat": False})
    assert claims == {"id": "id", "email": "a@b.c", "iat": 1000, "exp": 1060}


def test_seconds_left() -> None:
    token = tokens.Mint("s" * 32).token("id", "a@b.c", 1000, 60)
    assert tokens.seconds_left(token, 1050) == 10
    assert tokens.seconds_left(token, 1070) == -10
    assert tokens.seconds_left(jwt.encode({}, "s" * 32, "HS256"), 0) is None


def test_the_first_end_of_several_tokens() -> None:
    mint = tokens.Mint("s" * 32)
    soon, late = (mint.token("id", "a@b.c", 1000, lifetime_s) for lifetime_s in (60, 90))
    silent = jwt.encode({}, "s" * 32, "HS256")
    assert tokens.first_ends_in_s([late, soon], 1050) == 10
    assert tokens.first_ends_in_s(["opaque", silent, ""], 1050) is None
    assert tokens.first_ends_in_s(["opaque"], 1050, 7.0) == tokens.first_ends_in_s([silent], 1050, 7.0) == 7
    assert tokens.first_ends_in_s(["opaque", soon], 1050, 20.0) == 10
    assert tokens.first_ends_in_s(["opaque", late], 1050, 20.0) == 20
    assert tokens.first_ends_in_s([""], 1050, 7.0) is None, "no token is none to renew"


def test_no_token() -> None:
    with pytest.raises(ValueError, match="not a JWT"):
        tokens.seconds_left("garbage", 0)

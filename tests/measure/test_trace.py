import pytest
from hypothesis import given
from hypothesis import strategies as st

from measure.trace import MAX_TOKEN_CHARS, CorruptTraceError, Trace, encode, find

traces = st.builds(
    Trace,
    run=st.text("0123456789abcdef", min_size=8, max_size=8),
    room=st.integers(0, 10**6),
    publisher=st.integers(0, 10**6),
    seq=st.integers(0, 10**9),
    due_ns=st.integers(0, 2**63),
)


@given(traces, st.text(), st.text())
def test_a_token_is_found_in_any_text(trace: Trace, before: str, after: str) -> None:
    frame = (before.replace("~", "-") + encode(trace) + after).encode("utf-8", "replace")
    assert find(frame) == trace


@given(traces)
def test_a_token_is_short_plain_ascii(trace: Trace) -> None:
    token = encode(trace)
    assert len(token) <= MAX_TOKEN_CHARS
    assert token.isascii()
    assert not set(token) & set('"\\<>& ')


@given(traces, st.data())
def test_one_changed_character_is_corrupt(trace: Trace, data: st.DataObject) -> None:
    token = encode(trace)
    position = data.draw(st.integers(1, len(token) - 2))
    changed = data.draw(st.sampled_from("0123456789abcdefgxyz.").filter(lambda c: c != token[position]))
    damaged = token[:position] + changed + token[position + 1 :]
    with pytest.raises(CorruptTraceError):
        find(damaged.encode())


@given(st.binary())
def test_anything_is_a_trace_or_none_or_corrupt(frame: bytes) -> None:
    try:
        assert find(frame) is None or encode(find(frame)).encode() in frame  # type: ignore[arg-type]
    except CorruptTraceError:
        assert frame.count(b"~") >= 2


def test_a_frame_without_a_token() -> None:
    assert find("[Docker]: Создаю среду".encode()) is None


def test_what_is_wrong_with_a_token_is_said() -> None:
    token = encode(Trace("0123abcd", 1, 2, 3, 4))
    with pytest.raises(CorruptTraceError, match=r"^wrong checksum$"):
        find(token.replace(".1.", ".2.").encode())
    with pytest.raises(CorruptTraceError, match=r"^not a token between the token's marks$"):
        find(b"~something~")

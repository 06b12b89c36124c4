"""The token that identifies a trigger."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtest.measurement.trace import LEAD, MAX_TOKEN_CHARS, CorruptTraceError, Trace, encode, find

traces = st.builds(
    Trace,
    run=st.text("0123456789abcdef", min_size=8, max_size=8),
    room=st.integers(0, 10**6),
    publisher=st.integers(0, 10**6),
    seq=st.integers(0, 10**9),
    due_ns=st.integers(2**58, 2**62),
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
        assert b"~" in frame


def test_a_frame_without_a_token() -> None:
    assert find("[Docker]: Создаю среду".encode()) is None


@given(traces, st.data())
def test_a_title_that_was_cut_off_within_its_token_is_corrupt(trace: Trace, data: st.DataObject) -> None:
    title = LEAD + encode(trace)
    end = data.draw(st.integers(len(LEAD) + 1, len(title) - 1))
    with pytest.raises(CorruptTraceError):
        find(title[:end].encode())


@pytest.mark.parametrize(
    "text",
    [
        "~/a and ~/b~",
        "~something~",
        '"dependencies": {"a": "~1.2.3", "b": "~2.0.0"}',
        "moved a~1b2c3d4e.bak to b~",
        "~~~~",
        "git show HEAD~3 main~2 0123abcd~",
        "Load tests ~ 5 minutes ~",
    ],
)
def test_tildes_of_other_texts_are_no_matter(text: str) -> None:
    assert find(text.encode()) is None


@given(traces, st.text(alphabet="~.0123456789abcdef", max_size=60))
def test_a_whole_token_is_found_behind_anything(trace: Trace, before: str) -> None:
    assert find(f"{before} {encode(trace)}".encode()) == trace

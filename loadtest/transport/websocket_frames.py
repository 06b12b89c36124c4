"""The client's side of RFC 6455, without I/O: bytes in, messages out; messages in, frames out."""

from __future__ import annotations

from typing import Final

CONTINUATION: Final = 0x0
TEXT: Final = 0x1
BINARY: Final = 0x2
CLOSE: Final = 0x8
PING: Final = 0x9
PONG: Final = 0xA

_FIN: Final = 0x80
_RESERVED: Final = 0x70
_MASKED: Final = 0x80
_FINAL_TEXT: Final = _FIN | TEXT
_SMALL: Final = 125
_TWO_BYTES: Final = 126
_EIGHT_BYTES: Final = 127
_SMALLEST_EIGHT_BYTES: Final = 1 << 16

NORMAL_CLOSURE: Final = 1000
PROTOCOL_ERROR: Final = 1002
NO_STATUS: Final = 1005
INVALID_DATA: Final = 1007
TOO_BIG: Final = 1009
_UNASSIGNED_CODES: Final = frozenset({1004, 1005, 1006, 1015})
_CODES: Final = (range(1000, 1015), range(3000, 5000))

MAX_MESSAGE_BYTES: Final = 16 * 1024 * 1024

Message = tuple[int, bytes]
"""(opcode, payload): a whole TEXT or BINARY message, or one control frame."""


class WebSocketProtocolError(Exception):
    """The server broke the protocol.

    :param code: the close code to answer with (RFC 6455 section 7.4.1).
    """

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.messages: list[Message] = []
        """What came before, and is whole."""


class FrameParser:
    """Cuts a server's bytes into messages; any cut of the bytes gives the same messages.

    Text is not decoded: whoever decodes it finds out whether it is UTF-8. Nothing larger than the limit is kept,
    and after a broken frame or a CLOSE nothing more is taken.

    :param max_message_bytes: the largest message that is taken, over all of its fragments.
    """

    __slots__ = ("_fragments", "_kept", "_limit", "_need", "_opcode", "closed", "idle")

    def __init__(self, max_message_bytes: int = MAX_MESSAGE_BYTES) -> None:
        self._limit = max_message_bytes
        self._kept: bytearray | None = None
        self._need = 0
        self._opcode = CONTINUATION
        self._fragments: list[bytes] | None = None
        self.closed = False
        self.idle = True
        """Whether the next byte begins a new message."""

    def feed(self, data: bytes) -> list[Message]:
        """Take what was read; the messages that are whole now.

        :raises WebSocketProtocolError: if the server broke the protocol; it has the messages before.
        """
        try:
            return self._feed(data)
        finally:
            self.idle = self._kept is None and self._fragments is None and not self.closed

    def _feed(self, data: bytes) -> list[Message]:  # noqa: C901 - one loop over the bytes
        messages: list[Message] = []
        if self.closed:
            return messages
        if self._kept is not None:
            self._kept += data
            if len(self._kept) < self._need:
                return messages
            data = bytes(self._kept)
            self._kept = None
        position = 0
        size = len(data)
        try:
            while size - position >= 2:
                length = data[position + 1]
                start = position + 2
                if length > _SMALL:
                    if length & _MASKED:
                        raise WebSocketProtocolError(PROTOCOL_ERROR, "a masked frame from the server")
                    start = position + (4 if length == _TWO_BYTES else 10)
                    if start > size:
                        self._check_head(data[position], length)
                        self._keep(data, position, start - position)
                        return messages
                    length = self._long_length(data[position + 2 : start])
                end = start + length
                if end > size or data[position] != _FINAL_TEXT or self._fragments is not None:
                    self._check_head(data[position], length)
                    if end > size:
                        self._keep(data, position, end - position)
                        return messages
                    self._take(data[position], data[start:end], messages)
                    if self.closed:
                        return messages
                else:
                    if length > self._limit:
                        raise WebSocketProtocolError(TOO_BIG, f"a message of {length} bytes")
                    messages.append((TEXT, data[start:end]))
                position = end
        except WebSocketProtocolError as error:
            self.closed = True
            error.messages = messages
            raise
        if position < size:
            self._keep(data, position, 2)
        return messages

    def _keep(self, data: bytes, position: int, need: int) -> None:
        self._kept = bytearray(data[position:])
        self._need = need

    def _long_length(self, field: bytes) -> int:
        length = int.from_bytes(field, "big")
        shortest = _SMALL + 1 if len(field) == 2 else _SMALLEST_EIGHT_BYTES
        if length < shortest:
            raise WebSocketProtocolError(PROTOCOL_ERROR, "a length that is not written in the shortest way")
        return length

    def _check_head(self, first: int, length: int) -> None:
        """What is wrong with a frame that can be seen before its payload is there."""
        opcode = first & 0x0F
        if first & _RESERVED:
            raise WebSocketProtocolError(PROTOCOL_ERROR, "reserved bits are set, and no extension was agreed on")
        if opcode >= CLOSE:
            if opcode > PONG:
                raise WebSocketProtocolError(PROTOCOL_ERROR, f"unknown control frame {opcode:#x}")
            if not first & _FIN:
                raise WebSocketProtocolError(PROTOCOL_ERROR, "a fragmented control frame")
            if length > _SMALL:
                raise WebSocketProtocolError(PROTOCOL_ERROR, "a control frame that is too long")
            return
        if opcode > BINARY:
            raise WebSocketProtocolError(PROTOCOL_ERROR, f"unknown data frame {opcode:#x}")
        if opcode == CONTINUATION and self._fragments is None:
            raise WebSocketProtocolError(PROTOCOL_ERROR, "a continuation of nothing")
        if opcode != CONTINUATION and self._fragments is not None:
            raise WebSocketProtocolError(PROTOCOL_ERROR, "a new message inside a fragmented one")
        if length + sum(map(len, self._fragments or ())) > self._limit:
            raise WebSocketProtocolError(TOO_BIG, f"a message of more than {self._limit} bytes")

    def _take(self, first: int, payload: bytes, messages: list[Message]) -> None:
        opcode = first & 0x0F
        if opcode >= CLOSE:
            if opcode == CLOSE:
                close_code(payload)
                self.closed = True
            messages.append((opcode, payload))
            return
        if self._fragments is None:
            if first & _FIN:
                messages.append((opcode, payload))
                return
            self._opcode = opcode
            self._fragments = [payload]
            return
        self._fragments.append(payload)
        if first & _FIN:
            messages.append((self._opcode, b"".join(self._fragments)))
            self._fragments = None


def single_frame(data: bytes, opcode: int = TEXT) -> int:
    """Where the payload begins, if the bytes are exactly one final frame of up to 64 KiB; else 0.

    The short way for most reads, where the parser is idle. What is not quite right is left to the parser.
    """
    length = data[1] if len(data) > 1 and data[0] == _FIN | opcode else 0
    if length == _TWO_BYTES and len(data) > _SMALL:
        return 4 if len(data) == 4 + (data[2] << 8 | data[3]) > 4 + _SMALL else 0
    return 2 if 0 < length <= _SMALL and len(data) == 2 + length else 0


def close_code(payload: bytes) -> tuple[int, str]:
    """The code and the reason in a CLOSE frame's payload; 1005 where it has none.

    :raises WebSocketProtocolError: if they are not right.
    """
    if not payload:
        return NO_STATUS, ""
    code = int.from_bytes(payload[:2], "big")
    if len(payload) == 1 or code in _UNASSIGNED_CODES or not any(code in codes for codes in _CODES):
        raise WebSocketProtocolError(PROTOCOL_ERROR, "a close frame with a code that must not be sent")
    try:
        return code, payload[2:].decode()
    except UnicodeDecodeError as error:
        raise WebSocketProtocolError(INVALID_DATA, "a close frame whose reason is not UTF-8") from error


def build_frame(opcode: int, payload: bytes, key: bytes) -> bytes:
    """One final frame from a client.

    :param key: four random bytes; every frame needs fresh ones (RFC 6455 section 5.3).
    """
    length = len(payload)
    if length <= _SMALL:
        head = bytes((_FIN | opcode, _MASKED | length))
    elif length < _SMALLEST_EIGHT_BYTES:
        head = bytes((_FIN | opcode, _MASKED | _TWO_BYTES)) + length.to_bytes(2, "big")
    else:
        head = bytes((_FIN | opcode, _MASKED | _EIGHT_BYTES)) + length.to_bytes(8, "big")
    return head + key + mask(payload, key)


def mask(payload: bytes, key: bytes) -> bytes:
    """The payload, XORed with the repeated key."""
    length = len(payload)
    pad = (key * (length // 4 + 1))[:length]
    return (int.from_bytes(payload, "big") ^ int.from_bytes(pad, "big")).to_bytes(length, "big")

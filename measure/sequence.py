"""The ledger of one stream at one socket: which sequence numbers came, twice, or out of order."""

from __future__ import annotations


class SequenceLedger:
    """Receives sequence numbers of one stream in their order of arrival.

    `seen` is a bitmap in an int (bit n: number n arrived), so that counting against any set of numbers is one
    `&` and one `bit_count`. A number below the largest seen so far is reordered (RFC 4737, section 3), unless
    it is a duplicate (RFC 5560). Memory: about 100 bytes and one bit for each number.
    """

    __slots__ = ("duplicates", "highest", "reordered", "seen")

    def __init__(self) -> None:
        self.seen = 0
        self.highest = -1
        self.duplicates = 0
        self.reordered = 0

    def record(self, seq: int) -> bool:
        """Record one arrival; False if it is a duplicate."""
        bit = 1 << seq
        if self.seen & bit:
            self.duplicates += 1
            return False
        self.seen |= bit
        if seq > self.highest:
            self.highest = seq
        else:
            self.reordered += 1
        return True

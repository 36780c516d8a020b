"""Which items of a pool are tried first: shared/lease/src/hints.rs in Python."""

import random
import zlib
from typing import Any

Key = dict[str, Any]

_NARROW, _WIDE = 32, 512
_MOST_LANES = 64
_KEPT_MS = 30_000
_LANE = random.getrandbits(32)


class Hints:
    """Keys that were claimable a moment ago: never trusted, only tried. Whoever loses a try keeps to a lane of its own."""

    def __init__(self) -> None:
        self._keys: list[Key] = []
        self._read_at = 0
        self._lanes = 1
        self._lost = False

    def width(self) -> int:
        """How many keys the next page should have."""
        return min(_NARROW * self._lanes, _WIDE)

    def draw(self, now: int) -> Key | None:
        """A key to try, at random, if one is left that is not too old."""
        if self._read_at + _KEPT_MS < now:
            self._keys.clear()
        if not self._keys:
            return None
        at = random.randrange(len(self._keys))
        self._keys[at], self._keys[-1] = self._keys[-1], self._keys[at]
        return self._keys.pop()

    def refill(self, page: list[Key], now: int) -> None:
        """Takes a page as it was read at `now`."""
        if not self._lost:
            self._lanes = max(self._lanes // 2, 1)
        self._read_at, self._lost = now, False
        # Nobody may be left in the lanes of the others.
        self._keys = [key for key in page if self._is_own(key)] or page

    def lose(self) -> None:
        """Learns that an item was taken by another before it could be."""
        self._lost = True
        self._lanes = min(self._lanes * 2, _MOST_LANES)
        self._keys = [key for key in self._keys if self._is_own(key)]

    def _is_own(self, key: Key) -> bool:
        return zlib.crc32(key["pk"]["S"].encode()) % self._lanes == _LANE % self._lanes

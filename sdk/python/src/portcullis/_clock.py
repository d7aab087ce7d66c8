"""Time and chance, in one place, so that tests can have their own.

Invariant: nothing here knows what day it is: a wrong wall clock, or one that is set, matters nowhere.
"""

from __future__ import annotations

import asyncio
import secrets
import time

_UNIT = 1 << 53


class Clock:
    """The monotonic clock, sleep, and randomness."""

    def now(self) -> float:
        """Return seconds since some moment."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Block the thread that calls."""
        time.sleep(seconds)

    async def sleep_async(self, seconds: float) -> None:
        """Block only the task that calls."""
        await asyncio.sleep(seconds)

    def chance(self) -> float:
        """Return a number from 0 up to, but not including, 1; never the same in two forked processes."""
        return secrets.randbelow(_UNIT) / _UNIT

"""What is remembered between calls: the token, and what failed lately. No I/O, no lock: its owner has one.

Invariant: a token is handed out only before it expires, by the monotonic clock from before it was asked for.
"""

from __future__ import annotations

from dataclasses import dataclass

from ._answer import Failure, Minted
from ._secret import AccessToken

# After a refresh ahead that failed: the old token is good, nobody waits.
_PAUSE = 5.0
# A token that is refused so soon is hardly at fault: the edge's clock is behind, or it has not heard of the credential.
# Another would be refused as well, and an exchange for each request is more than the token endpoint answers.
_NEW_FOR = 5.0


@dataclass(frozen=True)
class Held:
    """A token and when it ends."""

    token: AccessToken
    new_until: float
    refresh_at: float
    expires_at: float


@dataclass(frozen=True)
class Look:
    """What a caller gets now: a token, perhaps one to replace; or a failure; or neither, and an exchange is due."""

    token: AccessToken | None = None
    refresh: bool = False
    failure: Failure | None = None


class Cache:
    """The memory of a token source."""

    def __init__(self, token_refresh_buffer: float) -> None:
        self._buffer = token_refresh_buffer
        self._held: Held | None = None
        self._failure: tuple[float, Failure] | None = None
        self._quiet_until = 0.0

    def look(self, now: float) -> Look:
        """Say what there is."""
        failure = self._failure[1] if self._failure and now < self._failure[0] else None
        held = self._held
        if held and now < held.expires_at:
            refresh = now >= held.refresh_at and failure is None and now >= self._quiet_until
            return Look(token=held.token, refresh=refresh)
        return Look(failure=failure)

    def store(self, result: Minted | Failure, started: float, now: float) -> None:
        """Remember how an exchange went that was begun at `started`."""
        if isinstance(result, Failure):
            self._quiet_until = now + _PAUSE
            self._failure = (now + result.remember_for, result) if result.remember_for else None
            return
        expires_at = started + result.lifetime
        # Half of a short lifetime at most: a token is not refreshed on each call.
        refresh_at = expires_at - min(self._buffer, result.lifetime / 2)
        # Once it has ended, a refusal is right.
        new_until = started + min(_NEW_FOR, result.lifetime)
        self._held = Held(result.token, new_until, refresh_at, expires_at)
        self._failure = None
        self._quiet_until = 0.0

    def invalidate(self, token: AccessToken, now: float) -> bool:
        """Forget a token that the API refused, unless it is new or was replaced; say whether to ask for another."""
        held = self._held
        if held is None or held.token is not token:
            return True
        if now < held.new_until:
            return False
        self._held = None
        return True

"""One exchange, attempt after attempt, without I/O: it says what to do next and is told what came of it.

Threads and tasks drive the same generator. Invariant: it ends before its deadline with a token or a failure.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass

from ._answer import LONGEST_PAUSE, Again, Answer, Failure, Minted, read_answer
from ._clock import Clock
from ._plan import Plan
from .errors import UnavailableError

_FIRST_PAUSE = 0.2
_LONGEST_BACK_OFF = 5.0
_ATTEMPT = 10.0


@dataclass(frozen=True)
class Send:
    """Send the request; it may take so many seconds."""

    timeout: float


@dataclass(frozen=True)
class Wait:
    """Wait for so many seconds."""

    seconds: float


@dataclass(frozen=True)
class Unreachable:
    """Nothing answered."""

    cause: str


Step = Send | Wait
Outcome = Answer | Unreachable | None
Exchange = Generator[Step, Outcome, Minted | Failure]


def exchange(plan: Plan, clock: Clock) -> Exchange:
    """Try until there is a token, a refusal, or no time left."""
    until = clock.now() + plan.deadline
    attempt = 0
    while True:
        outcome = yield Send(min(_ATTEMPT, max(until - clock.now(), 0.001)))
        if isinstance(outcome, Answer):
            read = read_answer(outcome, plan)
        else:
            read = Again(outcome.cause if outcome else "nothing was sent")
        if not isinstance(read, Again):
            return read
        pause = back_off(attempt, read.after, clock.chance())
        attempt += 1
        if clock.now() + pause >= until:
            return _given_up(read)
        yield Wait(pause)


def _given_up(last: Again) -> Failure:
    # Where the server said when to come back, nobody comes earlier.
    wanted = None if last.after is None else min(last.after, LONGEST_PAUSE)
    return Failure(lambda: UnavailableError(last.cause, last.after), wanted)


def back_off(attempt: int, retry_after: float | None, chance: float) -> float:
    """Return how long to wait: full jitter, so that many who failed together do not come back together."""
    jitter: float = chance * min(_LONGEST_BACK_OFF, _FIRST_PAUSE * 2 ** min(attempt, 16))
    # What the server asks for is the least; the jitter is on top of it.
    return jitter if retry_after is None else retry_after + min(jitter, 1.0)

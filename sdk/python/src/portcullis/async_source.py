"""Access tokens for asyncio.

One exchange is in flight for an event loop however many tasks ask; the token is shared by all loops. Invariant: the
exchange is a task of its own: a caller that is cancelled leaves nobody without an answer.
"""

from __future__ import annotations

import asyncio
import ssl
import threading
import weakref
from collections.abc import Iterable

import httpx

from ._answer import MAX_BYTES, Answer, Failure, Minted
from ._cache import Cache
from ._clock import Clock
from ._exchange import Outcome, Send, Unreachable, exchange
from ._fork import tell_after_fork
from ._plan import Plan, make_plan
from ._secret import AccessToken, Unpicklable
from .credentials import Credentials
from .errors import UnavailableError

_Flight = asyncio.Task[Minted | Failure]
_CLOCK = Clock()
_BROKEN_OFF = Failure(lambda: UnavailableError("the exchange broke off"))


class AsyncTokenSource(Unpicklable):
    """What `TokenSource` is, for tasks."""

    def __init__(
        self,
        credentials: Credentials,
        *,
        scopes: Iterable[str] = (),
        resource: str | None = None,
        token_refresh_buffer: float = 60.0,
        deadline: float = 30.0,
        allow_plain_http: bool = False,
        ssl_context: ssl.SSLContext | None = None,
        _clock: Clock = _CLOCK,
    ) -> None:
        self._plan = make_plan(
            credentials, scopes, resource, token_refresh_buffer, deadline, allow_plain_http, ssl_context
        )
        self._clock = _clock
        self._cache = Cache(token_refresh_buffer)
        self._lock = threading.Lock()  # never held over an await
        self._flights: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, _Flight] = weakref.WeakKeyDictionary()
        tell_after_fork(self)

    async def token(self) -> AccessToken:
        """Return a token that is good now."""
        with self._lock:
            look = self._cache.look(self._clock.now())
            if look.token is not None:
                if look.refresh:
                    self._flight()
                return look.token
            if look.failure is not None:
                raise look.failure.error()
            flight = self._flight()
        result = await asyncio.shield(flight)
        if isinstance(result, Failure):
            raise result.error()
        return result.token

    def invalidate(self, token: AccessToken) -> bool:
        """Forget a token that the API refused as invalid, and return whether to try again with `token()`.

        One that was asked for less than 5 s ago is kept: another would be refused as well. One that was replaced
        meanwhile changes nothing: its successor is worth a try.
        """
        with self._lock:
            return self._cache.invalidate(token, self._clock.now())

    def _flight(self) -> _Flight:
        loop = asyncio.get_running_loop()
        flight = self._flights.get(loop)
        if flight is None or flight.done():
            flight = loop.create_task(self._fly(), name="portcullis-token")
            self._flights[loop] = flight
        return flight

    async def _fly(self) -> Minted | Failure:
        started = self._clock.now()
        result: Minted | Failure = _BROKEN_OFF
        try:
            result, started = await self._exchange()
        finally:
            with self._lock:
                self._cache.store(result, started, self._clock.now())
                self._flights.pop(asyncio.get_running_loop(), None)
        return result

    async def _exchange(self) -> tuple[Minted | Failure, float]:
        """Carry one out; also says when the request was sent whose answer counts."""
        steps = exchange(self._plan, self._clock)
        sent = self._clock.now()
        outcome: Outcome = None
        while True:
            try:
                step = steps.send(outcome)
            except StopIteration as end:
                return end.value, sent
            if isinstance(step, Send):
                sent = self._clock.now()
                outcome = await _send_within(self._plan, step.timeout)
            else:
                await self._clock.sleep_async(step.seconds)
                outcome = None

    def _after_fork(self) -> None:
        self._lock = threading.Lock()
        self._flights = weakref.WeakKeyDictionary()

    def __repr__(self) -> str:
        return f"AsyncTokenSource({self._plan.url!r})"


async def _send_within(plan: Plan, timeout: float) -> Outcome:
    try:
        return await asyncio.wait_for(_send(plan, timeout), timeout)
    except asyncio.TimeoutError:
        return Unreachable("no answer in time")


async def _send(plan: Plan, timeout: float) -> Outcome:
    """Send the request once, on a connection of its own: the next one is minutes away."""
    trust = plan.trusts_environment
    try:
        async with httpx.AsyncClient(verify=plan.ssl_context, trust_env=trust, timeout=timeout) as client:
            response = await client.send(plan.request(), stream=True)
            body = b""
            async for piece in response.aiter_bytes():
                body += piece
                if len(body) > MAX_BYTES:
                    break
            await response.aclose()
            return Answer(response.status_code, response.headers, body)
    except (httpx.HTTPError, OSError) as error:
        # The error itself holds the request, and that the secret.
        return Unreachable(f"{type(error).__name__}: {error}" if str(error) else type(error).__name__)

"""Access tokens for threads.

One exchange is in flight however many threads ask; while the token is still good, nobody waits for its successor.
Invariant: the exchange runs in a thread of its own: a caller that is interrupted leaves nobody without an answer.
"""

from __future__ import annotations

import ssl
import threading
from collections.abc import Iterable
from concurrent.futures import Future

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

_Flight = Future[Minted | Failure]
_CLOCK = Clock()
_BROKEN_OFF = Failure(lambda: UnavailableError("the exchange broke off"))


class TokenSource(Unpicklable):
    """Exchanges credentials for access tokens, keeps the token and renews it in time. One for a process is enough."""

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
        self._lock = threading.Lock()
        self._flight: _Flight | None = None
        tell_after_fork(self)

    def token(self) -> AccessToken:
        """Return a token that is good now."""
        with self._lock:
            look = self._cache.look(self._clock.now())
            if look.token is not None:
                if look.refresh and self._flight is None:
                    self._start()
                return look.token
            if look.failure is not None:
                raise look.failure.error()
            flight = self._flight or self._start()
        result = flight.result()
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

    def _start(self) -> _Flight:
        flight: _Flight = Future()
        try:
            threading.Thread(target=self._fly, args=(flight,), name="portcullis-token", daemon=True).start()
        except RuntimeError:
            # No thread can be started, as at the interpreter's end: the next caller tries again.
            flight.set_result(Failure(lambda: UnavailableError("no thread can be started")))
            return flight
        self._flight = flight
        return flight

    def _fly(self, flight: _Flight) -> None:
        started = self._clock.now()
        result: Minted | Failure = _BROKEN_OFF
        try:
            result, started = self._exchange()
        finally:
            with self._lock:
                self._cache.store(result, started, self._clock.now())
                self._flight = None
            flight.set_result(result)

    def _exchange(self) -> tuple[Minted | Failure, float]:
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
                outcome = send(self._plan, step.timeout)
            else:
                self._clock.sleep(step.seconds)
                outcome = None

    def _after_fork(self) -> None:
        self._lock = threading.Lock()
        self._flight = None

    def __repr__(self) -> str:
        return f"TokenSource({self._plan.url!r})"


def send(plan: Plan, timeout: float) -> Outcome:
    """Send the request once, on a connection of its own: the next one is minutes away."""
    trust = plan.trusts_environment
    try:
        with httpx.Client(verify=plan.ssl_context, trust_env=trust, timeout=timeout) as client:
            response = client.send(plan.request(), stream=True)
            body = b""
            for piece in response.iter_bytes():
                body += piece
                if len(body) > MAX_BYTES:
                    break
            return Answer(response.status_code, response.headers, body)
    except (httpx.HTTPError, OSError) as error:
        # The error itself holds the request, and that the secret.
        return Unreachable(f"{type(error).__name__}: {error}" if str(error) else type(error).__name__)

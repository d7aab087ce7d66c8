"""Authentication of httpx clients: the token on every request, and one more attempt after `error="invalid_token"`.

Invariant: a request whose body cannot be sent twice is sent once, and no token is given up that was asked for a moment
ago.
"""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Generator

import httpx

from ._secret import AccessToken, Unpicklable
from .async_source import AsyncTokenSource
from .source import TokenSource

_INVALID_TOKEN = re.compile(r"(?:^|[\s,])error\s*=\s*\"?invalid_token\b", re.IGNORECASE)


class TokenAuth(httpx.Auth, Unpicklable):
    """For `httpx.Client(auth=TokenAuth(source))`."""

    def __init__(self, source: TokenSource) -> None:
        self._source = source

    def sync_auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Send with the token, and once more with a new one if that is worth it."""
        token = self._source.token()
        response = yield _with(request, token)
        if refuses_token(response) and self._source.invalidate(token) and _can_repeat(request):
            yield _with(request, self._source.token())

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        """Refuse: a token source of threads would block the loop."""
        raise TypeError("TokenAuth is for httpx.Client\nhint: use AsyncTokenAuth with httpx.AsyncClient")
        yield request


class AsyncTokenAuth(httpx.Auth, Unpicklable):
    """For `httpx.AsyncClient(auth=AsyncTokenAuth(source))`."""

    def __init__(self, source: AsyncTokenSource) -> None:
        self._source = source

    def sync_auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Refuse: there is no loop to wait in."""
        raise TypeError("AsyncTokenAuth is for httpx.AsyncClient\nhint: use TokenAuth with httpx.Client")
        yield request

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        """Send with the token, and once more with a new one if that is worth it."""
        token = await self._source.token()
        response = yield _with(request, token)
        if refuses_token(response) and self._source.invalidate(token) and _can_repeat(request):
            yield _with(request, await self._source.token())


def refuses_token(response: httpx.Response) -> bool:
    """Whether a response says that the access token is not, or no longer, good (RFC 6750 §3.1)."""
    challenges = response.headers.get_list("www-authenticate")
    return response.status_code == 401 and any(_INVALID_TOKEN.search(challenge) for challenge in challenges)


def _with(request: httpx.Request, token: AccessToken) -> httpx.Request:
    request.headers["authorization"] = f"Bearer {token.expose()}"
    return request


def _can_repeat(request: httpx.Request) -> bool:
    # Whatever else a body comes from may be used up by now.
    return isinstance(request.stream, httpx.ByteStream)

"""httpx clients with tokens: one more attempt after `invalid_token`, none with a body that is used up."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator

import httpx
import pytest

from portcullis import AsyncTokenAuth, AsyncTokenSource, TokenAuth, TokenSource
from scripted import Reply, credentials, minted, serving

EXPIRED = Reply(401, headers={"WWW-Authenticate": 'Bearer realm="x", error="invalid_token"'})
MISSING = Reply(401, headers={"WWW-Authenticate": 'Bearer realm="x"'})
FORBIDDEN = Reply(403, headers={"WWW-Authenticate": 'Bearer error="invalid_token"'})


def _pieces() -> Iterator[bytes]:
    yield b"a"
    yield b"b"


async def _async_pieces() -> AsyncIterator[bytes]:
    yield b"a"
    yield b"b"


CASES = [
    ([Reply(200)], "text", [200], ["t1"]),
    ([EXPIRED, Reply(200)], "nothing", [200], ["t1", "t2"]),
    ([EXPIRED, Reply(200)], "text", [200], ["t1", "t2"]),
    ([EXPIRED, EXPIRED, Reply(200)], "text", [401], ["t1", "t2"]),
    ([EXPIRED, Reply(200)], "stream", [401], ["t1"]),
    ([MISSING, Reply(200)], "text", [401], ["t1"]),
    ([FORBIDDEN, Reply(200)], "text", [403], ["t1"]),
]


@pytest.mark.parametrize("asynchronous", [False, True])
@pytest.mark.parametrize(("script", "body", "statuses", "tokens"), CASES)
def test_requests(asynchronous: bool, script: list[Reply], body: str, statuses: list[int], tokens: list[str]) -> None:
    with serving(minted("t1"), minted("t2"), minted("t3")) as auth, serving(*script) as api:
        status = (
            asyncio.run(_send(auth.url, api.url, body)) if asynchronous else _send_blocking(auth.url, api.url, body)
        )
        assert [status] == statuses
        assert [seen.headers["authorization"] for seen in api.seen] == [f"Bearer {token}" for token in tokens]
        assert {seen.body for seen in api.seen} == {b"" if body == "nothing" else b"ab"}


def _send_blocking(auth: str, api: str, body: str) -> int:
    content = {"nothing": None, "text": b"ab", "stream": _pieces()}[body]
    with httpx.Client(auth=TokenAuth(TokenSource(credentials(auth))), trust_env=False) as client:
        return client.post(api, content=content).status_code


async def _send(auth: str, api: str, body: str) -> int:
    content = {"nothing": None, "text": b"ab", "stream": _async_pieces()}[body]
    async with httpx.AsyncClient(auth=AsyncTokenAuth(AsyncTokenSource(credentials(auth))), trust_env=False) as client:
        return (await client.post(api, content=content)).status_code


def test_the_wrong_kind_of_client_is_told() -> None:
    nowhere = "http://127.0.0.1:1"
    auth = AsyncTokenAuth(AsyncTokenSource(credentials(nowhere)))
    with httpx.Client(auth=auth) as client, pytest.raises(TypeError, match="use TokenAuth"):
        client.get(nowhere)

    async def run() -> None:
        async with httpx.AsyncClient(auth=TokenAuth(TokenSource(credentials(nowhere)))) as client:
            await client.get(nowhere)

    with pytest.raises(TypeError, match="use AsyncTokenAuth"):
        asyncio.run(run())

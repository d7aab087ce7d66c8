"""httpx clients with tokens: when a request is sent once more, and when it is not."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from portcullis import AsyncTokenAuth, AsyncTokenSource, RefusedError, TokenAuth, TokenSource
from scripted import Kind, ManualClock, Reply, Tasks, Threads, credentials, minted, refused, serving, using

EXPIRED = Reply(401, headers={"WWW-Authenticate": 'Bearer realm="x", error="invalid_token"'})
MISSING = Reply(401, headers={"WWW-Authenticate": 'Bearer realm="x"'})
FORBIDDEN = Reply(403, headers={"WWW-Authenticate": 'Bearer error="invalid_token"'})
TOKENS = [minted("t1"), minted("t2"), minted("t3")]

both = pytest.mark.parametrize("kind", [Threads, Tasks])

# Replies of the API, the body, how old the token is; the status, the tokens that the API was sent.
CASES = [
    ([Reply(200)], "text", 5, 200, ["t1"]),
    ([EXPIRED, Reply(200)], "nothing", 5, 200, ["t1", "t2"]),
    ([EXPIRED, Reply(200)], "text", 5, 200, ["t1", "t2"]),
    ([EXPIRED, EXPIRED, Reply(200)], "text", 5, 401, ["t1", "t2"]),
    ([EXPIRED, Reply(200)], "stream", 5, 401, ["t1"]),
    ([EXPIRED, Reply(200)], "text", 0, 401, ["t1"]),
    ([EXPIRED, Reply(200)], "text", 4.999, 401, ["t1"]),
    ([MISSING, Reply(200)], "text", 5, 401, ["t1"]),
    ([FORBIDDEN, Reply(200)], "text", 5, 403, ["t1"]),
]


@both
@pytest.mark.parametrize(("script", "body", "age", "status", "tokens"), CASES)
def test_requests(kind: Kind, script: list[Reply], body: str, age: float, status: int, tokens: list[str]) -> None:
    clock = ManualClock()
    with serving(*TOKENS) as auth, serving(*script) as api, using(kind, auth.url, _clock=clock) as it:
        it.token()
        clock.advance(age)
        assert it.post(api.url, body) == status
        assert [seen.headers["authorization"] for seen in api.seen] == [f"Bearer {token}" for token in tokens]
        assert {seen.body for seen in api.seen} == {b"" if body == "nothing" else b"ab"}
        assert len(auth.seen) == len(tokens)


@both
def test_an_api_that_refuses_every_token_makes_no_storm_of_exchanges(kind: Kind) -> None:
    clock = ManualClock()
    with serving(*TOKENS) as auth, serving(EXPIRED) as api, using(kind, auth.url, _clock=clock) as it:
        for exchanges, requests in ((1, 10), (2, 21), (3, 32)):
            assert [it.post(api.url) for _ in range(10)] == [401] * 10
            assert (len(auth.seen), len(api.seen)) == (exchanges, requests)
            clock.advance(5)


@both
def test_a_request_whose_token_was_replaced_meanwhile_is_repeated_with_the_newer_one(kind: Kind) -> None:
    clock = ManualClock()
    with serving(*TOKENS) as auth, serving(EXPIRED, Reply(200)) as api, using(kind, auth.url, _clock=clock) as it:
        first = it.token()
        clock.advance(5)
        api.gate.clear()
        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(it.post, api.url)
            api.wait_seen(1)
            it.invalidate(first)
            assert it.token().expose() == "t2"
            api.gate.set()
            assert waiting.result() == 200
        assert [seen.headers["authorization"] for seen in api.seen] == ["Bearer t1", "Bearer t2"]
        assert len(auth.seen) == 2


@both
def test_a_credential_that_was_revoked_is_told_so_after_the_api_refused_its_token(kind: Kind) -> None:
    clock = ManualClock()
    with serving(minted(), refused()) as auth, serving(EXPIRED) as api, using(kind, auth.url, _clock=clock) as it:
        it.token()
        clock.advance(5)
        with pytest.raises(RefusedError, match="invalid_client"):
            it.post(api.url)


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

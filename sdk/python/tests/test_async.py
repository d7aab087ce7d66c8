"""What only tasks do: they are cancelled, and run on one loop after another."""

from __future__ import annotations

import asyncio

import pytest

from portcullis import AsyncTokenSource
from scripted import credentials, minted, serving, until


def test_a_cancelled_caller_strands_nobody() -> None:
    with serving(minted()) as server:

        async def run() -> None:
            source = AsyncTokenSource(credentials(server.url))
            server.gate.clear()
            first = asyncio.create_task(source.token())
            await asyncio.to_thread(server.wait_seen, 1)
            others = [asyncio.create_task(source.token()) for _ in range(5)]
            await asyncio.sleep(0)
            first.cancel()
            with pytest.raises(asyncio.CancelledError):
                await first
            server.gate.set()
            assert {token.expose() for token in await asyncio.gather(*others)} == {"t1"}

        asyncio.run(run())
        assert len(server.seen) == 1


def test_loops_share_the_token_and_a_loop_that_ended_strands_nobody() -> None:
    with serving(minted("t1"), minted("t2")) as server:
        source = AsyncTokenSource(credentials(server.url))
        server.gate.clear()

        async def give_up() -> None:
            caller = asyncio.create_task(source.token())
            await asyncio.to_thread(server.wait_seen, 1)
            caller.cancel()

        asyncio.run(give_up())
        server.gate.set()
        for _ in range(2):
            assert asyncio.run(source.token()).expose() == "t2"
        until(lambda: len(server.seen) == 2)

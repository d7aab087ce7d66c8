"""A service that uses `sdk/python` as its users do: PORTCULLIS_* say who it is, httpx calls the API.

Whoever drives it sends one JSON object a line, `{"url": …, "kind": "threads" | "tasks", "count": N}`, and gets one
back: the statuses of that many requests made at once, or `{"error": …}`. Invariant: one source of each kind lives as
long as this does.
"""

from __future__ import annotations

import asyncio
import json
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx

from portcullis import AsyncTokenAuth, AsyncTokenSource, Credentials, TokenAuth, TokenError, TokenSource


def main() -> None:
    """Carry out one order after another."""
    credentials = Credentials.from_env()
    blocking = httpx.Client(auth=TokenAuth(TokenSource(credentials)), trust_env=False)
    tasks = AsyncTokenAuth(AsyncTokenSource(credentials))
    for line in sys.stdin:
        order: dict[str, Any] = json.loads(line)
        url, count = order["url"], order.get("count", 1)
        try:
            if order.get("kind", "threads") == "threads":
                with ThreadPoolExecutor(count) as pool:
                    statuses = list(pool.map(lambda _, url=url: blocking.get(url).status_code, range(count)))
            else:
                statuses = asyncio.run(_at_once(tasks, url, count))
            answer: dict[str, Any] = {"statuses": statuses}
        except (TokenError, httpx.HTTPError) as error:
            answer = {"error": type(error).__name__, "code": getattr(error, "code", None), "text": str(error)}
        print(json.dumps(answer), flush=True)


async def _at_once(auth: AsyncTokenAuth, url: str, count: int) -> list[int]:
    async with httpx.AsyncClient(auth=auth, trust_env=False) as client:
        answers = await asyncio.gather(*(client.get(url) for _ in range(count)))
    return [answer.status_code for answer in answers]


if __name__ == "__main__":
    main()

"""Calls an API behind Portcullis ten times at once. PORTCULLIS_* say who we are; the first argument is the URL."""

import asyncio
import sys

import httpx

from portcullis import AsyncTokenAuth, AsyncTokenSource, Credentials


async def main() -> None:
    """Print the statuses: one exchange serves them all."""
    source = AsyncTokenSource(Credentials.from_env())
    async with httpx.AsyncClient(auth=AsyncTokenAuth(source)) as client:
        answers = await asyncio.gather(*(client.get(sys.argv[1]) for _ in range(10)))
        print([answer.status_code for answer in answers])


if __name__ == "__main__":
    asyncio.run(main())

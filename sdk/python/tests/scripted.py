"""A local HTTP server that answers by a script, a clock that tests move, and both kinds of sources behind one face."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx

from portcullis import AccessToken, AsyncTokenAuth, AsyncTokenSource, Credentials, TokenAuth, TokenSource
from portcullis._clock import Clock

SECRET = "secret_a+b/c:d%e&f"
_PATIENCE = 10.0


@dataclass(frozen=True)
class Reply:
    """What the server does with a request. Status 0: it hangs up."""

    status: int = 200
    fields: object = None
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes | None = None


@dataclass(frozen=True)
class Seen:
    method: str
    path: str
    headers: dict[str, str]
    body: bytes


def minted(text: str = "t1", lifetime: object = 900, **more: object) -> Reply:
    return Reply(200, {"access_token": text, "token_type": "Bearer", "expires_in": lifetime, **more})


def refused(code: str = "invalid_client", status: int = 401, **more: object) -> Reply:
    return Reply(status, {"error": code, **more})


class Server:
    """Answers one reply a request; the last one again and again."""

    def __init__(self, replies: Iterable[Reply], on_request: Callable[[], None] = lambda: None) -> None:
        self.replies = list(replies)
        self.seen: list[Seen] = []
        self.gate = threading.Event()
        self.gate.set()
        self._on_request = on_request
        self._lock = threading.Lock()
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._http.daemon_threads = True
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._http.server_address[1]}"

    def stop(self) -> None:
        self.gate.set()
        self._http.shutdown()
        self._http.server_close()

    def wait_seen(self, count: int) -> None:
        until(lambda: len(self.seen) >= count)

    def _next(self, seen: Seen) -> Reply:
        with self._lock:
            self.seen.append(seen)
            reply = self.replies[0]
            if len(self.replies) > 1:
                del self.replies[0]
        self._on_request()
        assert self.gate.wait(_PATIENCE)
        return reply

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            def _answer(self) -> None:
                body = self._body()
                seen = Seen(self.command, self.path, {k.lower(): v for k, v in self.headers.items()}, body)
                reply = server._next(seen)
                if not reply.status:
                    return
                text = json.dumps(reply.fields or {}).encode() if reply.body is None else reply.body
                self.send_response_only(reply.status)
                for name, value in {"content-length": str(len(text)), **reply.headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(text)

            def _body(self) -> bytes:
                if self.headers.get("transfer-encoding") != "chunked":
                    return self.rfile.read(int(self.headers.get("content-length", 0)))
                body = b""
                while size := int(self.rfile.readline(), 16):
                    body += self.rfile.read(size)
                    self.rfile.readline()
                self.rfile.readline()
                return body

            do_POST = do_GET = _answer  # noqa: N815

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
                pass

        return Handler


@contextmanager
def serving(*replies: Reply, on_request: Callable[[], None] = lambda: None) -> Iterator[Server]:
    server = Server(replies, on_request)
    try:
        yield server
    finally:
        server.stop()


class ManualClock(Clock):
    """Stands still until it is moved; who sleeps moves it."""

    def __init__(self, chance: float = 0.5) -> None:
        self._now = 1000.0
        self._chance = chance
        self.slept: list[float] = []

    def now(self) -> float:
        return self._now

    def advance(self, seconds: float) -> None:
        self._now += seconds

    def sleep(self, seconds: float) -> None:
        self.slept.append(round(seconds, 3))
        self.advance(seconds)

    async def sleep_async(self, seconds: float) -> None:
        self.sleep(seconds)

    def chance(self) -> float:
        return self._chance


class Threads:
    """A `TokenSource`."""

    def __init__(self, url: str, **options: Any) -> None:
        self.source = TokenSource(credentials(url), **options)
        self.invalidate = self.source.invalidate

    def token(self) -> AccessToken:
        return self.source.token()

    def tokens(self, count: int) -> list[AccessToken]:
        with ThreadPoolExecutor(count) as pool:
            return list(pool.map(lambda _: self.source.token(), range(count)))

    def post(self, url: str, body: str = "nothing") -> int:
        content = {"nothing": None, "text": b"ab", "stream": iter((b"a", b"b"))}[body]
        with httpx.Client(auth=TokenAuth(self.source), trust_env=False) as client:
            return client.post(url, content=content).status_code

    def is_exchanging(self) -> bool:
        return self.source._flight is not None

    def close(self) -> None:
        pass


class Tasks:
    """An `AsyncTokenSource`, on a loop of its own."""

    def __init__(self, url: str, **options: Any) -> None:
        self.source = AsyncTokenSource(credentials(url), **options)
        self.invalidate = self.source.invalidate
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self._thread.start()

    def token(self) -> AccessToken:
        return asyncio.run_coroutine_threadsafe(self.source.token(), self.loop).result(_PATIENCE)

    def tokens(self, count: int) -> list[AccessToken]:
        async def all_at_once() -> list[AccessToken]:
            return await asyncio.gather(*(self.source.token() for _ in range(count)))

        return asyncio.run_coroutine_threadsafe(all_at_once(), self.loop).result(_PATIENCE)

    def post(self, url: str, body: str = "nothing") -> int:
        async def sent() -> int:
            content = {"nothing": None, "text": b"ab", "stream": _pieces()}[body]
            async with httpx.AsyncClient(auth=AsyncTokenAuth(self.source), trust_env=False) as client:
                return (await client.post(url, content=content)).status_code

        return asyncio.run_coroutine_threadsafe(sent(), self.loop).result(_PATIENCE)

    def is_exchanging(self) -> bool:
        return bool(self.source._flights)

    def close(self) -> None:
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(_PATIENCE)
        self.loop.close()


Kind = type[Threads] | type[Tasks]


@contextmanager
def using(kind: Kind, url: str, **options: Any) -> Iterator[Threads | Tasks]:
    it = kind(url, **options)
    try:
        yield it
    finally:
        it.close()


async def _pieces() -> AsyncIterator[bytes]:
    yield b"a"
    yield b"b"


def credentials(url: str) -> Credentials:
    return Credentials(org_id="org_1", key_id="key_1", secret=SECRET, auth_url=url)


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _PATIENCE
    while not holds():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.002)

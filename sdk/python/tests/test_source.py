"""Token sources against a scripted server: one exchange in flight, renewal in time, patience in an outage."""

from __future__ import annotations

import base64
import os
import signal
import threading
from typing import Any
from urllib.parse import parse_qs, unquote_plus

import pytest

from portcullis import RefusedError, TokenError, UnavailableError, UnexpectedAnswerError
from scripted import (
    SECRET,
    Kind,
    ManualClock,
    Reply,
    Tasks,
    Threads,
    minted,
    refused,
    serving,
    until,
    using,
)

both = pytest.mark.parametrize("kind", [Threads, Tasks])


@both
@pytest.mark.parametrize(
    ("options", "fields"),
    [
        ({}, {}),
        ({"scopes": ["a:read", "b:*"]}, {"scope": ["a:read b:*"]}),
        ({"resource": "https://api.example.com/?a=b"}, {"resource": ["https://api.example.com/?a=b"]}),
    ],
)
def test_what_is_asked(kind: Kind, options: dict[str, Any], fields: dict[str, list[str]]) -> None:
    with serving(minted(scope="a b")) as server, using(kind, server.url + "/", **options) as it:
        assert it.token().scopes == ("a", "b")
        (seen,) = server.seen
        assert (seen.method, seen.path) == ("POST", "/oauth/token")
        assert parse_qs(seen.body.decode()) == {"grant_type": ["client_credentials"], "org_id": ["org_1"], **fields}
        scheme, _, basic = seen.headers["authorization"].partition(" ")
        assert scheme == "Basic"
        pair = base64.b64decode(basic).decode().split(":")
        assert [unquote_plus(part) for part in pair] == ["key_1", SECRET]
        assert SECRET.encode() not in seen.body


@both
def test_a_hundred_callers_make_one_exchange(kind: Kind) -> None:
    with serving(minted()) as server, using(kind, server.url) as it:
        server.gate.clear()

        def open_the_gate() -> None:
            server.wait_seen(1)
            server.gate.set()

        opened = threading.Thread(target=open_the_gate)
        opened.start()
        tokens = it.tokens(100)
        opened.join()
        assert {token.expose() for token in tokens} == {"t1"}
        assert len(server.seen) == 1


@both
@pytest.mark.parametrize(
    ("lifetime", "buffer", "age", "renewed"),
    [
        (900, 60, 839, False),
        (900, 60, 840, True),
        (900, 0, 899, False),
        (60, 60, 29, False),
        (60, 60, 30, True),
        (1, 60, 0.4, False),
        (900, 5000, 449, False),
        (900, 5000, 450, True),
    ],
)
def test_renewal_begins_at_the_buffer(kind: Kind, lifetime: int, buffer: float, age: float, renewed: bool) -> None:
    clock = ManualClock()
    with (
        serving(minted("t1", lifetime), minted("t2")) as server,
        using(kind, server.url, token_refresh_buffer=buffer, _clock=clock) as it,
    ):
        assert it.token().expose() == "t1"
        server.gate.clear()
        clock.advance(age)
        assert [token.expose() for token in it.tokens(10)] == ["t1"] * 10
        if renewed:
            server.wait_seen(2)
        server.gate.set()
        if renewed:
            until(lambda: it.token().expose() == "t2")
        assert len(server.seen) == 1 + renewed


@both
def test_a_lifetime_counts_from_before_the_request(kind: Kind) -> None:
    clock = ManualClock()
    script = [minted("t1", 100), minted("t2", 100)]
    slow = lambda: clock.advance(40)  # noqa: E731
    with serving(*script, on_request=slow) as server, using(kind, server.url, _clock=clock) as it:
        assert it.token().expose() == "t1"
        clock.advance(59)
        assert it.token().expose() == "t1"
        clock.advance(1)
        assert it.token().expose() == "t2"


@both
def test_while_the_server_is_down_the_old_token_serves_until_it_ends(kind: Kind) -> None:
    clock = ManualClock()
    with serving(minted("t1", 900), Reply(503)) as server, using(kind, server.url, _clock=clock) as it:
        assert it.token().expose() == "t1"
        clock.advance(850)
        assert it.token().expose() == "t1"
        server.wait_seen(3)
        until(lambda: not it.is_exchanging())
        asked = len(server.seen)
        assert it.token().expose() == "t1"
        assert not it.is_exchanging(), "no attempt right after one that failed"
        assert len(server.seen) == asked
        clock.advance(30)
        with pytest.raises(UnavailableError, match="status 503"):
            it.token()
        server.replies = [minted("t2")]
        assert it.token().expose() == "t2"


FAILURES: list[tuple[list[Reply], int, list[float], type[TokenError] | None]] = [
    ([Reply(503), minted()], 2, [0.1], None),
    ([Reply(0), Reply(500), Reply(502), minted()], 4, [0.1, 0.2, 0.4], None),
    ([Reply(429, headers={"Retry-After": "7"}), minted()], 2, [7.1], None),
    ([Reply(503, headers={"Retry-After": "0"}), minted()], 2, [0.1], None),
    (
        [
            Reply(
                429,
                headers={"Date": "Sat, 01 Jan 2000 00:00:00 GMT", "Retry-After": "Sat, 01 Jan 2000 00:00:09 GMT"},
            ),
            minted(),
        ],
        2,
        [9.1],
        None,
    ),
    ([Reply(429, headers={"Retry-After": "soon"}), minted()], 2, [0.1], None),
    ([Reply(429, headers={"Retry-After": "3600"})], 1, [], UnavailableError),
    ([refused()], 1, [], RefusedError),
    ([refused("invalid_scope", 400)], 1, [], RefusedError),
    ([Reply(404)], 1, [], UnexpectedAnswerError),
    ([Reply(302, headers={"Location": "/elsewhere"})], 1, [], UnexpectedAnswerError),
    ([Reply(200, body=b"<html>")], 1, [], UnexpectedAnswerError),
    ([Reply(200, body=b"[" * 5000)], 1, [], UnexpectedAnswerError),
    ([minted(lifetime=0)], 1, [], UnexpectedAnswerError),
    ([minted(lifetime=True)], 1, [], UnexpectedAnswerError),
    ([minted(lifetime="900")], 1, [], UnexpectedAnswerError),
    ([minted("a b")], 1, [], UnexpectedAnswerError),
    ([minted(token_type="mac")], 1, [], UnexpectedAnswerError),
]


@both
@pytest.mark.parametrize(("script", "requests", "slept", "error"), FAILURES)
def test_attempts(
    kind: Kind, script: list[Reply], requests: int, slept: list[float], error: type[TokenError] | None
) -> None:
    clock = ManualClock()
    with serving(*script) as server, using(kind, server.url, _clock=clock) as it:
        if error:
            with pytest.raises(error):
                it.token()
        else:
            assert it.token().expose() == "t1"
        assert (len(server.seen), clock.slept) == (requests, slept)


@both
@pytest.mark.parametrize(
    ("reply", "remembered"),
    [(refused(), 5.0), (Reply(404), 5.0), (Reply(429, headers={"Retry-After": "60"}), 60.0)],
)
def test_a_refusal_is_remembered_for_a_moment(kind: Kind, reply: Reply, remembered: float) -> None:
    clock = ManualClock()
    with serving(reply, minted()) as server, using(kind, server.url, _clock=clock) as it:
        for age in (0, remembered - 0.1):
            clock.advance(age)
            with pytest.raises(TokenError):
                it.token()
            assert len(server.seen) == 1
        clock.advance(0.1)
        assert it.token().expose() == "t1"


@both
def test_attempts_end_at_the_deadline(kind: Kind) -> None:
    clock = ManualClock()
    with serving(Reply(503)) as server, using(kind, server.url, deadline=20, _clock=clock) as it:
        with pytest.raises(UnavailableError):
            it.token()
        assert 15 < sum(clock.slept) <= 20
        assert len(server.seen) == len(clock.slept) + 1
        assert all(seconds <= 5 for seconds in clock.slept)


@both
def test_only_the_current_token_is_forgotten(kind: Kind) -> None:
    clock = ManualClock()
    script = [minted("t1"), minted("t2"), minted("t3")]
    with serving(*script) as server, using(kind, server.url, _clock=clock) as it:
        first = it.token()
        clock.advance(5)
        assert it.invalidate(first)
        assert it.invalidate(first), "another caller is told to try again as well"
        second = it.token()
        assert it.invalidate(first)
        assert it.token() is second
        assert (second.expose(), len(server.seen)) == ("t2", 2)


@both
@pytest.mark.parametrize(
    ("lifetime", "took", "age", "forgotten"),
    [
        (900, 0, 0, False),
        (900, 0, 4.999, False),
        (900, 0, 5, True),
        (900, 4, 4.999, False),
        (900, 5, 5, True),
        (2, 0, 1.999, False),
        # It has ended.
        (2, 0, 2, True),
    ],
)
def test_a_token_that_was_asked_for_a_moment_ago_is_not_forgotten(
    kind: Kind, lifetime: int, took: float, age: float, forgotten: bool
) -> None:
    clock = ManualClock()
    script = [minted("t1", lifetime), minted("t2")]
    slow = lambda: clock.advance(took)  # noqa: E731
    with (
        serving(*script, on_request=slow) as server,
        using(kind, server.url, token_refresh_buffer=0, _clock=clock) as it,
    ):
        first = it.token()
        clock.advance(age - took)
        assert it.invalidate(first) is forgotten
        assert it.token().expose() == ("t2" if forgotten else "t1")
        assert len(server.seen) == 1 + forgotten


@both
def test_no_proxy_of_the_environment_sees_the_secret(kind: Kind, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(Reply(500)) as proxy, serving(minted()) as server:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url)
        monkeypatch.delenv("NO_PROXY", raising=False)
        with using(kind, server.url) as it:
            assert it.token().expose() == "t1"
        assert proxy.seen == []


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_forked_child_waits_for_no_thread_of_its_parent() -> None:
    with serving(minted("t1"), minted("t2")) as server, using(Threads, server.url) as it:
        server.gate.clear()
        waiting = threading.Thread(target=it.token)
        waiting.start()
        server.wait_seen(1)
        child = os.fork()
        if child == 0:
            signal.alarm(10)
            os._exit(0 if it.token().expose() == "t2" else 1)
        server.wait_seen(2)
        server.gate.set()
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        waiting.join()

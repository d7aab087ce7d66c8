"""No secret and no token where somebody could find it by accident."""

from __future__ import annotations

import base64
import copy
import logging
import pickle
import traceback
from collections.abc import Callable
from urllib.parse import quote_plus

import pytest

from portcullis import AccessToken, AsyncTokenAuth, AsyncTokenSource, Secret, TokenAuth, TokenError, TokenSource
from portcullis._plan import make_plan
from scripted import SECRET, Kind, ManualClock, Reply, Tasks, Threads, credentials, minted, refused, serving, using

TOKEN = "eyJ.hidden.token"
BASIC = base64.b64encode(f"key_1:{quote_plus(SECRET)}".encode()).decode()
NEVER = [SECRET, quote_plus(SECRET), BASIC, TOKEN]
URL = "http://127.0.0.1:1"

HOLDERS: list[Callable[[], object]] = [
    lambda: Secret(SECRET),
    lambda: AccessToken(TOKEN, ("a",)),
    lambda: credentials(URL),
    lambda: TokenSource(credentials(URL)),
    lambda: AsyncTokenSource(credentials(URL)),
    lambda: TokenAuth(TokenSource(credentials(URL))),
    lambda: AsyncTokenAuth(AsyncTokenSource(credentials(URL))),
]


@pytest.mark.parametrize("make", HOLDERS)
def test_nothing_shows_or_pickles_it(make: Callable[[], object]) -> None:
    it = make()
    shown = [repr(it), str(it), f"{it}", f"{it!a}", "%s" % it, repr([it]), repr({"it": it})]  # noqa: UP031
    assert not [word for word in NEVER for text in shown if word in text]
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        with pytest.raises(TypeError, match="cannot be pickled"):
            pickle.dumps(it, protocol)


def test_a_plan_does_not_show_it_and_copies_are_the_thing_itself() -> None:
    assert not [word for word in NEVER if word in repr(make_plan(credentials(URL), (), None, 60, 30, False, None))]
    mine = credentials(URL)
    assert copy.copy(mine) is copy.deepcopy(mine) is mine
    assert copy.deepcopy(mine.secret) is mine.secret


@pytest.mark.parametrize("kind", [Threads, Tasks])
@pytest.mark.parametrize(
    "reply",
    [
        refused(error_description=f"you sent {SECRET}"),
        refused(error_description=f"you sent {BASIC}"),
        refused(SECRET),
        Reply(400, body=SECRET.encode()),
        Reply(500, body=SECRET.encode()),
        Reply(200, {"access_token": TOKEN}),
        Reply(0),
        Reply(302, headers={"Location": f"/{BASIC}"}),
    ],
)
def test_no_error_holds_it(kind: Kind, reply: Reply) -> None:
    with serving(reply) as server, using(kind, server.url, _clock=ManualClock()) as it:
        with pytest.raises(TokenError) as caught:
            it.token()
        shown = [str(caught.value), repr(caught.value), "".join(traceback.format_exception(caught.value))]
        assert not [word for word in NEVER for text in shown if word in text]
        # Crash reporters walk along these.
        assert caught.value.__context__ is None
        assert caught.value.__cause__ is None


@pytest.mark.parametrize("kind", [Threads, Tasks])
def test_no_log_holds_it(kind: Kind, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with serving(minted(TOKEN)) as server, using(kind, server.url) as it:
        assert it.token().expose() == TOKEN
    assert caplog.text
    assert not [word for word in NEVER if word in caplog.text]


def test_an_error_tells_what_the_server_says() -> None:
    reply = refused("invalid_scope", 400, error_description="no such\x1b scope")
    told = pytest.raises(TokenError, match=r"invalid_scope \(no such scope\)\nhint: ")
    with serving(reply) as server, told:
        TokenSource(credentials(server.url)).token()

"""Reading the token endpoint's answer: a token, a refusal for good, or a reason to try again.

It sends and remembers nothing. Invariant: what the server wrote is shown only where it cannot be the secret.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

import httpx

from ._plan import Plan
from ._secret import AccessToken
from .errors import RefusedError, TokenError, UnexpectedAnswerError

MAX_BYTES = 64 * 1024
# What a Retry-After can hold us back for at most.
LONGEST_PAUSE = 300.0
_LONGEST_LIFETIME = 365 * 86400
_DESCRIPTION_LENGTH = 200
_TOKEN = re.compile(r"[A-Za-z0-9._~+/-]+=*")
_CODE = re.compile(r"[a-z_]{1,40}")


@dataclass(frozen=True)
class Minted:
    """A token, and for how many seconds it is good, counted from before it was asked for."""

    token: AccessToken
    lifetime: float


@dataclass(frozen=True)
class Failure:
    """A failure as a value: every caller that waited for it raises an error of its own."""

    error: Callable[[], TokenError]
    # None: it says nothing about the next attempt.
    remember_for: float | None = None


@dataclass(frozen=True)
class Again:
    """Worth another attempt, not before so many seconds."""

    cause: str
    after: float | None = None


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: httpx.Headers
    body: bytes


# A wrong secret does not hammer the server: nobody asks again for so many seconds.
REFUSED_FOR = 5.0


def read_answer(answer: Answer, plan: Plan) -> Minted | Failure | Again:
    """Say what an answer means."""
    if answer.status in (408, 429) or answer.status >= 500:
        return Again(f"status {answer.status}", _retry_after(answer.headers))
    fields = _json(answer.body)
    if answer.status == 200:
        return _minted(fields) or _unexpected(answer, "it holds no bearer token with a lifetime")
    code = fields.get("error")
    if not 400 <= answer.status < 500 or not isinstance(code, str) or not _CODE.fullmatch(code):
        return _unexpected(answer, "it is no answer of OAuth")
    description = _description(fields.get("error_description"), plan)
    return Failure(lambda: RefusedError(code, description), REFUSED_FOR)


def _minted(fields: dict[str, object]) -> Minted | None:
    text, kind, lifetime = (fields.get(name) for name in ("access_token", "token_type", "expires_in"))
    if not isinstance(text, str) or not _TOKEN.fullmatch(text) or not isinstance(kind, str) or kind.lower() != "bearer":
        return None
    if isinstance(lifetime, bool) or not isinstance(lifetime, int) or lifetime <= 0:
        return None
    scope = fields.get("scope")
    scopes = tuple(scope.split()) if isinstance(scope, str) else None
    return Minted(AccessToken(text, scopes), float(min(lifetime, _LONGEST_LIFETIME)))


def _unexpected(answer: Answer, what: str) -> Failure:
    return Failure(lambda: UnexpectedAnswerError(answer.status, what), REFUSED_FOR)


def _json(body: bytes) -> dict[str, object]:
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _description(text: object, plan: Plan) -> str | None:
    if not isinstance(text, str) or plan.secret in text or plan.basic in text:
        return None
    return "".join(char for char in text if char.isprintable())[:_DESCRIPTION_LENGTH] or None


def _retry_after(headers: httpx.Headers) -> float | None:
    text = headers.get("retry-after", "").strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        # A date counts from the answer's own date: our wall clock may be wrong.
        gap = parsedate_to_datetime(text) - parsedate_to_datetime(headers.get("date", ""))
    except (TypeError, ValueError):
        return None
    return max(0.0, gap.total_seconds())

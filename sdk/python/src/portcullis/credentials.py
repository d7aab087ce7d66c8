"""What a program is given to get access tokens with. It connects to nothing.

Invariant: an error names the variable or the part that is wrong, and never what stood in it.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

import httpx

from ._secret import Secret, Unpicklable
from .errors import ConfigurationError

_FORMS = {"org_id": "org_", "key_id": "key_", "secret": "secret_"}
_VARIABLES = {"org_id": "ORG_ID", "key_id": "API_KEY", "secret": "API_SECRET", "auth_url": "AUTH_API_URL"}
_WHAT = {
    "org_id": "an organisation id",
    "key_id": "a key id",
    "secret": "a secret",
    "auth_url": "the URL of a control plane",
}
_EXAMPLES = {
    "org_id": "org_…, on the key's page",
    "key_id": "key_…, shown when the credential was created",
    "secret": "secret_…, shown once when the credential was created",
    "auth_url": "https://control.example.com",
}


class Credentials(Unpicklable):
    """An organisation, a key id, its secret, and the control plane that exchanges them for access tokens."""

    __slots__ = ("auth_url", "key_id", "org_id", "secret")

    def __init__(self, *, org_id: str, key_id: str, secret: str | Secret, auth_url: str) -> None:
        text = secret.expose() if isinstance(secret, Secret) else secret
        parts = {"org_id": org_id, "key_id": key_id, "secret": text, "auth_url": auth_url}
        self._take(parts, {name: f"`{name}`" for name in parts})

    @classmethod
    def from_env(cls, prefix: str = "PORTCULLIS", *, environ: Mapping[str, str] | None = None) -> Credentials:
        """Read `{prefix}_ORG_ID`, `_API_KEY`, `_API_SECRET` and `_AUTH_API_URL` from the environment."""
        found = os.environ if environ is None else environ
        names = {part: f"{prefix}_{suffix}" for part, suffix in _VARIABLES.items()}
        parts = {part: found.get(name, "") for part, name in names.items()}
        for part, name in names.items():
            if not parts[part].strip():
                raise ConfigurationError(f"{name} is not set\nhint: {_missing(part, name, _other(prefix, found))}")
        credentials = cls.__new__(cls)
        credentials._take(parts, names)
        return credentials

    def _take(self, parts: Mapping[str, str], names: Mapping[str, str]) -> None:
        parts = {part: text.strip() for part, text in parts.items()}
        for part, form in _FORMS.items():
            rest = parts[part].removeprefix(form)
            if rest == parts[part] or not _is_word(part, rest):
                raise ConfigurationError(f"{names[part]} does not hold {_WHAT[part]}\nhint: {_EXAMPLES[part]}")
        url = _auth_url(parts["auth_url"])
        if url is None:
            raise ConfigurationError(
                f"{names['auth_url']} does not hold {_WHAT['auth_url']}\nhint: {_EXAMPLES['auth_url']}"
            )
        self.org_id = parts["org_id"]
        self.key_id = parts["key_id"]
        self.secret = Secret(parts["secret"])
        self.auth_url = url

    def __repr__(self) -> str:
        return (
            f"Credentials(org_id={self.org_id!r}, key_id={self.key_id!r}, secret=redacted, auth_url={self.auth_url!r})"
        )

    def __copy__(self) -> Credentials:
        return self

    def __deepcopy__(self, memo: object) -> Credentials:
        return self


def _other(prefix: str, environ: Mapping[str, str]) -> str | None:
    """Find a prefix under which there is a credential."""
    others = (name.removesuffix("_API_SECRET") for name in sorted(environ) if name.endswith("_API_SECRET"))
    found = (it for it in others if it != prefix and {f"{it}_ORG_ID", f"{it}_API_KEY"} <= environ.keys())
    return next(found, None)


def _missing(part: str, name: str, other: str | None) -> str:
    if other is not None:
        return f'{other}_API_KEY and others are set: from_env("{other}") reads those'
    return f"export {name}=<{_EXAMPLES[part]}>; from_env takes another prefix"


def _is_word(part: str, text: str) -> bool:
    if part == "secret":
        return bool(text) and all("!" <= char <= "~" for char in text)
    return text.isascii() and text.replace("_", "").isalnum()


def _auth_url(text: str) -> str | None:
    try:
        url = httpx.URL(text)
    except httpx.InvalidURL:
        return None
    # httpx escapes what can stand in no host, and takes a port that there is not.
    is_host = bool(url.host) and "%" not in url.host and (url.port is None or url.port < 1 << 16)
    plain = url.scheme in ("http", "https") and is_host and not url.userinfo and not {"?", "#"} & set(text)
    return str(url).rstrip("/") if plain else None

"""What is asked of the control plane, and how patiently. Plain values; nothing is sent here.

Invariant: a plan that exists may be carried out: the secret goes over TLS, to this machine, or where that was allowed.
"""

from __future__ import annotations

import base64
import ipaddress
import ssl
from collections.abc import Iterable
from dataclasses import dataclass, field
from urllib.parse import quote_plus, urlencode

import httpx

from .credentials import Credentials
from .errors import ConfigurationError


@dataclass(frozen=True)
class Plan:
    """One kind of exchange, ready to be sent as often as it takes."""

    url: str
    body: bytes
    basic: str = field(repr=False)
    secret: str = field(repr=False)
    token_refresh_buffer: float
    deadline: float
    ssl_context: ssl.SSLContext

    def request(self) -> httpx.Request:
        """Return the request, with the key id and the secret as RFC 6749 §2.3.1 wants them."""
        headers = {
            "authorization": f"Basic {self.basic}",
            "content-type": "application/x-www-form-urlencoded",
            "accept": "application/json",
            "user-agent": "portcullis-python",
        }
        return httpx.Request("POST", self.url, content=self.body, headers=headers)

    @property
    def trusts_environment(self) -> bool:
        """Whether a proxy of the environment may be used: one that is asked for plain HTTP reads the secret."""
        return self.url.startswith("https:")


def make_plan(
    credentials: Credentials,
    scopes: Iterable[str],
    resource: str | None,
    token_refresh_buffer: float,
    deadline: float,
    allow_plain_http: bool,
    ssl_context: ssl.SSLContext | None,
) -> Plan:
    """Check the options and put the request together."""
    if isinstance(scopes, str):
        raise ConfigurationError("`scopes` is a text\nhint: give a list of scopes")
    if not token_refresh_buffer >= 0 or not deadline > 0:
        raise ConfigurationError("`token_refresh_buffer` and `deadline` are seconds, and the deadline is not 0")
    url = httpx.URL(credentials.auth_url)
    if url.scheme == "http" and not (allow_plain_http or _is_loopback(url.host)):
        raise ConfigurationError(
            f"the secret would go to `{credentials.auth_url}` in clear\n"
            "hint: use https, or pass `allow_plain_http=True` where nobody else can listen"
        )
    fields = {"grant_type": "client_credentials", "org_id": credentials.org_id}
    wanted = " ".join(scopes)
    if wanted:
        fields["scope"] = wanted
    if resource is not None:
        fields["resource"] = resource
    secret = credentials.secret.expose()
    pair = f"{quote_plus(credentials.key_id)}:{quote_plus(secret)}"
    return Plan(
        url=f"{credentials.auth_url}/oauth/token",
        body=urlencode(fields).encode(),
        basic=base64.b64encode(pair.encode()).decode(),
        secret=secret,
        token_refresh_buffer=token_refresh_buffer,
        deadline=deadline,
        ssl_context=ssl_context or _trust(url.scheme),
    )


def _trust(scheme: str) -> ssl.SSLContext:
    # Root certificates are slow to load: once, and only where TLS needs them.
    return httpx.create_ssl_context() if scheme == "https" else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"

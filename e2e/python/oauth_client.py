"""An OAuth client that knows nothing of Portcullis: authlib speaks to it, joserfc verifies its tokens.

Whoever drives it sends one JSON object a line, `{"do": …}`, and gets one back: `{"ok": …}`, or `{"error": …}` in the
words of the server or of the library. Tokens stay here, under names. Invariant: there is no special case for this
server; what its metadata and its keys do not say is not known.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
from authlib.common.errors import AuthlibBaseError
from authlib.common.security import generate_token
from authlib.integrations.httpx_client import OAuth2Client
from authlib.oauth2.rfc8414 import AuthorizationServerMetadata, get_well_known_url
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

Answer = dict[str, Any]
_ALGORITHMS = ["EdDSA", "ES256"]


class Client:
    """What it has learnt and got so far."""

    def __init__(self) -> None:
        self.http = httpx.Client(trust_env=False)
        self.metadata: dict[str, Any] = {}
        self.tokens: dict[str, dict[str, Any]] = {}
        self.app: OAuth2Client | None = None
        self.verifier = ""

    def discover(self, issuer: str) -> Answer:
        """Read the metadata where RFC 8414 has it."""
        found = self.http.get(get_well_known_url(issuer, external=True)).raise_for_status().json()
        _check(found["issuer"] == issuer, f"the issuer is {found['issuer']}")
        # authlib insists on https, which a server on loopback does not need.
        secure = {name: _as_https(value) for name, value in found.items()}
        AuthorizationServerMetadata(secure).validate()
        self.metadata = found
        return {"metadata": found}

    def client_credentials(
        self,
        client_id: str,
        client_secret: str,
        name: str = "service",
        method: str = "client_secret_basic",
        **form: str,
    ) -> Answer:
        """Get a token for a service."""
        client = self._oauth(client_id, client_secret, method)
        token = client.fetch_token(self.metadata["token_endpoint"], grant_type="client_credentials", **form)
        return self._keep(name, token)

    def authorize(self, client_id: str, redirect_uri: str, scope: str, client_secret: str | None = None) -> Answer:
        """Say where to send the user, with PKCE and a state."""
        method = "client_secret_basic" if client_secret else "none"
        more = {"redirect_uri": redirect_uri, "scope": scope, "code_challenge_method": "S256"}
        self.app = self._oauth(client_id, client_secret, method, **more)
        self.verifier = generate_token(64)
        endpoint = self.metadata["authorization_endpoint"]
        url, state = self.app.create_authorization_url(endpoint, code_verifier=self.verifier)
        self.state = state
        return {"url": url}

    def redeem(self, redirect: str, name: str = "user") -> Answer:
        """Exchange the code that the user was sent back with."""
        _check(self.app is not None, "nobody was authorised")
        query = parse_qs(urlsplit(redirect).query)
        if self.metadata.get("authorization_response_iss_parameter_supported"):
            _check(query.get("iss") == [self.metadata["issuer"]], f"another issuer answered: {query.get('iss')}")
        endpoint = self.metadata["token_endpoint"]
        token = self.app.fetch_token(
            endpoint, authorization_response=redirect, state=self.state, code_verifier=self.verifier
        )
        return self._keep(name, token)

    def refresh(self, name: str = "user", to: str | None = None) -> Answer:
        """Get the next token, under another name if it is given one."""
        _check(self.app is not None, "nobody was authorised")
        old = self.tokens[name]["refresh_token"]
        token = self.app.refresh_token(self.metadata["token_endpoint"], refresh_token=old)
        rotated = token.get("refresh_token") not in (None, old)
        return {**self._keep(to or name, token), "rotated": rotated}

    def introspect(self, name: str, client_id: str, client_secret: str, hint: str = "access_token") -> Answer:
        """Ask whether a token works."""
        client = self._oauth(client_id, client_secret, "client_secret_basic")
        endpoint = self.metadata["introspection_endpoint"]
        answer = client.introspect_token(endpoint, token=self.tokens[name][hint], token_type_hint=hint)
        return {"status": answer.status_code, "said": answer.json()}

    def revoke(self, name: str, hint: str = "refresh_token") -> Answer:
        """Say that a token is needed no more."""
        _check(self.app is not None, "nobody was authorised")
        endpoint = self.metadata["revocation_endpoint"]
        answer = self.app.revoke_token(endpoint, token=self.tokens[name][hint], token_type_hint=hint)
        return {"status": answer.status_code}

    def verify(self, name: str, audience: str) -> Answer:
        """Verify a token as an API would that knows only the issuer's keys (RFC 9068 §4)."""
        keys = KeySet.import_key_set(self.http.get(self.metadata["jwks_uri"]).raise_for_status().json())
        token = jwt.decode(self.tokens[name]["access_token"], keys, algorithms=_ALGORITHMS)
        _check(token.header.get("typ") == "at+jwt", f"the type is {token.header.get('typ')}")
        essential: dict[str, Any] = {it: {"essential": True} for it in ("exp", "iat", "sub", "jti", "client_id")}
        rules = jwt.JWTClaimsRegistry(
            iss={"essential": True, "value": self.metadata["issuer"]},
            aud={"essential": True, "value": audience},
            **essential,
        )
        rules.validate(token.claims)
        return {"header": token.header, "claims": token.claims}

    def call(self, name: str, url: str) -> Answer:
        """Call an API with a token."""
        answer = self.http.get(url, headers={"authorization": f"Bearer {self.tokens[name]['access_token']}"})
        return {"status": answer.status_code, "challenge": answer.headers.get("www-authenticate"), "body": answer.text}

    def _oauth(self, client_id: str, secret: str | None, method: str, **more: Any) -> OAuth2Client:
        return OAuth2Client(client_id, secret, token_endpoint_auth_method=method, trust_env=False, **more)

    def _keep(self, name: str, token: dict[str, Any]) -> Answer:
        self.tokens[name] = dict(token)
        public = {key: value for key, value in token.items() if key not in ("access_token", "refresh_token")}
        return {**public, "refreshable": "refresh_token" in token}


def _as_https(value: Any) -> Any:
    return value.replace("http://", "https://", 1) if isinstance(value, str) else value


def _check(holds: bool, what: str) -> None:
    if not holds:
        raise ValueError(what)


def main() -> None:
    """Carry out one order after another."""
    client = Client()
    orders: dict[str, Callable[..., Answer]] = {
        order.__name__: order
        for order in (
            client.discover,
            client.client_credentials,
            client.authorize,
            client.redeem,
            client.refresh,
            client.introspect,
            client.revoke,
            client.verify,
            client.call,
        )
    }
    for line in sys.stdin:
        order = json.loads(line)
        try:
            answer = {"ok": orders[order.pop("do")](**order)}
        except AuthlibBaseError as error:
            answer = {"error": error.error, "description": error.description}
        except (JoseError, ValueError, httpx.HTTPError) as error:
            answer = {"error": type(error).__name__, "description": str(error)}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()

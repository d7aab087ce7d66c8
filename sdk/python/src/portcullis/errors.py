"""Why there is no token. No error holds a secret, a token or a request that carries one."""

from __future__ import annotations


class PortcullisError(Exception):
    """Whatever this package raises."""


class ConfigurationError(PortcullisError, ValueError):
    """The credentials or options cannot be used; whoever configured the program can fix it."""


class TokenError(PortcullisError):
    """The control plane gave no access token."""


class RefusedError(TokenError):
    """The control plane refused for good: a wrong or revoked secret, a scope that the key has not."""

    def __init__(self, code: str, description: str | None) -> None:
        what = f"the control plane gives no access token: {code}" + (f" ({description})" if description else "")
        super().__init__(f"{what}\nhint: {_HINTS.get(code, 'is this the credential, and is it still in force?')}")
        self.code = code
        self.description = description


class UnavailableError(TokenError):
    """The control plane was not reached, or could not answer, before the deadline. Trying later helps."""

    def __init__(self, cause: str, retry_after: float | None = None) -> None:
        super().__init__(f"no access token before the deadline: {cause}\nhint: is the control plane up and reachable?")
        self.cause = cause
        self.retry_after = retry_after


class UnexpectedAnswerError(TokenError):
    """Something answered that is no control plane, or another version of it."""

    def __init__(self, status: int, what: str) -> None:
        super().__init__(
            f"unexpected answer with status {status} from the token endpoint: {what}\n"
            "hint: is the auth API URL the control plane's public URL?"
        )
        self.status = status
        self.what = what


_HINTS = {
    "invalid_client": "is the secret the one that was shown with this key id, and is the key still in force?",
    "invalid_scope": "ask for scopes that the key has, or for none to get all of them",
    "invalid_target": "`resource` must be the audience of the policy, or be left out",
}

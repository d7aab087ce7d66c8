"""Access tokens of a Portcullis control plane: a key id and a secret are exchanged for them, and renewed in time."""

from ._secret import AccessToken, Secret
from .async_source import AsyncTokenSource
from .auth import AsyncTokenAuth, TokenAuth, refuses_token
from .credentials import Credentials
from .errors import (
    ConfigurationError,
    PortcullisError,
    RefusedError,
    TokenError,
    UnavailableError,
    UnexpectedAnswerError,
)
from .source import TokenSource

__all__ = [
    "AccessToken",
    "AsyncTokenAuth",
    "AsyncTokenSource",
    "ConfigurationError",
    "Credentials",
    "PortcullisError",
    "RefusedError",
    "Secret",
    "TokenAuth",
    "TokenError",
    "TokenSource",
    "UnavailableError",
    "UnexpectedAnswerError",
    "refuses_token",
]

"""Text that is never shown by accident: not in a repr, a format, a log line, a pickle or an error.

It is no protection against code that wants the text: `expose()` returns it. Invariant: every other way refuses or says
`redacted`.
"""

from __future__ import annotations

from typing import NoReturn, SupportsIndex


class Unpicklable:
    """What holds a secret stays in the process that was given it."""

    __slots__ = ()

    def __reduce_ex__(self, protocol: SupportsIndex, /) -> NoReturn:
        raise TypeError(f"{type(self).__name__} holds a secret and cannot be pickled")


class Secret(Unpicklable):
    """A text that only `expose()` shows."""

    __slots__ = ("__text",)

    def __init__(self, text: str) -> None:
        self.__text = text

    def expose(self) -> str:
        """Return the text itself. Never log or store it."""
        return self.__text

    def __repr__(self) -> str:
        return f"{type(self).__name__}(redacted)"

    def __copy__(self) -> Secret:
        return self

    def __deepcopy__(self, memo: object) -> Secret:
        return self


class AccessToken(Secret):
    """An access token, as it stands in `Authorization: Bearer …`. Only `expose()` shows it."""

    __slots__ = ("__scopes",)

    def __init__(self, text: str, scopes: tuple[str, ...] | None = None) -> None:
        super().__init__(text)
        self.__scopes = scopes

    @property
    def scopes(self) -> tuple[str, ...] | None:
        """The scopes that the control plane says it granted; None where it says nothing."""
        return self.__scopes

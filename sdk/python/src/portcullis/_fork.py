"""A forked child has no threads of its parent's: locks that they held and exchanges that they carried out are let go.

It knows only that some objects want to be told. Invariant: being told keeps no object alive.
"""

from __future__ import annotations

import os
import weakref
from typing import Protocol


class _Forgets(Protocol):
    def _after_fork(self) -> None: ...


_TOLD: weakref.WeakSet[_Forgets] = weakref.WeakSet()


def tell_after_fork(it: _Forgets) -> None:
    """Call its `_after_fork` in every child."""
    _TOLD.add(it)


def _after_fork() -> None:
    for it in list(_TOLD):
        it._after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)

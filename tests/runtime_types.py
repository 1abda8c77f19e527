"""The type checker that the import hook of conftest.py puts around every function of the domain."""

from collections.abc import Callable
from typing import Any, TypeVar

from beartype import BeartypeConf, beartype

_Function = TypeVar("_Function", bound=Callable[..., Any])

_as_in_pep_484 = beartype(conf=BeartypeConf(is_pep484_tower=True))  # an int is welcome where a float is


def checked(function: _Function) -> _Function:
    """Raise where an argument or a result is not what its annotation says, array shapes included."""
    return _as_in_pep_484(function)

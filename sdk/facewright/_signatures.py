"""Gives the methods that are made of procedures the name, text and signature that `help` shows."""

from __future__ import annotations

import inspect
from typing import Any, Callable, TypeVar

__all__ = ["as_method"]

Method = TypeVar("Method", bound=Callable[..., Any])


def as_method(method: Method, describe: Callable[..., Any], answers: str = "{}") -> Method:
    """`method` with the documentation of `describe`, self first; `answers` says what it makes of the result."""
    signature = inspect.signature(describe)
    itself = inspect.Parameter("self", inspect.Parameter.POSITIONAL_ONLY)
    # "Steps[Rig]" and "Call[Rig]" give a Rig.
    result = str(signature.return_annotation).partition("[")[2][:-1]
    method.__signature__ = signature.replace(  # type: ignore[attr-defined]
        parameters=[itself, *signature.parameters.values()], return_annotation=answers.format(result)
    )
    method.__name__ = method.__qualname__ = describe.__name__
    method.__doc__ = describe.__doc__
    return method

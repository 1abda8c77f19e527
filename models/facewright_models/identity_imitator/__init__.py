"""The identity imitator: parameters -> the identity embedding of their frame, without a frame."""

from facewright_models.identity_imitator.network import IdentityImitator, IdentityImitatorConfig
from facewright_models.identity_imitator.store import (
    has_identity_imitator,
    load_identity_imitator,
    register_identity_imitator,
)

__all__ = [
    "IdentityImitator",
    "IdentityImitatorConfig",
    "has_identity_imitator",
    "load_identity_imitator",
    "register_identity_imitator",
]

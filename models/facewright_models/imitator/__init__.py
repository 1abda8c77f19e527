"""The imitator g ([0067]-[0070]): a differentiable stand-in for a game's renderer."""

from facewright_models.imitator.network import Imitator, ImitatorConfig
from facewright_models.imitator.store import has_imitator, load_imitator, register_imitator

__all__ = ["Imitator", "ImitatorConfig", "has_imitator", "load_imitator", "register_imitator"]

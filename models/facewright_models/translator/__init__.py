"""The translator: an aligned face -> parameters, in one pass."""

from facewright_models.translator.network import Translation, Translator, TranslatorConfig
from facewright_models.translator.store import has_translator, load_translator, register_translator

__all__ = [
    "Translation",
    "Translator",
    "TranslatorConfig",
    "has_translator",
    "load_translator",
    "register_translator",
]

"""The style reader: an aligned face -> which hair, brows, beard, irises and make-up of the creator it wears."""

from facewright_models.style_reader.labels import StyleLabels, brow_class, style_labels
from facewright_models.style_reader.network import StyleReader, StyleReaderConfig, reader_inputs, reduced
from facewright_models.style_reader.store import has_style_reader, load_style_reader, register_style_reader

__all__ = [
    "StyleLabels",
    "StyleReader",
    "StyleReaderConfig",
    "brow_class",
    "has_style_reader",
    "load_style_reader",
    "reader_inputs",
    "reduced",
    "register_style_reader",
    "style_labels",
]

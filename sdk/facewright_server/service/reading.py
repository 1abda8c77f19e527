"""Messages of a request -> domain objects, with the path of the field in every error."""

import math
from collections.abc import Container, Iterator, Mapping
from contextlib import contextmanager
from typing import Literal, TypeVar

from facewright.v1 import character_pb2, expression_pb2, fitting_pb2
from facewright_models.errors import InvalidInputError, ParameterRangeError
from facewright_models.fitting import FitOptions, Refit, Subject
from facewright_models.landmarks import FaceBox
from facewright_models.photo import Photo
from facewright_models.rig import Character, RigSchema, SkinTexture, validate_character
from facewright_server.errors import InvalidRequestError

__all__ = [
    "at_field",
    "expression_fields",
    "read_character",
    "read_face_box",
    "read_fit_options",
    "read_refit",
]

T = TypeVar("T")
Rgb = tuple[float, float, float]

_MAX_ITERATIONS = 1000
_NORMS: Mapping[int, Literal["l1", "l2"]] = {
    fitting_pb2.CONTENT_NORM_UNSPECIFIED: "l1",
    fitting_pb2.CONTENT_NORM_L1: "l1",
    fitting_pb2.CONTENT_NORM_L2: "l2",
}
_MODES: Mapping[int, Literal["refine", "fast"]] = {
    fitting_pb2.FIT_MODE_UNSPECIFIED: "refine",
    fitting_pb2.FIT_MODE_REFINE: "refine",
    fitting_pb2.FIT_MODE_FAST: "fast",
}
_ALIGNMENTS: Mapping[int, Literal["similarity", "affine"]] = {
    fitting_pb2.ALIGNMENT_UNSPECIFIED: "similarity",
    fitting_pb2.ALIGNMENT_SIMILARITY: "similarity",
    fitting_pb2.ALIGNMENT_AFFINE: "affine",
}

_PRESETS: Mapping[int, str | None] = {
    fitting_pb2.REFIT_PRESET_UNSPECIFIED: None,
    fitting_pb2.REFIT_PRESET_YOUNGER: "younger",
    fitting_pb2.REFIT_PRESET_OLDER: "older",
    fitting_pb2.REFIT_PRESET_HEAVIER: "heavier",
    fitting_pb2.REFIT_PRESET_STYLISED: "stylised",
}


@contextmanager
def at_field(path: str) -> Iterator[None]:
    """Errors of the input that leave the block say where in the request it is."""
    try:
        yield
    except InvalidInputError as error:
        error.field = f"{path}.{error.field}" if error.field else path
        raise


@contextmanager
def expression_fields(names: Container[str]) -> Iterator[None]:
    """An error that names just a facial action gets the path of that action."""
    try:
        yield
    except InvalidInputError as error:
        if error.field is not None and error.field in names:
            error.field = f"expression[{error.field}]"
        raise


def read_character(
    message: character_pb2.Character, schema: RigSchema, skin_texture: SkinTexture | None = None
) -> Character:
    """A complete character of `schema` with that skin; what the message leaves out is neutral."""
    return _validated(_named(message, schema, skin_texture), schema)


def read_face_box(
    message: fitting_pb2.Photo | expression_pb2.ExpressionSource, photo: Photo
) -> FaceBox | None:
    """The box that chooses a face, or None. Some of it must lie inside the upright photo."""
    if not message.HasField("face_box"):
        return None
    box = message.face_box
    height, width = photo.pixels.shape[:2]
    has_area = box.width > 0 and box.height > 0
    if not (has_area and -box.width < box.x < width and -box.height < box.y < height):
        raise ParameterRangeError(
            f"the face box is {box.x},{box.y},{box.width},{box.height}; expected x,y,width,height that cover "
            f"a part of the upright photo of {width} x {height} pixels",
            field="face_box",
            metadata={"photo_width": str(width), "photo_height": str(height)},
        )
    return FaceBox(x=box.x, y=box.y, width=box.width, height=box.height)


def read_fit_options(message: fitting_pb2.FitOptions, schema: RigSchema) -> FitOptions:
    """Options with the defaults of the domain where a field is unset."""
    numbers: dict[str, float] = {}
    for name, lowest, highest in (
        ("iterations", 1, _MAX_ITERATIONS),
        ("similarity_threshold", -1.0, 1.0),
        ("seed", 0, 2**32 - 1),
        ("content_weight", 0.0, math.inf),
        ("identity_weight", 0.0, math.inf),
        ("landmark_weight", 0.0, math.inf),
    ):
        if message.HasField(name):
            numbers[name] = _in_range(name, getattr(message, name), lowest, highest)
    with at_field("locks"):
        locked = _read_locks(message.locks, schema)
    return FitOptions(
        **numbers,  # type: ignore[arg-type]
        mode=_choice("mode", message.mode, _MODES),
        content_norm=_choice("content_norm", message.content_norm, _NORMS),
        alignment=_choice("alignment", message.alignment, _ALIGNMENTS),
        bake_skin=message.bake_skin,
        locked_sliders=locked.sliders,
        locked_styles=locked.styles,
        locked_colors=locked.colors,
    )


def read_refit(message: fitting_pb2.RefitCharacterRequest, schema: RigSchema) -> Refit:
    """What is asked for, without the skin, and with none of the photos that it names yet; `plan_refit` checks it."""
    with at_field("options"):
        options = read_fit_options(message.options, schema)
    return Refit(
        character=_named(message.character, schema),
        subject=Subject(photos=()) if message.HasField("subject") else None,
        kept=tuple(message.kept),
        locked_sliders=dict(message.locks.sliders),
        locked_styles=dict(message.locks.styles),
        locked_colors=_read_colors(message.locks.colors),
        styles=dict(message.styles),
        colors=_read_colors(message.colors),
        preset=_choice("preset", message.preset, _PRESETS),
        strength=message.strength if message.HasField("strength") else None,
        options=options,
    )


def _named(
    message: character_pb2.Character, schema: RigSchema, skin_texture: SkinTexture | None = None
) -> Character:
    """What the message names and no more, unchecked."""
    return Character(
        rig=schema.name,
        rig_version=message.rig_version or schema.version,
        sliders=dict(message.sliders),
        styles=dict(message.styles),
        colors=_read_colors(message.colors),
        skin_texture=skin_texture,
    )


def _read_locks(message: fitting_pb2.Locks, schema: RigSchema) -> Character:
    """Only what the caller named, checked like a character."""
    named = Character(
        rig=schema.name,
        rig_version=schema.version,
        sliders=dict(message.sliders),
        styles=dict(message.styles),
        colors=_read_colors(message.colors),
    )
    _validated(named, schema)
    return named


def _validated(named: Character, schema: RigSchema) -> Character:
    """Checked and completed. The domain names a field from its own point of view; make it relative."""
    try:
        return validate_character(schema, named)
    except InvalidInputError as error:
        if error.field is not None:
            error.field = error.field.removeprefix("character.")
        raise


def _read_colors(messages: Mapping[str, character_pb2.Color]) -> dict[str, Rgb]:
    return {name: (color.red, color.green, color.blue) for name, color in messages.items()}


def _in_range(name: str, value: float, lowest: float, highest: float) -> float:
    if not (lowest <= value <= highest and math.isfinite(value)):
        upper = f"{highest:g}]" if math.isfinite(highest) else "infinity)"
        raise ParameterRangeError(
            f"{name} is {value:g}; expected a number in [{lowest:g}, {upper}",
            field=name,
            metadata={"value": str(value)},
        )
    return value


def _choice(name: str, value: int, meanings: Mapping[int, T]) -> T:
    if value not in meanings:
        raise InvalidRequestError(
            f"{name} has the number {value}, which this server does not know", field=name
        )
    return meanings[value]

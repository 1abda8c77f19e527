"""Tiny random networks in the place of the trained ones, and a small creator, so that a fit takes milliseconds."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from facewright_models.fitting import FaceBox, Subject
from facewright_models.fitting.features import FeatureExtractor
from facewright_models.foundry import ACTION_GROUPS, Posed, VectorLayout
from facewright_models.identity import IdentityNetwork
from facewright_models.imitator import Imitator
from facewright_models.look import View
from facewright_models.parsing import ParsingNetwork, ParsingOutput
from facewright_models.photo import Photo
from facewright_models.rig import Character, Parameter, ParameterKind, RigSchema, neutral_character

__all__ = [
    "TOY_SCHEMA",
    "FaceImitator",
    "TinyIdentity",
    "TinyParser",
    "always",
    "average_vector",
    "person",
    "tiny_extractor",
]

Pixels = np.ndarray


def _sliders() -> tuple[Parameter, ...]:
    names = ("jaw", "nose", "brow", "cheek", "jaw-asymmetry")
    return tuple(
        Parameter(
            name=name,
            group="asymmetry" if name.endswith("-asymmetry") else "face",
            kind=ParameterKind.CONTINUOUS,
            description=name,
            neutral=0.5,
        )
        for name in names
    )


TOY_SCHEMA = RigSchema(
    name="toy",
    version="1.2.0",
    license="none",
    parameters=(
        *_sliders(),
        Parameter(
            name="hair",
            group="style",
            kind=ParameterKind.STYLE,
            description="hair",
            neutral="short",
            options=("bald", "short", "long"),
        ),
        Parameter(
            name="skin", group="color", kind=ParameterKind.COLOR, description="skin", neutral=(0.7, 0.5, 0.4)
        ),
        Parameter(
            name="lips", group="color", kind=ParameterKind.COLOR, description="lips", neutral=(0.6, 0.3, 0.3)
        ),
    ),
    facial_actions=tuple(name for names in ACTION_GROUPS.values() for name in names),
)


def average_vector(layout: VectorLayout) -> Tensor:
    """(D,) of the average character, at rest, from the front."""
    rest = dict.fromkeys(ACTION_GROUPS, 0.0)
    return layout.encode(Posed(character=neutral_character(layout.schema), view=View(), actions=rest))


class FaceImitator(Imitator):
    """A picture of a face for the average character, tinted by whatever differs from it."""

    def __init__(self, layout: VectorLayout, face: np.ndarray, *, strength: float = 0.05) -> None:
        nn.Module.__init__(self)
        generator = torch.Generator().manual_seed(0)
        self.register_buffer("face", torch.from_numpy(face).permute(2, 0, 1)[None].float() / 255)
        self.register_buffer("average", average_vector(layout))
        self.tint = nn.Parameter(strength * torch.randn(layout.size, 3 * 8 * 8, generator=generator))
        self.calls: list[int] = []

    def forward(self, parameters: Tensor, *, size_px: int = 512) -> Tensor:
        self.calls.append(len(parameters))
        tint = ((parameters - self.average) @ self.tint).view(-1, 3, 8, 8)
        tint = functional.interpolate(tint, size=size_px, mode="bilinear", align_corners=False)
        return (functional.adaptive_avg_pool2d(self.face, size_px) + tint).clamp(0, 1)


class TinyParser(ParsingNetwork):
    """Four depths and eleven classes from one convolution each; notes the range of what it is shown."""

    def __init__(self) -> None:
        nn.Module.__init__(self)
        torch.manual_seed(1)
        self.depths = nn.ModuleList([nn.Conv2d(3, 6, 3, padding=1) for _ in range(4)])
        self.classify = nn.Conv2d(3, 11, 1)
        self.seen: list[tuple[tuple[int, ...], float, float]] = []

    def forward(self, x: Tensor) -> ParsingOutput:
        self.seen.append((tuple(x.shape), float(x.detach().min()), float(x.detach().max())))
        features = tuple(
            functional.relu(layer(functional.avg_pool2d(x, 4 * 2**depth)))
            for depth, layer in enumerate(self.depths)
        )
        return ParsingOutput(logits=4 * self.classify(x), features=features)


class TinyIdentity(IdentityNetwork):
    """An embedding of 128 numbers from a coarse chip; notes the range of what it is shown."""

    def __init__(self) -> None:
        nn.Module.__init__(self)
        torch.manual_seed(2)
        self.project = nn.Linear(3 * 15 * 15, 128, bias=False)
        self.seen: list[tuple[tuple[int, ...], float, float]] = []

    def embed(self, chips: Tensor) -> Tensor:
        self.seen.append((tuple(chips.shape), float(chips.detach().min()), float(chips.detach().max())))
        centered = functional.avg_pool2d(chips, 10) - 0.5
        return self.project(centered.flatten(1))


def tiny_extractor() -> FeatureExtractor:
    """An extractor of the two networks above; the networks are its `_parser` and `_identity`."""
    return FeatureExtractor(TinyParser(), TinyIdentity())


def person(*frames: Pixels, boxes: tuple[FaceBox | None, ...] = ()) -> Subject:
    """One person in these pictures."""
    return Subject(photos=tuple(Photo(pixels=frame, warnings=()) for frame in frames), face_boxes=boxes)


def always(frame: Pixels) -> Callable[[Character], Pixels]:
    """A renderer that draws the same frame whatever it is asked."""
    return lambda character: frame

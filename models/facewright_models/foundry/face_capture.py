"""Face captures: random characters with any expression and turn, cut out as a face detector would, for landmarks; and
moving faces, several expressions of each character in one view, for what learns how faces move.

A shard `shard_00000.npz` holds N frames of `FACE_PX` squared, or of `MOVING_PX`: `jpegs` and `masks_png` (255 where
something was drawn) with `offsets` and `mask_offsets`, and all that says where each point of the mesh is seen:
`sliders` (N, P), `expressions` (N, E), `views` (N, 2) yaw and pitch in degrees, `crops` (N, 3) left, top and side of
the cut in pixels of a frame of `FRAME_PX`. Of moving faces, `FRAMES_EACH` frames that follow each other show one
character in one cut. Points themselves are not kept, so that other ones need no new frames: `project_mesh` gives them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from facewright_models.errors import InvalidInputError
from facewright_models.foundry.moving import moving_expression
from facewright_models.foundry.sampling import ACTION_GROUPS, Posed, random_posed
from facewright_models.foundry.shards import SHARD_SIZE, joined, make_shards, prepared, split, write_shard
from facewright_models.look import CharacterRenderer, Stage, View, portrait_camera
from facewright_models.look.staging import LIGHTINGS, head_rotation
from facewright_models.rig import RigSchema, load_rig

__all__ = [
    "FACE_PX",
    "FRAMES_EACH",
    "FRAME_PX",
    "MOVING_PX",
    "FaceShard",
    "capture_faces",
    "project_mesh",
    "read_face_shards",
]

Array = NDArray[np.float32]

FRAME_PX = 512
FACE_PX = 256
MOVING_PX, FRAMES_EACH = 384, 6
MAX_YAW_DEGREES, MAX_PITCH_DEGREES = 45.0, 20.0
_TEXTURE_PX = 512
_CROP_SIDES = 2.1
"""The cut's side over the face's: so wide that no random view of training leaves it."""
_MILD_SHARE = 0.6
"""Of the characters: their sliders are drawn to the middle by half, as most people's are."""
_REST_SHARE = 0.2
_MOST_ACTIONS = 8
_MOVING_YAW_DEGREES, _MOVING_PITCH_DEGREES = 14.0, 9.0
_MOVING_SHARD = 240


@dataclass(frozen=True, kw_only=True)
class _Recipe:
    """Sides of a drawn frame and of the cut in pixels, the cut's side over the face's, and how wide skin is painted."""

    drawn_px: int
    cut_px: int
    cut_sides: float
    texture_px: int


_ANY = _Recipe(drawn_px=FRAME_PX, cut_px=FACE_PX, cut_sides=_CROP_SIDES, texture_px=_TEXTURE_PX)
_MOVING = _Recipe(drawn_px=768, cut_px=MOVING_PX, cut_sides=1.6, texture_px=1024)


@dataclass(frozen=True, kw_only=True)
class FaceShard:
    """See the module; `jpegs` and `masks_png` are one file each."""

    jpegs: list[NDArray[np.uint8]]
    masks_png: list[NDArray[np.uint8]]
    sliders: Array
    expressions: Array
    views: Array
    crops: Array


def capture_faces(
    out_dir: Path,
    *,
    count: int,
    seed: int = 0,
    workers: int = 2,
    rig_name: str = "anny",
    moving: bool = False,
) -> int:
    """Write `count` face captures (rounded up to whole shards), or `moving` ones, and return how many there are.

    Seeded and resumed as `capture` is. Raises UnknownRigError, InvalidInputError when the folder holds captures of
    other settings.
    """
    schema = load_rig(rig_name).schema
    settings = {
        "rig": schema.name,
        "rig_version": schema.version,
        "seed": seed,
        "kind": "moving faces" if moving else "faces",
        "yaw_degrees": _MOVING_YAW_DEGREES if moving else MAX_YAW_DEGREES,
        "pitch_degrees": _MOVING_PITCH_DEGREES if moving else MAX_PITCH_DEGREES,
    }
    return make_shards(
        out_dir,
        settings,
        count=count,
        shard_size=_MOVING_SHARD if moving else SHARD_SIZE,
        workers=workers,
        make=_capture_shard,
        job=lambda index, path: (path, index, seed, rig_name, moving),
    )


def read_face_shards(folder: Path) -> Iterator[FaceShard]:
    """In order. Raises InvalidInputError for a folder without face captures."""
    paths = sorted(folder.glob("shard_*.npz"))
    if not paths:
        raise InvalidInputError(
            f"no shard_*.npz in {folder}; make some with 'facewright-server capture --faces'",
            field="captures",
        )
    for path in paths:
        with np.load(path, allow_pickle=False) as shard:
            missing = {"masks_png", "sliders", "expressions", "views", "crops"} - set(shard.files)
            if missing:
                raise InvalidInputError(
                    f"{path} holds no face captures ({', '.join(sorted(missing))} missing)", field="captures"
                )
            yield FaceShard(
                jpegs=split(shard["jpegs"], shard["offsets"]),
                masks_png=split(shard["masks_png"], shard["mask_offsets"]),
                sliders=shard["sliders"],
                expressions=shard["expressions"],
                views=shard["views"],
                crops=shard["crops"],
            )


def project_mesh(
    points: NDArray[np.floating],
    view: NDArray[np.floating],
    crop: NDArray[np.floating],
    cut_px: int = FACE_PX,
) -> NDArray[np.float64]:
    """Points of the head (K, 3) in metres -> (K, 2) in pixels of the cut; pixel centres are whole numbers."""
    turned = points @ head_rotation(View(yaw_degrees=float(view[0]), pitch_degrees=float(view[1]))).T
    frame = portrait_camera().project(turned, FRAME_PX)[:, :2]  # edges of pixels are whole numbers
    inside: NDArray[np.float64] = (frame - crop[:2]) * (cut_px / crop[2]) - 0.5
    return inside


def random_face(schema: RigSchema, generator: np.random.Generator) -> tuple[Posed, dict[str, float]]:
    """A random character before any light and background, and facial action -> weight."""
    posed = random_posed(schema, generator, turned=0.0)
    character = posed.character
    if generator.random() < _MILD_SHARE:
        milder = {name: 0.5 + 0.5 * (value - 0.5) for name, value in character.sliders.items()}
        character = replace(character, sliders=milder)
    light = str(generator.choice(list(LIGHTINGS), p=_light_shares()))
    red, green, blue = generator.uniform(0, 1, 3)
    view = View(
        yaw_degrees=float(generator.uniform(-MAX_YAW_DEGREES, MAX_YAW_DEGREES)),
        pitch_degrees=float(generator.uniform(-MAX_PITCH_DEGREES, MAX_PITCH_DEGREES)),
        stage=Stage(light=light, background=(float(red), float(green), float(blue))),
    )
    return replace(posed, character=character, view=view), _random_expression(schema, generator)


def moving_faces(
    schema: RigSchema, generator: np.random.Generator, people: int
) -> list[tuple[Posed, dict[str, float]]]:
    """`FRAMES_EACH` expressions of each of some random characters, the first at rest, in one view and light."""
    faces = []
    for _ in range(people):
        posed, _ = random_face(schema, generator)
        yaw, pitch = generator.normal(0, 0.4, 2) * [_MOVING_YAW_DEGREES, _MOVING_PITCH_DEGREES]
        view = replace(posed.view, yaw_degrees=float(yaw), pitch_degrees=float(pitch))
        posed = replace(posed, view=view)
        faces.append((posed, dict[str, float]()))
        faces += [(posed, moving_expression(schema, generator)) for _ in range(FRAMES_EACH - 1)]
    return faces


def _light_shares() -> list[float]:
    """Even, but for the studio's, which counts twice."""
    shares = np.array([2.0 if name == "studio" else 1.0 for name in LIGHTINGS])
    return list(shares / shares.sum())


def _random_expression(schema: RigSchema, generator: np.random.Generator) -> dict[str, float]:
    """At rest, or what faces do most (open mouth, smile, blink) together with a few facial actions, whose left and
    right go together as a rule.
    """
    if generator.random() < _REST_SHARE:
        return {}
    chosen: dict[str, float] = {}
    actions = schema.facial_actions
    for name in generator.choice(actions, int(generator.integers(_MOST_ACTIONS)), replace=False):
        weight = float(generator.uniform(0, 0.9))
        chosen[str(name)] = weight
        other = _other_side(str(name))
        if other in actions and generator.random() < 0.8:
            chosen[other] = weight
    for names in ACTION_GROUPS.values():
        if generator.random() < 0.4:
            weight = float(generator.uniform())
            chosen |= {name: weight for name in names if name in actions}
    return chosen


def _other_side(name: str) -> str:
    """The action of the other half of the face; eyes look together to one side."""
    other = name.replace("Left", "#").replace("Right", "Left").replace("#", "Right")
    if name.startswith("eyeLookIn"):
        return other.replace("LookIn", "LookOut")
    return other.replace("LookOut", "LookIn")


def _capture_shard(job: tuple[Path, int, int, str, bool]) -> int:
    path, index, seed, rig_name, is_moving = job
    rig = load_rig(rig_name)
    generator = np.random.default_rng([seed, index])
    if is_moving:
        recipe, faces = _MOVING, moving_faces(rig.schema, generator, _MOVING_SHARD // FRAMES_EACH)
    else:
        recipe, faces = _ANY, [random_face(rig.schema, generator) for _ in range(SHARD_SIZE)]
    expressions = iter([expression for _, expression in faces])
    kept: dict[str, list[NDArray[np.floating]]] = {
        name: [] for name in ("sliders", "expressions", "views", "crops")
    }
    jpegs: list[NDArray[np.uint8]] = []
    masks: list[NDArray[np.uint8]] = []
    crop = np.zeros(3)
    with CharacterRenderer(
        rig, size_px=recipe.drawn_px, backend="egl", texture_px=recipe.texture_px
    ) as renderer:
        for posed in prepared(renderer, (posed for posed, _ in faces)):
            expression = next(expressions)
            drawn = renderer.render(
                posed.character,
                expression=expression,
                view=posed.view,
                passes={"color", "depth"},
                preset="draft",
            )
            if drawn.frame.color is None or drawn.frame.depth is None:
                raise RuntimeError("the renderer left out a pass that was asked for")
            if not is_moving or len(jpegs) % FRAMES_EACH == 0:
                crop = _crop(drawn.landmarks_px * (FRAME_PX / recipe.drawn_px), recipe.cut_sides)
            mask = (drawn.frame.depth > 0).astype(np.uint8) * np.uint8(255)
            color, mask = (_cut(image, crop, recipe) for image in (drawn.frame.color, mask))
            jpegs.append(cv2.imencode(".jpg", color[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 92])[1].ravel())
            masks.append(cv2.imencode(".png", mask, [cv2.IMWRITE_PNG_COMPRESSION, 3])[1].ravel())
            kept["sliders"].append(
                np.array([posed.character.sliders[name] for name in rig.schema.continuous_names])
            )
            kept["expressions"].append(
                np.array([expression.get(name, 0.0) for name in rig.schema.facial_actions])
            )
            kept["views"].append(np.array([posed.view.yaw_degrees, posed.view.pitch_degrees]))
            kept["crops"].append(crop)
    frames, offsets = joined(jpegs)
    mask_files, mask_offsets = joined(masks)
    files: dict[str, NDArray[Any]] = {
        "jpegs": frames,
        "offsets": offsets,
        "masks_png": mask_files,
        "mask_offsets": mask_offsets,
    }
    write_shard(path, files | {name: np.stack(rows).astype(np.float32) for name, rows in kept.items()})
    return index


def _crop(landmarks_px: NDArray[np.float64], sides: float) -> NDArray[np.float64]:
    """(3,) left, top and side of the square about the face, `sides` times as wide."""
    low, high = landmarks_px.min(0), landmarks_px.max(0)
    side = sides * float((high - low).max())
    left, top = (low + high) / 2 - side / 2
    return np.array([left, top, side])


def _cut(image: NDArray[np.uint8], crop: NDArray[np.float64], recipe: _Recipe) -> NDArray[np.uint8]:
    """Bilinear, each pixel of the cut on as many of the frame as it covers; the border is repeated outside."""
    left, top, side = crop * (recipe.drawn_px / FRAME_PX)
    step = side / recipe.cut_px
    matrix = np.array([[step, 0, left + 0.5 * step - 0.5], [0, step, top + 0.5 * step - 0.5]])
    if step > 1:
        image = np.asarray(cv2.GaussianBlur(image, (0, 0), 0.35 * step), dtype=np.uint8)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    size = (recipe.cut_px, recipe.cut_px)
    return np.asarray(
        cv2.warpAffine(image, matrix, size, flags=flags, borderMode=cv2.BORDER_REPLICATE), dtype=np.uint8
    )

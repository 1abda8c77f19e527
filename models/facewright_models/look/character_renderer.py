"""A character's frame with the 68 landmarks."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from types import TracebackType

import numpy as np
from numpy.typing import NDArray

from facewright_models.errors import ParameterRangeError, RenderUnavailableError, UnknownParameterError
from facewright_models.look.baked_head import BakedHead, HeadBaker
from facewright_models.look.dresser import TEXTURE_PX, dresser
from facewright_models.look.staging import View, portrait_camera
from facewright_models.rig import BakedRig, Character, expression_vector, validate_character
from facewright_renderer import Backend, Frame, MissingDriverError, Pass, Preset, create_renderer

__all__ = ["MAX_SIZE_PX", "MIN_SIZE_PX", "PREPARED_HEADS", "CharacterRenderer", "RenderedCharacter"]

MIN_SIZE_PX, MAX_SIZE_PX = 16, 2048
_PASSES: frozenset[str] = frozenset({"color", "labels", "depth", "normals"})
PREPARED_HEADS = 8
_VISIBILITY_SLACK_METRES = 0.015
"""A landmark is a mean of vertices, so it lies up to a centimetre under the surface that shows it."""


@dataclass(frozen=True, kw_only=True)
class RenderedCharacter:
    """A frame with its landmarks: (68, 2) pixel positions and (68,) whether nothing lies before them
    (15 mm under a surface still count as on it).
    """

    frame: Frame
    landmarks_px: NDArray[np.float64]
    landmarks_visible: NDArray[np.bool_]


class CharacterRenderer:
    """Draws characters of one rig, their skin painted `texture_px` wide.

    Owns a GL context: construct and use it on one thread only.

    Raises RenderUnavailableError when the machine has no EGL driver.
    """

    def __init__(
        self,
        rig: BakedRig,
        *,
        size_px: int = 512,
        backend: Backend = "pyrender",
        texture_px: int = TEXTURE_PX,
    ) -> None:
        self._rig = rig
        self._size_px = _checked_size(size_px)
        try:
            self._renderer = create_renderer(backend)
        except MissingDriverError as error:
            raise RenderUnavailableError(str(error)) from error
        self._baker = HeadBaker(rig, dresser(rig, texture_px=texture_px))
        self._heads: OrderedDict[tuple[object, ...], BakedHead] = OrderedDict()

    def __enter__(self) -> CharacterRenderer:  # noqa: PYI034 - the run-time type checker refuses Self here
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Free the GL context."""
        self._renderer.close()

    def render(
        self,
        character: Character,
        *,
        expression: Mapping[str, float] | None = None,
        view: View | None = None,
        size_px: int | None = None,
        passes: Set[str] = frozenset({"color"}),
        preset: Preset = "full",
    ) -> RenderedCharacter:
        """One frame. Raises UnknownParameterError, ParameterRangeError, RigVersionError, UnknownRigError."""
        size = self._size_px if size_px is None else size_px
        actions = expression_vector(self._rig.schema, expression or {}).numpy()
        turn = view or View()
        # Whether a landmark is hidden is read from the depth.
        frame = self.draw(
            character, actions, view=turn, size_px=size, passes=passes | {"depth"}, preset=preset
        )
        projected = portrait_camera().project(self._head(character).landmarks(actions, turn), size)
        visible = _in_front(frame, projected, size)
        if "depth" not in passes:
            frame = Frame(color=frame.color, labels=frame.labels, normals=frame.normals)
        return RenderedCharacter(frame=frame, landmarks_px=projected[:, :2], landmarks_visible=visible)

    def draw(
        self,
        character: Character,
        actions: NDArray[np.float32],
        *,
        view: View,
        size_px: int,
        passes: Set[str] = frozenset({"color"}),
        preset: Preset = "full",
    ) -> Frame:
        """A frame without landmarks, for clips and captures: actions (E,) in [0,1] in the order of the schema.

        What belongs to the character alone is kept from its last frames. Raises like `render`.
        """
        unknown = min(set(passes) - _PASSES, default=None)
        if unknown is not None:
            raise UnknownParameterError(
                f"unknown pass '{unknown}'; passes: {', '.join(sorted(_PASSES))}",
                field="passes",
                metadata={"got": unknown},
            )
        wanted: set[Pass] = {name for name in passes if name in _PASSES}  # type: ignore[misc]
        size = _checked_size(size_px)
        scene = self._head(character).scene(actions, view, preset)
        return self._renderer.render(scene, size_px=size, passes=wanted, preset=preset)

    def portrait(self, character: Character) -> NDArray[np.uint8]:
        """The face at rest from the front, (S, S, 3) sRGB, without landmarks and the depth that these need.

        Raises like `render`.
        """
        frame = self.draw(
            character,
            expression_vector(self._rig.schema, {}).numpy(),
            view=View(),
            size_px=self._size_px,
        )
        if frame.color is None:
            raise RuntimeError("the renderer left out the colour pass")
        return frame.color

    def prepare(self, characters: Sequence[Character]) -> None:
        """Bake characters that are to be drawn next together, which is faster; at most `PREPARED_HEADS`.

        A head's last bits may depend on which others it was baked with. Raises like `render`.
        """
        wanted = [
            validate_character(self._rig.schema, character) for character in characters[:PREPARED_HEADS]
        ]
        heads = self._baker.bake_all(wanted) if wanted else []
        for complete, head in zip(wanted, heads, strict=True):
            self._keep(_key(complete), head)

    def _head(self, character: Character) -> BakedHead:
        """Baked when it is not among the latest ones."""
        complete = validate_character(self._rig.schema, character)
        key = _key(complete)
        return self._keep(key, self._heads[key] if key in self._heads else self._baker.bake(complete))

    def _keep(self, key: tuple[object, ...], head: BakedHead) -> BakedHead:
        self._heads[key] = head
        self._heads.move_to_end(key)
        if len(self._heads) > PREPARED_HEADS:
            self._heads.popitem(last=False)
        return head


def _key(character: Character) -> tuple[object, ...]:
    """Of a complete character, whose names are all there and in the order of the schema."""
    own = character.skin_texture
    return (
        *character.sliders.values(),
        *character.styles.values(),
        *character.colors.values(),
        None if own is None else own.sha256,
    )


def _in_front(frame: Frame, projected: NDArray[np.float64], size_px: int) -> NDArray[np.bool_]:
    depth = frame.depth
    if depth is None:
        return np.zeros(len(projected), bool)
    column, row = (np.floor(projected[:, axis]).astype(int) for axis in (0, 1))
    inside = (column >= 0) & (column < size_px) & (row >= 0) & (row < size_px)
    seen = depth[np.clip(row, 0, size_px - 1), np.clip(column, 0, size_px - 1)]
    return np.asarray(inside & ((seen == 0) | (projected[:, 2] < seen + _VISIBILITY_SLACK_METRES)))


def _checked_size(size_px: int) -> int:
    if not MIN_SIZE_PX <= size_px <= MAX_SIZE_PX:
        raise ParameterRangeError(
            f"size_px is {size_px}; expected {MIN_SIZE_PX}..{MAX_SIZE_PX}",
            field="size_px",
            metadata={"got": str(size_px)},
        )
    return size_px

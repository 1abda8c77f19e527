"""The seam between serving and the domain: `Studio` says what the server needs, `DomainStudio` has it.

Tests put a small studio of their own behind the real server.
"""

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

import numpy as np

from facewright_models.export import ExportOptions, export_glb, export_obj
from facewright_models.expression import OpenedFace
from facewright_models.fitting import FitOptions, FitOutcome, FitProgress, Fitter, Refit, RefitResult, Subject
from facewright_models.landmarks import FaceBox
from facewright_models.landmarks.choice import use_landmark_model
from facewright_models.look import CharacterRenderer, RenderedCharacter, View
from facewright_models.photo import Photo, decode_photo
from facewright_models.rig import BakedRig, Character, RigSchema, list_rigs, load_rig
from facewright_renderer import Backend, Frame, Preset

__all__ = ["DomainStudio", "FaceAnimator", "FaceFitter", "FrameRenderer", "Studio", "backend_for"]


class FrameRenderer(Protocol):
    """Draws characters of one rig; used on one thread only."""

    def render(
        self,
        character: Character,
        *,
        expression: Mapping[str, float],
        view: View,
        size_px: int | None,
        passes: frozenset[str],
        preset: Preset = ...,
    ) -> RenderedCharacter:
        """One frame. Raises `UnknownParameterError`, `ParameterRangeError`."""
        ...

    def draw(
        self, character: Character, actions: np.ndarray, *, view: View, size_px: int, preset: Preset
    ) -> Frame:
        """The colours of one frame of a clip; actions (E,) in the order of the schema. Raises likewise."""
        ...

    def portrait(self, character: Character) -> np.ndarray:
        """The face at rest from the front, (512, 512, 3): what a fit looks at. Raises likewise."""
        ...

    def close(self) -> None:
        """Free the GL context."""
        ...


class FaceFitter(Protocol):
    """Fits characters of one rig; one call at a time per worker thread."""

    def fit_each(
        self,
        subjects: Sequence[Subject],
        *,
        options: FitOptions,
        render: Callable[[Character], np.ndarray],
        on_progress: Callable[[FitProgress], None],
        should_stop: Callable[[], bool],
        is_abandoned: Callable[[int], bool] = ...,
        on_outcome: Callable[[int, FitOutcome], None],
    ) -> list[FitOutcome]:
        """A result or an error per subject; see `Fitter.fit_each`.

        Raises `FitCancelledError` soon after `should_stop()` is true or every subject is abandoned.
        """
        ...

    def refit(
        self,
        refit: Refit,
        *,
        render: Callable[[Character], np.ndarray],
        on_progress: Callable[[FitProgress], None],
        should_stop: Callable[[], bool],
    ) -> RefitResult:
        """The edited character; see `Fitter.refit`. Raises likewise."""
        ...


class FaceAnimator(Protocol):
    """Draws photos with other expressions; used on several threads."""

    def open(self, photo: Photo, *, face_box: FaceBox | None = None) -> OpenedFace:
        """Find the face and make it ready to be drawn. Raises `NoFaceError`, `FaceTooSmallError`."""
        ...

    def measure(self, pixels: np.ndarray) -> Mapping[str, float] | None:
        """The degrees of the largest face in (H, W, 3) uint8 sRGB, or None without a face."""
        ...


class Studio(Protocol):
    """What the server asks of the domain. Every method may be called on any thread, and may take seconds."""

    def rig_names(self) -> tuple[str, ...]:
        """Installed rigs."""
        ...

    def schema(self, rig_name: str) -> RigSchema:
        """Raises `UnknownRigError`."""
        ...

    def decode_photo(self, content: bytes, *, max_pixels: int) -> Photo:
        """Raises `InvalidImageError`, `ImageTooLargeError`."""
        ...

    def open_fitter(self, rig_name: str, *, torch_threads: int) -> FaceFitter:
        """Loads the models, once per rig. The calling thread computes with that many threads from now on.

        Raises `UnknownRigError`, `WeightsError`.
        """
        ...

    def open_animator(self, *, torch_threads: int) -> FaceAnimator:
        """Loads the models, once. The calling thread computes with that many threads from now on.

        Raises `WeightsError`.
        """
        ...

    def open_renderer(self, rig_name: str, *, backend: Backend) -> FrameRenderer:
        """Makes a GL context on the calling thread. Raises `UnknownRigError`, `RenderUnavailableError`."""
        ...

    def export_glb(
        self, character: Character, *, name: str, options: ExportOptions, extras: Mapping[str, object]
    ) -> bytes:
        """The character as binary glTF, with JSON for its scene's extras.

        Raises `UnknownRigError`, `UnknownParameterError`, `ParameterRangeError`.
        """
        ...

    def export_obj(self, character: Character, *, name: str, options: ExportOptions) -> Mapping[str, bytes]:
        """The character as OBJ: files by name, the OBJ first. Raises likewise."""
        ...


def backend_for(configured: str, preset: Preset | None) -> Backend:
    """What draws a frame of that preset under the setting `render_backend`.

    Without one, `auto` is the reference, so that what exists looks as it did; a preset asks for time bounds that
    only egl keeps.
    """
    if configured == "auto":
        return "pyrender" if preset is None else "egl"
    return "egl" if configured == "egl" else "pyrender"


def _compute_with(count: int) -> None:
    """Threads of the tensor operations of the calling thread.

    Each thread that computes with helpers keeps them. As soon as a process has more of them than processors,
    they sleep between operations instead of waiting awake, and a fit takes a third longer: so threads that do
    not fit compute alone.
    """
    import torch

    if torch.get_num_threads() != count:
        torch.set_num_threads(count)


class DomainStudio:
    """The real one. Rigs, fitters and the animator stay loaded once they were asked for.

    `landmark_model` holds for the whole process; see `landmarks.choice`.
    """

    def __init__(self, *, landmark_model: str = "network") -> None:
        use_landmark_model(landmark_model)
        self._rig_lock = threading.Lock()
        self._fitter_lock = threading.Lock()
        self._rigs: dict[str, BakedRig] = {}
        self._animator_lock = threading.Lock()
        self._fitters: dict[str, Fitter] = {}
        self._animator: FaceAnimator | None = None

    def rig_names(self) -> tuple[str, ...]:
        """See `Studio`."""
        return list_rigs()

    def schema(self, rig_name: str) -> RigSchema:
        """See `Studio`."""
        _compute_with(1)
        return self._rig(rig_name).schema

    def decode_photo(self, content: bytes, *, max_pixels: int) -> Photo:
        """See `Studio`."""
        return decode_photo(content, max_pixels=max_pixels)

    def open_fitter(self, rig_name: str, *, torch_threads: int) -> FaceFitter:
        """See `Studio`."""
        _compute_with(torch_threads)
        self._rig(rig_name)
        with self._fitter_lock:
            if rig_name not in self._fitters:
                self._fitters[rig_name] = Fitter.load(rig_name)
            return self._fitters[rig_name]

    def open_animator(self, *, torch_threads: int) -> FaceAnimator:
        """See `Studio`. Imported only when it is asked for: a server that animates nothing does without."""
        from facewright_models.expression.animator import Animator

        _compute_with(torch_threads)
        with self._animator_lock:
            if self._animator is None:
                self._animator = Animator.load()
            return self._animator

    def open_renderer(self, rig_name: str, *, backend: Backend) -> FrameRenderer:
        """See `Studio`."""
        _compute_with(1)
        return CharacterRenderer(self._rig(rig_name), backend=backend)

    def export_glb(
        self, character: Character, *, name: str, options: ExportOptions, extras: Mapping[str, object]
    ) -> bytes:
        """See `Studio`."""
        _compute_with(1)
        return export_glb(self._rig(character.rig), character, name=name, options=options, extras=extras)

    def export_obj(self, character: Character, *, name: str, options: ExportOptions) -> Mapping[str, bytes]:
        """See `Studio`."""
        _compute_with(1)
        return export_obj(self._rig(character.rig), character, name=name, options=options)

    def _rig(self, name: str) -> BakedRig:
        with self._rig_lock:
            if name not in self._rigs:
                self._rigs[name] = load_rig(name)
            return self._rigs[name]

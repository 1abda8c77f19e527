"""A studio without weights: it follows the contract of the real one with as little logic as that takes."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from facewright_models import errors
from facewright_models.export import (
    ExportMesh,
    ExportModel,
    ExportOptions,
    Joint,
    Material,
    write_glb,
    write_obj,
)
from facewright_models.export.characters import checked_name
from facewright_models.fitting import (
    FitOptions,
    FitOutcome,
    FitProgress,
    FitReport,
    FitResult,
    Refit,
    RefitReport,
    RefitResult,
    Subject,
)
from facewright_models.look import RenderedCharacter, View
from facewright_models.photo import Notice, Photo
from facewright_models.rig import (
    SKIN_TEXTURE_PX,
    Character,
    Parameter,
    ParameterKind,
    RigSchema,
    SkinTexture,
    skin_texture_file,
    validate_character,
)
from facewright_renderer import Frame
from unit.server.fakes.animator import FakeAnimator

SCHEMA = RigSchema(
    name="fake",
    version="2.1.0",
    license="CC0-1.0",
    parameters=(
        Parameter(
            name="nose_width", group="nose", kind=ParameterKind.CONTINUOUS, description="Width.", neutral=0.5
        ),
        Parameter(
            name="jaw_width", group="jaw", kind=ParameterKind.CONTINUOUS, description="Width.", neutral=0.5
        ),
        Parameter(
            name="hair",
            group="hair",
            kind=ParameterKind.STYLE,
            description="Hair.",
            neutral="none",
            options=("none", "bob"),
        ),
        Parameter(
            name="skin", group="skin", kind=ParameterKind.COLOR, description="Skin.", neutral=(0.8, 0.6, 0.5)
        ),
    ),
    facial_actions=("jawOpen", "mouthSmileLeft"),
)
OTHER_SCHEMA = replace(SCHEMA, name="other")
PHOTO = b"a photo"


def raising(error: type[Exception]) -> bytes:
    """A photo that makes reading it raise `error`."""
    return b"raise " + error.__name__.encode()


def raising_in_fit(error: type[Exception]) -> bytes:
    """A photo that makes fitting it raise `error`."""
    return b"fit raises " + error.__name__.encode()


def skin_pixels() -> np.ndarray:
    """What a fit bakes."""
    return np.full((SKIN_TEXTURE_PX, SKIN_TEXTURE_PX, 3), (200, 150, 120), np.uint8)


@dataclass
class FakeStudio:
    """What tests set and what they look at afterwards."""

    step_secs: float = 0.0
    on_step: Callable[[], None] = lambda: None
    load_gate: threading.Event | None = None
    load_error: Exception | None = None
    renderer_error: Exception | None = None
    steps: int = 0
    running: int = 0
    most_running: int = 0
    last_step_at: float = 0.0
    stopped_at: float | None = None
    options: FitOptions | None = None
    refit: Refit | None = None
    subjects: Sequence[Subject] = ()
    render_threads: set[str] = field(default_factory=set)
    closed_renderers: int = 0
    opened_backends: list[str] = field(default_factory=list)
    presets: list[str] = field(default_factory=list)
    landmark_model: str = "network"
    drawn: list[float] = field(default_factory=list)  # of frames of clips, the first action
    frame_secs: float = 0.0
    batches: list[int] = field(default_factory=list)
    on_export: Callable[[], object] = lambda: None
    exported: list[tuple[str, ExportOptions]] = field(default_factory=list)
    worn: list[SkinTexture | None] = field(default_factory=list)  # by characters that were drawn or exported
    animated: list[dict[str, float]] = field(default_factory=list)  # degrees of photos that were drawn
    animator_threads: list[tuple[str, int]] = field(
        default_factory=list
    )  # where it was opened, with how many
    on_animate: Callable[[], object] = lambda: None

    def rig_names(self) -> tuple[str, ...]:
        return ("other", "fake")

    def schema(self, rig_name: str) -> RigSchema:
        for schema in (SCHEMA, OTHER_SCHEMA):
            if schema.name == rig_name:
                return schema
        raise errors.UnknownRigError(f"there is no rig {rig_name!r}; expected fake or other", field="rig")

    def decode_photo(self, content: bytes, *, max_pixels: int) -> Photo:
        if not content:
            raise errors.InvalidImageError("the image is empty", field="content")
        if content.startswith(b"raise "):
            raise _error(content)
        pixels = np.zeros((48, 64, 3), np.uint8)
        # The fitter sees pixels only, so the text travels in them.
        flat = np.frombuffer(content[: pixels.size], np.uint8)
        pixels.reshape(-1)[: flat.size] = flat
        return Photo(pixels=pixels)

    def open_fitter(self, rig_name: str, *, torch_threads: int) -> FakeFitter:
        if self.load_gate is not None:
            self.load_gate.wait(30)
        if self.load_error is not None:
            raise self.load_error
        return FakeFitter(self, self.schema(rig_name))

    def open_animator(self, *, torch_threads: int) -> FakeAnimator:
        self.animator_threads.append((threading.current_thread().name, torch_threads))
        return FakeAnimator(self)

    def open_renderer(self, rig_name: str, *, backend: str) -> FakeRenderer:
        if self.renderer_error is not None:
            raise self.renderer_error
        self.opened_backends.append(backend)
        return FakeRenderer(self, self.schema(rig_name))

    def export_glb(
        self, character: Character, *, name: str, options: ExportOptions, extras: Mapping[str, object]
    ) -> bytes:
        model = self._model(character, name, options)
        return write_glb(replace(model, extras=extras), generator="fake")

    def export_obj(self, character: Character, *, name: str, options: ExportOptions) -> Mapping[str, bytes]:
        return write_obj(self._model(character, name, options), generator="fake")

    def _model(self, character: Character, name: str, options: ExportOptions) -> ExportModel:
        """One triangle, as wide as the nose."""
        self.exported.append((checked_name(name), options))
        self.worn.append(character.skin_texture)
        self.on_export()
        for action, value in options.expression.items():
            _check_action(self.schema(character.rig), action, value)
        width = character.sliders["nose_width"]
        mesh = ExportMesh(
            name="skin",
            material=Material(name="skin", roughness=0.5),
            positions=np.array([[0, 0, 0], [width, 0, 0], [0, 1, 0]], np.float32),
            normals=np.tile(np.array([0, 0, 1], np.float32), (3, 1)),
            triangles=np.array([[0, 1, 2]], np.int32),
            joints=np.zeros(3, np.uint8),
        )
        head = Joint(name="head", position=(0.0, 0.0, 0.0))
        return ExportModel(name=name, meshes=(mesh,), joints=(head,), copyright="CC0-1.0")


@dataclass
class FakeFitter:
    studio: FakeStudio
    schema: RigSchema

    def fit_each(
        self,
        subjects: Sequence[Subject],
        *,
        options: FitOptions,
        render: Callable[[Character], np.ndarray],
        on_progress: Callable[[FitProgress], None],
        should_stop: Callable[[], bool],
        is_abandoned: Callable[[int], bool] = lambda index: False,
        on_outcome: Callable[[int, FitOutcome], None] = lambda index, outcome: None,
    ) -> list[FitOutcome]:
        """Everyone makes a step, then everyone the next."""
        studio = self.studio
        studio.options, studio.subjects = options, subjects
        studio.batches.append(len(subjects))
        studio.running += 1
        studio.most_running = max(studio.most_running, studio.running)
        outcomes: dict[int, FitOutcome] = {}

        def settle(index: int, outcome: FitOutcome) -> None:
            outcomes[index] = outcome
            on_outcome(index, outcome)

        def still_open() -> list[int]:
            for index in range(len(subjects)):
                if index not in outcomes and is_abandoned(index):
                    settle(index, errors.FitCancelledError("abandoned"))
            if should_stop() or all(isinstance(outcomes.get(i), errors.FitCancelledError) for i in everyone):
                studio.stopped_at = time.monotonic()
                raise errors.FitCancelledError("stopped")
            return [index for index in everyone if index not in outcomes]

        def tell(stage: str, iteration: int) -> None:
            for index in still_open():
                on_progress(
                    FitProgress(
                        iteration=iteration,
                        iterations=options.iterations,
                        stage=stage,
                        loss=1 / (1 + iteration),
                        similarity=iteration / max(1, options.iterations),
                        subject=index,
                    )
                )

        everyone = range(len(subjects))
        try:
            for index, subject in enumerate(subjects):
                text = subject.photos[0].pixels.tobytes().rstrip(b"\0")
                if text.startswith(b"fit raises "):
                    error = _error(text)
                    if not isinstance(error, errors.FacewrightError):
                        raise error
                    settle(index, error)
            tell("align", 0)
            for iteration in range(1, options.iterations + 1):
                for _ in still_open():
                    time.sleep(studio.step_secs)
                    studio.steps += 1
                    studio.last_step_at = time.monotonic()
                    studio.on_step()
                tell("optimise", iteration)
            tell("render", options.iterations)
            for index in still_open():
                settle(index, self._result(options, render))
        finally:
            studio.running -= 1
        return [outcomes[index] for index in everyone]

    def fit(
        self,
        subjects: Sequence[Subject],
        *,
        options: FitOptions,
        render: Callable[[Character], np.ndarray],
        **_: Any,
    ) -> list[FitResult]:
        """Everyone's result at once, for fitters of tests that do the waiting themselves."""
        outcomes = self.fit_each(
            subjects,
            options=options,
            render=render,
            on_progress=lambda progress: None,
            should_stop=lambda: False,
        )
        for outcome in outcomes:
            if isinstance(outcome, errors.FacewrightError):
                raise outcome
        return [outcome for outcome in outcomes if isinstance(outcome, FitResult)]

    def refit(
        self,
        refit: Refit,
        *,
        render: Callable[[Character], np.ndarray],
        on_progress: Callable[[FitProgress], None],
        should_stop: Callable[[], bool],
    ) -> RefitResult:
        """Fits the photos in steps, puts on what is wanted, and widens the nose with the preset."""
        self.studio.refit = refit
        fitted = None
        if refit.subject is not None:
            (outcome,) = self.fit_each(
                [refit.subject],
                options=refit.options,
                render=render,
                on_progress=on_progress,
                should_stop=should_stop,
            )
            if isinstance(outcome, errors.FacewrightError):
                raise outcome
            fitted = outcome.report
        before = validate_character(self.schema, refit.character)
        width = before.sliders["nose_width"]
        if refit.preset is not None and "nose_width" not in refit.kept:
            width = min(1.0, width + 0.5 * (1 if refit.strength is None else refit.strength))
        after = replace(
            before,
            sliders={**before.sliders, "nose_width": width, **refit.locked_sliders},
            styles={**before.styles, **refit.styles, **refit.locked_styles},
            colors={**before.colors, **refit.colors, **refit.locked_colors},
        )
        return RefitResult(
            character=after,
            report=RefitReport(
                identity_distance=0.25,
                strength=0.0 if refit.preset is None else 0.5,
                seconds={"render": 0.5, "total": 0.5},
                warnings=(Notice(code="PRESET_WEAKENED", message="more would be another person"),),
                fit=fitted,
            ),
            before=render(before),
            rendered=render(after),
        )

    def _result(self, options: FitOptions, render: Callable[[Character], np.ndarray]) -> FitResult:
        character = validate_character(
            self.schema,
            Character(
                rig=self.schema.name,
                rig_version=self.schema.version,
                sliders={"nose_width": 0.25 + options.seed / 100, **options.locked_sliders},
                styles=options.locked_styles,
                colors=options.locked_colors,
            ),
        )
        picture = np.zeros((16, 16, 3), np.uint8)
        skin_texture_png = None
        if options.bake_skin:
            texture, skin_texture_png = skin_texture_file(skin_pixels())
            character = replace(character, skin_texture=texture)
        return FitResult(
            character=character,
            report=FitReport(
                identity_cosine=0.9,
                content_l1=0.1,
                landmark_nme=0.03,
                iterations=options.iterations,
                seconds={"align": 0.1, "features": 0.2, "optimise": 0.3, "render": 0.4, "total": 1.0},
                warnings=(Notice(code="GLASSES", message="the person wears glasses"),),
                confidence={"nose": 0.75, "ears": 0.25},
            ),
            aligned_photo=picture,
            imitated=picture + 100,
            rendered=render(character),
            skin_texture_png=skin_texture_png,
        )


@dataclass
class FakeRenderer:
    studio: FakeStudio
    schema: RigSchema

    def render(
        self,
        character: Character,
        *,
        expression: Mapping[str, float],
        view: View,
        size_px: int | None,
        passes: frozenset[str],
        preset: str = "full",
    ) -> RenderedCharacter:
        self.studio.render_threads.add(threading.current_thread().name)
        self.studio.presets.append(preset)
        self.studio.worn.append(character.skin_texture)
        size = 16 if size_px in (None, 512) else size_px
        if not 16 <= size <= 2048:
            raise errors.ParameterRangeError(f"size_px is {size}; expected 16..2048", field="size_px")
        for name, value in expression.items():
            _check_action(self.schema, name, value)
        shade = round(255 * character.sliders["nose_width"])
        color = np.full((size, size, 3), shade, np.uint8)
        noise = np.random.default_rng(0)
        return RenderedCharacter(
            frame=Frame(
                color=color if "color" in passes else None,
                labels=np.indices((size, size))[1].astype(np.uint8) % 11 if "labels" in passes else None,
                depth=noise.random((size, size), np.float32) if "depth" in passes else None,
                normals=np.zeros((size, size, 3), np.float32) if "normals" in passes else None,
            ),
            landmarks_px=np.full((68, 2), view.yaw_degrees),
            landmarks_visible=np.arange(68) < 60,
        )

    def portrait(self, character: Character) -> np.ndarray:
        drawn = self.render(
            character, expression={}, view=View(), size_px=None, passes=frozenset({"color"})
        ).frame.color
        assert drawn is not None
        return drawn

    def draw(
        self, character: Character, actions: np.ndarray, *, view: View, size_px: int, preset: str
    ) -> Frame:
        """Red is the first action, green the yaw; a bright first row says which one is on top."""
        self.studio.render_threads.add(threading.current_thread().name)
        self.studio.presets.append(preset)
        self.studio.drawn.append(float(actions[0]))
        self.studio.worn.append(character.skin_texture)
        time.sleep(self.studio.frame_secs)
        color = np.zeros((size_px, size_px, 3), np.uint8)
        color[..., 0] = round(200 * float(actions[0]))
        color[..., 1] = round(128 + view.yaw_degrees)
        color[0] = 255
        return Frame(color=color)

    def close(self) -> None:
        self.studio.closed_renderers += 1


def _check_action(schema: RigSchema, name: str, value: float) -> None:
    if name not in schema.facial_actions:
        raise errors.UnknownParameterError(f"there is no facial action {name!r}", field=name)
    if not 0 <= value <= 1:
        raise errors.ParameterRangeError(f"{name} is {value}; expected [0, 1]", field=f"expression[{name}]")


def _error(text: bytes) -> Exception:
    name = text.split()[-1].decode()
    if name == "RuntimeError":
        return RuntimeError("a secret of the server: /root/weights")
    error: Exception = getattr(errors, name)(f"this is {name}", metadata={"from": "fake"})
    return error

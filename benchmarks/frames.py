"""Where the milliseconds of a frame go: vertices, draw, read-back, encoding and transport; 512 px, colours alone."""

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from facewright import AsyncClient, Clip, EmbeddedServer
from facewright import Character as ClientCharacter
from facewright_models.look import CharacterRenderer, View, make_clip
from facewright_models.look.baked_head import HeadBaker
from facewright_models.look.dresser import dresser
from facewright_models.rig import BakedRig, Character, load_rig, neutral_character
from facewright_renderer import Preset
from facewright_renderer.backends.gl_targets import Target
from facewright_server.config import ServerConfig
from facewright_server.engine import Engine
from facewright_server.pictures import color_jpeg, color_png, color_raw, fast_color_png
from facewright_server.studio import DomainStudio
from timing import Measurement, seconds_of, summary

SIZE_PX = 512
CURVES = (
    "jawOpen", "mouthSmileLeft", "mouthSmileRight", "eyeBlinkLeft", "eyeBlinkRight", "browInnerUp", "mouthPucker",
    "cheekPuff",
)  # fmt: skip
CLIP_FRAMES = 90
CLIPS: tuple[tuple[str, Preset], ...] = (
    ("jpeg", "draft"),
    ("raw_rgb24", "draft"),
    ("png", "draft"),
    ("jpeg", "full"),
)
PRESETS: tuple[Preset, ...] = ("draft", "full")
KINDS: tuple[tuple[str, Preset], ...] = (("pyrender", "full"), ("egl", "draft"), ("egl", "full"))
ENCODERS: dict[str, Callable[[np.ndarray], bytes]] = {
    "JPEG, quality 90": lambda color: color_jpeg(color, quality=90),
    "PNG, level 1": lambda color: fast_color_png(color, level=1),
    "PNG of single frames": color_png,
    "raw": lambda color: color_raw(color, bottom_up=False),
}


def measure(*, repeats: int) -> list[Measurement]:
    """Rows of the table: the parts of a frame, then clips through the server's engine and over gRPC."""
    return _parts("anny", repeats) + _encoders(repeats) + _clips(repeats)


def _parts(rig_name: str, repeats: int) -> list[Measurement]:
    rig = load_rig(rig_name)
    character = neutral_character(rig.schema)
    baker = HeadBaker(rig, dresser(rig))
    head = baker.bake(character)
    moving = iter(_moving(rig))
    rows = [
        seconds_of(f"{rig_name}: bake a new character", lambda: baker.bake(character), repeats=repeats),
    ]
    rows += [
        seconds_of(
            f"{rig_name}, {preset}: vertices and normals",
            lambda preset=preset: head.scene(next(moving), View(), preset),  # type: ignore[misc]
            repeats=repeats,
        )
        for preset in PRESETS
    ]
    for backend, preset in KINDS:
        with CharacterRenderer(rig, backend=backend) as renderer:  # type: ignore[arg-type]
            name = f"{rig_name}, {backend} {preset}"
            rows += _frame_parts(renderer, rig, character, name, preset, repeats)
    return rows


def _encoders(repeats: int) -> list[Measurement]:
    rig = load_rig("anny")
    with CharacterRenderer(rig, backend="egl") as renderer:
        color = renderer.render(neutral_character(rig.schema), size_px=SIZE_PX).frame.color
    if color is None:
        raise RuntimeError("the renderer left out the colour pass")
    return [
        seconds_of(f"encode {name}", lambda encode=encode: encode(color), repeats=repeats)  # type: ignore[misc]
        for name, encode in ENCODERS.items()
    ]


def _frame_parts(
    renderer: CharacterRenderer, rig: BakedRig, character: Character, name: str, preset: Preset, repeats: int
) -> list[Measurement]:
    moving = iter(_moving(rig))
    whole, reading = [], []
    with _timed_reading(reading):
        for turn in range(repeats + 3):
            started = time.perf_counter()
            renderer.draw(character, next(moving), view=View(), size_px=SIZE_PX, preset=preset)
            whole.append(time.perf_counter() - started)
            if turn < 3:
                whole.clear()
                reading.clear()
    drawing = [all_of_it - read for all_of_it, read in zip(whole, reading, strict=True)]
    return [
        summary(f"{name}: vertices and draw", "s", drawing),
        summary(f"{name}: read-back", "s", reading),
        summary(f"{name}: whole frame of a known character", "s", whole),
    ]


@contextmanager
def _timed_reading(samples: list[float]) -> Iterator[None]:
    """Notes how long pixels take from the finished drawing to an array, whichever backend reads them."""
    from OpenGL.GL import glFinish
    from pyrender.renderer import Renderer

    def timed(read: Callable[..., Any], finish: Callable[[Any], None]) -> Callable[..., Any]:
        def reading(self: Any, *arguments: Any) -> Any:
            finish(self)  # what is still being drawn is no part of it
            started = time.perf_counter()
            result = read(self, *arguments)
            samples.append(time.perf_counter() - started)
            return result

        return reading

    kept = Target.color, Renderer._read_main_framebuffer  # noqa: SLF001 - to be timed
    Target.color = timed(kept[0], lambda target: target._context.finish())  # type: ignore[method-assign] # noqa: SLF001
    Renderer._read_main_framebuffer = timed(kept[1], lambda _: glFinish())  # noqa: SLF001
    try:
        yield
    finally:
        Target.color, Renderer._read_main_framebuffer = kept  # type: ignore[method-assign] # noqa: SLF001


def _moving(rig: BakedRig) -> Iterator[np.ndarray]:
    """Facial actions that change with every frame, for ever."""
    columns = [rig.schema.facial_actions.index(name) for name in CURVES]
    turn = 0
    while True:
        actions = np.zeros(len(rig.schema.facial_actions), np.float32)
        actions[columns] = _weights(turn)
        yield actions
        turn += 1


def _weights(turn: int) -> np.ndarray:
    phases = turn / 15 * (1 + 0.3 * np.arange(len(CURVES)))
    result: np.ndarray = (0.5 + 0.5 * np.sin(phases)).astype(np.float32)
    return result


def _clips(repeats: int) -> list[Measurement]:
    """Seconds per frame: of the engine by itself, and of the same clip over gRPC, in turn."""
    return asyncio.run(_compared_clips(max(3, repeats // 10)))


async def _compared_clips(rounds: int) -> list[Measurement]:
    rows = []
    engine = Engine(DomainStudio(), ServerConfig())
    with EmbeddedServer() as server:
        async with AsyncClient(server.address) as client:
            for encoding, preset in CLIPS:
                alone, streamed = [], []
                for _ in range(rounds + 1):
                    alone.append(await _secs_of_engine(engine, encoding, preset))
                    streamed.append(await _secs_streamed(client, encoding, preset))
                del alone[0], streamed[0]  # warm-up
                name = f"clip, {preset} {encoding}"
                rows += [
                    summary(f"{name}: without transport", "s", alone),
                    summary(f"{name}: over gRPC", "s", streamed),
                    summary(f"{name}: transport", "s", [a - b for a, b in zip(streamed, alone, strict=True)]),
                    summary(f"{name}: over gRPC", "fps", [1 / secs for secs in streamed]),
                ]
    await engine.close()
    return rows


async def _secs_streamed(client: AsyncClient, encoding: str, preset: str) -> float:
    clip = Clip(curves=CURVES, weights=[float(w) for turn in range(CLIP_FRAMES) for w in _weights(turn)])
    started = time.perf_counter()
    async for _ in client.stream_frames(
        ClientCharacter(), clip, size_px=SIZE_PX, encoding=encoding, preset=preset
    ):
        pass
    return (time.perf_counter() - started) / CLIP_FRAMES


async def _secs_of_engine(engine: Engine, encoding: str, preset: Preset) -> float:
    schema = await engine.schema("anny")
    weights = np.concatenate([_weights(turn) for turn in range(CLIP_FRAMES)])
    clip = make_clip(schema, curves=CURVES, weights=weights, max_frames=CLIP_FRAMES)
    encode = {"jpeg": "JPEG, quality 90", "png": "PNG, level 1", "raw_rgb24": "raw"}[encoding]
    started = time.perf_counter()
    async for _ in engine.stream_frames(
        neutral_character(schema), clip, size_px=SIZE_PX, preset=preset, encode=ENCODERS[encode]
    ):
        pass
    return (time.perf_counter() - started) / CLIP_FRAMES

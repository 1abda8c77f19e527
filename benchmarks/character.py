"""The rig and the look: loading, vertices with and without their gradient, frames."""

import torch

from facewright_models.look import CharacterRenderer
from facewright_models.rig import Character, load_rig
from timing import Measurement, seconds_of


def measure(*, repeats: int) -> list[Measurement]:
    """Rows of the table; frames go through the whole path from parameters to pixels."""
    rig = load_rig("anny")
    schema = rig.schema
    neutral = Character(rig=schema.name, rig_version=schema.version, sliders={}, styles={}, colors={})
    slider_count = sum(parameter.kind.value == "continuous" for parameter in schema.parameters)
    parameters = torch.full((1, slider_count), 0.5, requires_grad=True)

    def vertices() -> None:
        with torch.inference_mode():
            rig(parameters)

    def gradient() -> None:
        rig(parameters).sum().backward()

    every_pass = frozenset({"color", "labels", "depth", "normals"})
    rows = [
        seconds_of("vertices of one character", vertices, repeats=repeats),
        seconds_of("vertices and their gradient", gradient, repeats=repeats),
    ]
    with CharacterRenderer(rig) as renderer:
        rows += [
            seconds_of("frame 512 px, colour", lambda: renderer.render(neutral), repeats=repeats),
            seconds_of(
                "frame 512 px, all passes",
                lambda: renderer.render(neutral, passes=every_pass),
                repeats=repeats,
            ),
            seconds_of(
                "frame 256 px, colour", lambda: renderer.render(neutral, size_px=256), repeats=repeats
            ),
        ]
    return rows

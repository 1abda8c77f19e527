"""A character as a value, and the save file of a game."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from google.protobuf import json_format

from facewright import _glb
from facewright.errors import CharacterFileError
from facewright.v1 import character_pb2

__all__ = ["Character", "Color"]


@dataclass(frozen=True)
class Color:
    """sRGB, each component in [0, 1]."""

    red: float
    green: float
    blue: float


@dataclass(frozen=True)
class Character:
    """Values of one rig. A name that is missing from a mapping has the rig's neutral value.

    An empty `rig` is the default rig of the server, an empty `rig_version` the version it has. `skin_texture` is the
    SHA-256 of the PNG with the person's own skin, or empty for a painted one; the server draws it when the file is
    among one's media there, by upload or from a fit.
    """

    rig: str = ""
    rig_version: str = ""
    sliders: Mapping[str, float] = field(default_factory=dict)
    styles: Mapping[str, str] = field(default_factory=dict)
    colors: Mapping[str, Color] = field(default_factory=dict)
    skin_texture: str = ""

    def to_json(self) -> str:
        """The save file: protobuf JSON of ``facewright.v1.Character``, keys sorted."""
        text: str = json_format.MessageToJson(self.to_message(), indent=2, sort_keys=True)
        return text + "\n"

    @classmethod
    def from_json(cls, text: str | bytes) -> Character:
        """Read a save file. Raises `CharacterFileError`."""
        message = character_pb2.Character()
        try:
            entries = json.loads(text)
            if not isinstance(entries, dict):
                raise json_format.ParseError("an object is needed")  # noqa: TRY301 - one handler for all of it
            json_format.ParseDict(entries, message)
        except (json_format.ParseError, ValueError, RecursionError) as error:
            raise CharacterFileError(
                f"not a character file ({_one_line(error)}); expected the JSON that fit writes",
                reason="INVALID_CHARACTER_FILE",
            ) from error
        return cls.from_message(message)

    @classmethod
    def from_glb(cls, content: bytes) -> Character:
        """Read the save file out of an exported GLB. Raises `CharacterFileError`."""
        return cls.from_json(_glb.character_text(io.BytesIO(content)))

    @classmethod
    def from_file(cls, path: str | Path) -> Character:
        """Read a save file, or an exported GLB. Raises `OSError`, `CharacterFileError`."""
        with Path(path).open("rb") as file:
            head = file.read(len(_glb.MAGIC))
            if head != _glb.MAGIC:
                return cls.from_json(head + file.read())
            if file.seekable():  # what is after the JSON is not read
                return cls.from_json(_glb.character_text(file))
            return cls.from_glb(head + file.read())

    def to_message(self) -> character_pb2.Character:
        """As it goes over the wire."""
        return character_pb2.Character(
            rig=self.rig,
            rig_version=self.rig_version,
            sliders=dict(self.sliders),
            styles=dict(self.styles),
            colors=color_messages(self.colors),
            skin_texture=self.skin_texture,
        )

    @classmethod
    def from_message(cls, message: character_pb2.Character) -> Character:
        """As it came over the wire."""
        return cls(
            rig=message.rig,
            rig_version=message.rig_version,
            sliders=dict(message.sliders),
            styles=dict(message.styles),
            colors={name: color_of(color) for name, color in message.colors.items()},
            skin_texture=message.skin_texture,
        )


def color_messages(colors: Mapping[str, Color]) -> dict[str, character_pb2.Color]:
    """Colours by name -> messages by name."""
    return {
        name: character_pb2.Color(red=color.red, green=color.green, blue=color.blue)
        for name, color in colors.items()
    }


def color_of(message: character_pb2.Color) -> Color:
    """Message -> value."""
    return Color(message.red, message.green, message.blue)


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())

"""The file of a skin, and characters that wear one."""

import hashlib
import io
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from facewright_models.errors import SkinTextureError
from facewright_models.export import ExportOptions, export_glb, surfaces
from facewright_models.look import CharacterRenderer
from facewright_models.look.own_skin import bare_paint, dress_own_skin
from facewright_models.look.skin import skin_paint
from facewright_models.look.skin_texture import paint_skin, skin_marks
from facewright_models.rig import (
    SKIN_TEXTURE_PX,
    BakedRig,
    Character,
    SkinTexture,
    read_skin_texture,
    skin_texture_file,
    validate_character,
)
from unit.models.glb_reading import ReadGlb
from with_egl import require_egl

PX = 256


@pytest.fixture(scope="module")
def renderer(rig: BakedRig) -> Iterator[CharacterRenderer]:
    require_egl()
    with CharacterRenderer(rig, size_px=128, texture_px=PX, backend="egl") as renderer:
        yield renderer


def bare(rig: BakedRig, character: Character, size_px: int = PX) -> np.ndarray:
    return paint_skin(skin_marks(rig, size_px), bare_paint(skin_paint(character)))


def worn(rig: BakedRig, character: Character, own: np.ndarray) -> np.ndarray:
    return dress_own_skin(skin_marks(rig, PX), skin_paint(character), own)


def test_a_skin_is_named_by_its_bytes_and_comes_back_from_them() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (SKIN_TEXTURE_PX, SKIN_TEXTURE_PX, 3), np.uint8)
    texture, content = skin_texture_file(pixels)
    assert texture.sha256 == hashlib.sha256(content).hexdigest()
    assert (read_skin_texture(content).pixels == pixels).all()
    assert skin_texture_file(pixels)[1] == content
    assert read_skin_texture(content) == texture


def _png(size: tuple[int, int]) -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", size).save(stream, format="PNG")
    return stream.getvalue()


@pytest.mark.parametrize(
    "content", [b"", b"no picture", _png((1024, 1024))[:900], _png((1024, 512)), _png((1, 1))]
)
def test_what_is_no_whole_skin_is_refused(content: bytes) -> None:
    with pytest.raises(SkinTextureError, match="use the file that the fit wrote"):
        read_skin_texture(content)


def test_a_complete_character_keeps_its_skin(rig: BakedRig) -> None:
    skin = SkinTexture(sha256="1" * 64, pixels=np.zeros((8, 8, 3), np.uint8))
    named = Character(rig=rig.schema.name, rig_version=rig.schema.version, skin_texture=skin)
    assert validate_character(rig.schema, named).skin_texture is skin


def test_a_skin_of_the_characters_own_colours_is_worn_unchanged(rig: BakedRig, average: Character) -> None:
    bald = replace(
        average, styles={**average.styles, "hair": "bald", "facial_hair": "none", "make_up": "none"}
    )
    own = bare(rig, bald)
    assert np.abs(worn(rig, bald, own).astype(int) - own).max() <= 1


def test_freckles_are_not_painted_on_a_skin_that_has_its_own(rig: BakedRig, average: Character) -> None:
    own = bare(rig, average)
    freckled = replace(average, sliders={**average.sliders, "skin-freckles": 1.0})
    plain = worn(rig, average, own).astype(float)
    assert np.abs(worn(rig, freckled, own) - plain).max() < 12
    assert np.abs(bare(rig, freckled).astype(float) - own).max() > 25


def test_the_characters_colours_tint_the_skin(rig: BakedRig, average: Character) -> None:
    own = bare(rig, average)
    dark = replace(average, colors={**average.colors, "skin": (0.36, 0.25, 0.20)})
    face = (slice(60, 120), slice(80, 176))
    assert np.allclose(worn(rig, dark, own)[face].mean((0, 1)), bare(rig, dark)[face].mean((0, 1)), atol=4)


@pytest.mark.parametrize(
    ("slot", "option"), [("make_up", "smoky"), ("facial_hair", "full_beard"), ("hair", "crop")]
)
def test_what_is_worn_over_the_skin_shows_on_it(
    rig: BakedRig, average: Character, slot: str, option: str
) -> None:
    own = bare(rig, average)
    plain = replace(
        average, styles={**average.styles, "hair": "bald", "facial_hair": "none", "make_up": "none"}
    )
    dressed = replace(plain, styles={**plain.styles, slot: option})
    assert (np.abs(worn(rig, dressed, own).astype(int) - worn(rig, plain, own)).max(-1) > 15).mean() > 0.002


def test_a_renderer_tells_skins_apart(renderer: CharacterRenderer, average: Character) -> None:
    def drawn(level: int) -> np.ndarray:
        rows = np.indices((PX, PX))[0] * level % 200
        skin = SkinTexture(sha256=f"{level:064x}", pixels=np.repeat(rows[..., None], 3, 2).astype(np.uint8))
        color = renderer.render(replace(average, skin_texture=skin)).frame.color
        assert color is not None
        return color

    painted = renderer.render(average).frame.color
    assert painted is not None
    assert (drawn(1) == drawn(1)).all()
    assert (drawn(1) != drawn(7)).any()
    assert (drawn(1) != painted).any()


def test_a_glb_carries_the_skin(rig: BakedRig, average: Character, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(surfaces, "_TEXTURE_PX", PX)
    own = bare(rig, average).copy()
    own[110:118, 75:85] = (20, 240, 20)  # on a cheek
    worn = replace(average, skin_texture=SkinTexture(sha256="2" * 64, pixels=own))
    read = ReadGlb(export_glb(rig, worn, options=ExportOptions(has_morphs=False)))
    skin = next(mesh for mesh in read.document["meshes"] if mesh["name"] == "skin")
    material = read.document["materials"][skin["primitives"][0]["material"]]
    source = read.document["textures"][material["pbrMetallicRoughness"]["baseColorTexture"]["index"]][
        "source"
    ]
    view = read.document["bufferViews"][read.document["images"][source]["bufferView"]]
    start = view.get("byteOffset", 0)
    image = np.array(
        Image.open(io.BytesIO(read.binary[start : start + view["byteLength"]])).convert("RGB")
    ).astype(int)
    spot = image[112:116, 78:82].mean((0, 1))
    assert spot[1] > 2 * spot[0]

"""Labels of the evaluation's photos: all of them of options that exist, and agreement that counts them."""

from dataclasses import replace

import pytest

from facewright_models.evaluation import style_labels as module
from facewright_models.evaluation.style_labels import agreement_rows
from facewright_models.rig import Character, load_rig, neutral_character
from facewright_models.style_reader import StyleLabels, brow_class, style_labels


@pytest.fixture(scope="module")
def average() -> Character:
    return neutral_character(load_rig("anny").schema)


def wearing(character: Character, thickness: float = 0.5, **styles: str) -> Character:
    return replace(
        character,
        styles={**character.styles, **styles},
        sliders={**character.sliders, "brow-thickness": thickness},
    )


def test_every_label_is_an_option_of_the_default_rig() -> None:
    schema, labels = load_rig("anny").schema, style_labels()
    assert len(labels) == 88
    for photo, own in labels.items():
        assert own.hair <= set(schema.styles["hair"].options), photo
        assert own.facial_hair <= set(schema.styles["facial_hair"].options), photo
        assert own.brows <= {"thin", "medium", "thick"}, photo
        assert all((own.hair, own.facial_hair, own.brows)), photo


@pytest.mark.parametrize(
    ("option", "thickness", "expected"),
    [("natural", 0.5, "medium"), ("thin", 0.5, "thin"), ("bushy", 0.5, "thick"), ("natural", 0.9, "thick"),
     ("thin", 0.8, "medium"), ("bushy", 0.0, "medium"), ("thin", 0.0, "thin")],
)  # fmt: skip
def test_a_brow_is_as_thick_as_its_option_and_its_slider_make_it(
    option: str, thickness: float, expected: str, average: Character
) -> None:
    assert brow_class(wearing(average, thickness, brows=option)) == expected


def test_options_are_accepted_as_they_would_be_worn() -> None:
    own = StyleLabels(hair=frozenset({"bun"}), facial_hair=frozenset({"none"}), brows=frozenset({"thick"}))
    assert own.accepts("hair", "bun")
    assert not own.accepts("hair", "bob")
    assert own.accepts("brows", "bushy")
    assert not own.accepts("brows", "natural")
    assert own.accepts("iris_pattern", "anything, for it was not labelled")


def test_agreement_counts_each_slot_beside_the_best_single_answer(
    average: Character, monkeypatch: pytest.MonkeyPatch
) -> None:
    def labels(hair: str, beard: str) -> StyleLabels:
        return StyleLabels(
            hair=frozenset(hair.split("|")), facial_hair=frozenset([beard]), brows=frozenset(["medium"])
        )

    known = {"a": labels("bob|fringe", "none"), "b": labels("crop", "stubble"), "c": labels("crop", "none")}
    monkeypatch.setattr(module, "style_labels", lambda: known)
    worn = {
        "a": wearing(average, hair="fringe", facial_hair="none"),
        "b": wearing(average, hair="bob", facial_hair="stubble"),
        "c": wearing(average, hair="crop", facial_hair="goatee", brows="bushy"),
        "unlabelled": average,
    }
    hair, beard, brows = agreement_rows(worn)
    assert (hair.measured, hair.n) == (pytest.approx(2 / 3), 3)
    assert hair.baselines == {"one answer for all": pytest.approx(2 / 3)}
    assert beard.measured == pytest.approx(2 / 3)
    assert beard.baselines == {"one answer for all": pytest.approx(2 / 3)}
    assert brows.measured == pytest.approx(2 / 3)
    assert brows.baselines == {"one answer for all": pytest.approx(1.0)}
    assert agreement_rows({"unlabelled": average}) == []

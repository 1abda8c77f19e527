"""The error tree: every class has a reason of its own and carries what a caller needs."""

import re

import pytest

from facewright_models import errors
from facewright_models.errors import FacewrightError, InvalidInputError, ParameterRangeError


def subclasses(root: type[FacewrightError]) -> list[type[FacewrightError]]:
    found = [root]
    for child in root.__subclasses__():
        found += subclasses(child)
    return found


TREE = [error for error in subclasses(FacewrightError) if error.__module__ == errors.__name__]


@pytest.mark.parametrize("error", TREE)
def test_every_reason_is_upper_snake(error: type[FacewrightError]) -> None:
    assert re.fullmatch(r"[A-Z]+(_[A-Z]+)*", error.reason)


def test_no_two_classes_share_a_reason() -> None:
    reasons = [error.reason for error in TREE]
    assert sorted(set(reasons)) == sorted(reasons)


def test_every_class_is_exported_and_drawn_in_the_tree() -> None:
    names = {error.__name__ for error in TREE}
    assert names == set(errors.__all__)
    assert errors.__doc__ is not None
    for error in TREE:
        assert error.__name__ in errors.__doc__
        if error not in (FacewrightError, InvalidInputError):
            assert re.search(rf"{error.__name__} +{error.reason}\b", errors.__doc__)


def test_message_field_and_metadata_are_kept_apart_from_their_source() -> None:
    metadata = {"name": "nose_width"}
    error = ParameterRangeError("got 2", field="character.sliders[nose_width]", metadata=metadata)
    metadata["name"] = "changed"
    assert str(error) == "got 2"
    assert error.field == "character.sliders[nose_width]"
    assert error.metadata == {"name": "nose_width"}


def test_field_and_metadata_may_be_left_out() -> None:
    error = FacewrightError("got nothing")
    assert error.field is None
    assert error.metadata == {}

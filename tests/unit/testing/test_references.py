"""Which accepted pictures count, and how one becomes accepted."""

import json
import os
from pathlib import Path

import pytest

from facewright.testing import ChangedReferenceError, ReferenceKey, ReferenceStore
from facewright.testing.references import sha256_of, this_platform, write_atomically

KEY = ReferenceKey("unity", "windows-d3d12")


@pytest.fixture
def store(tmp_path: Path) -> ReferenceStore:
    return ReferenceStore(tmp_path / "references")


def accept(store: ReferenceStore, content: bytes, folder: str = "unity", **options: bool) -> Path:
    about = {"scene": "hero", "pass_name": "color", "message": "why", "accepted_by": "ann"}
    return store.accept(content, folder=folder, **about, **options)


def names(store: ReferenceStore) -> list[str]:
    return sorted(
        path.relative_to(store.folder).as_posix() for path in store.folder.rglob("*") if path.is_file()
    )


def test_the_most_specific_folder_counts_alone(store: ReferenceStore) -> None:
    assert store.find("hero", "color", KEY).paths == ()
    for folder, level in (("common", "common"), ("unity", "backend"), ("unity-windows-d3d12", "platform")):
        path = accept(store, folder.encode(), folder)
        found = store.find("hero", "color", KEY)
        assert (found.level, found.paths) == (level, (path,))
    assert store.find("hero", "color", ReferenceKey("unity", "macos-metal")).level == "backend"
    assert store.find("hero", "color", ReferenceKey("unreal", "windows-d3d12")).level == "common"
    assert store.find("hero", "labels", KEY).paths == ()
    assert store.find("her", "color", KEY).paths == ()


def test_several_pictures_are_accepted_side_by_side_with_their_records(store: ReferenceStore) -> None:
    first, second = accept(store, b"one"), accept(store, b"two")
    assert store.find("hero", "color", KEY).paths == (first, second)
    assert first.name == "color.png"
    assert second.name == f"color-{sha256_of(b'two')[:12]}.png"
    record = json.loads(second.with_suffix(".json").read_text())
    assert record["sha256"] == sha256_of(b"two")
    assert (record["accepted_by"], record["message"]) == ("ann", "why")
    assert record["accepted_at"].startswith("20")


def test_accepting_again_changes_nothing(store: ReferenceStore) -> None:
    first = accept(store, b"one")
    record = first.with_suffix(".json").read_bytes()
    assert accept(store, b"one") == first
    assert first.with_suffix(".json").read_bytes() == record
    assert len(names(store)) == 2


def test_nothing_is_removed_unless_it_is_replaced_and_then_at_this_level_only(store: ReferenceStore) -> None:
    common = accept(store, b"common", "common")
    accept(store, b"one")
    accept(store, b"two")
    third = accept(store, b"three", replace=True)
    assert store.find("hero", "color", KEY).paths == (third,)
    assert common.is_file()
    assert len(names(store)) == 4
    # What is accepted already may be all that is to stay.
    accept(store, b"four")
    assert accept(store, b"three", replace=True) == third
    assert store.find("hero", "color", KEY).paths == (third,)


def test_a_picture_changed_behind_its_record_is_an_error(store: ReferenceStore) -> None:
    path = accept(store, b"one")
    path.write_bytes(b"other")
    with pytest.raises(ChangedReferenceError, match=r"color\.png is not the picture that was accepted"):
        store.find("hero", "color", KEY)
    path.with_suffix(".json").write_text("{}")
    with pytest.raises(
        ChangedReferenceError, match=r"color\.json, the record of a reference, cannot be read"
    ):
        store.find("hero", "color", KEY)
    path.with_suffix(".json").unlink()  # put there by hand: version control shows it
    assert store.find("hero", "color", KEY).paths == (path,)


def test_a_pass_is_not_taken_for_another_that_begins_like_it(store: ReferenceStore) -> None:
    accept(store, b"one")
    assert store.find("hero", "col", KEY).paths == ()


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "deep" / "a.png"
    write_atomically(path, b"old")

    def fail(_descriptor: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(KeyboardInterrupt):
        write_atomically(path, b"new")
    assert path.read_bytes() == b"old"
    assert [p.name for p in path.parent.iterdir()] == ["a.png"]


def test_the_platform_is_a_name_of_system_and_processor() -> None:
    system, _, processor = this_platform().partition("-")
    assert system.isalpha()
    assert processor

"""Reads the tables of scene files entry by entry; what is wrong is named by file and key."""

from __future__ import annotations

import difflib
import json
import math
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from facewright.testing.errors import SceneFileError

__all__ = ["SUFFIXES", "Table", "read_document"]

SUFFIXES = (".toml", ".json")


def read_document(path: Path) -> dict[str, Any]:
    """The table that a TOML or JSON file is. Raises `SceneFileError`."""
    if path.suffix not in SUFFIXES:
        raise SceneFileError(f"{path} is no scene file; expected a name that ends in {' or '.join(SUFFIXES)}")
    try:
        text = path.read_text(encoding="utf-8")
        document = json.loads(text) if path.suffix == ".json" else _parse_toml(text, path)
    except OSError as error:
        raise SceneFileError(f"{path} cannot be read: {error.strerror or error}") from error
    except (ValueError, RecursionError) as error:  # both parsers' errors, and text that is not UTF-8
        kind = "JSON" if path.suffix == ".json" else "TOML"
        raise SceneFileError(f"{path} is not valid {kind}: {' '.join(str(error).split())}") from error
    if not isinstance(document, dict):
        raise SceneFileError(
            f"{path} holds a {_kind(document)}; expected an object with the keys of a scene, or with 'scenes'"
        )
    return document


class Table:
    """A table of a file being read: every entry is taken once, and `finish` refuses what nobody took."""

    def __init__(self, path: Path, entries: object, where: str = "") -> None:
        self.path = path
        self.where = where
        self._known: list[str] = []
        if not isinstance(entries, Mapping):
            raise self.error("", entries, "a table")
        self._entries: Mapping[str, Any] = entries

    def has(self, key: str) -> bool:
        """Whether the file says anything about it."""
        return key in self._entries

    def raw(self, key: str, default: Any = None) -> Any:
        """The entry as it is."""
        self._known.append(key)
        return self._entries.get(key, default)

    def raw_all(self) -> Mapping[str, Any]:
        """Every entry as it is."""
        return self._entries

    def text(self, key: str, default: str = "") -> str:
        """A text that is not empty."""
        value = self.raw(key, default)
        if not isinstance(value, str) or (self.has(key) and not value.strip()):
            raise self.error(key, value, "a text")
        return value

    def choice(self, key: str, options: Sequence[str], default: str) -> str:
        """One of `options`."""
        value = self.raw(key, default)
        if value not in options:
            raise self.error(key, value, f"one of {', '.join(options)}")
        return str(value)

    def boolean(self, key: str, *, default: bool) -> bool:
        """true or false."""
        value = self.raw(key, default)
        if not isinstance(value, bool):
            raise self.error(key, value, "true or false")
        return value

    def number(self, key: str, default: float, lowest: float, highest: float) -> float:
        """A finite number within the range."""
        return self.checked_number(key, self.raw(key, default), lowest, highest)

    def whole(self, key: str, default: int, lowest: int, highest: int) -> int:
        """A whole number within the range."""
        value = self.raw(key, default)
        if isinstance(value, bool) or not isinstance(value, int) or not lowest <= value <= highest:
            raise self.error(key, value, f"a whole number in [{lowest}, {highest}]")
        return value

    def checked_number(self, key: str, value: object, lowest: float, highest: float) -> float:
        """`value` as a number within the range, whatever entry it came from."""
        is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
        if not is_number or not math.isfinite(value) or not lowest <= value <= highest:  # type: ignore[arg-type,operator]
            raise self.error(key, value, f"a number in [{lowest:g}, {highest:g}]")
        return float(value)  # type: ignore[arg-type]

    def numbers(self, key: str, lowest: float, highest: float) -> dict[str, float]:
        """A table of numbers by name."""
        entries = self.table(key)
        return {name: entries.number(name, 0.0, lowest, highest) for name in entries.raw_all()}

    def texts(self, key: str, default: Sequence[str]) -> tuple[str, ...]:
        """A list of texts, each once, at least one."""
        value = self.raw(key, list(default))
        is_list = isinstance(value, list) and value and all(isinstance(item, str) and item for item in value)
        if not is_list or len(set(value)) != len(value):
            raise self.error(key, value, "a list of texts, each once")
        return tuple(value)

    def table(self, key: str) -> Table:
        """The table under `key`, empty where there is none."""
        return Table(self.path, self.raw(key, {}), self._place(key))

    def error(self, key: str, got: object, expected: str) -> SceneFileError:
        """What to raise about an entry."""
        shown = json.dumps(got, default=str)
        shown = shown if len(shown) <= 60 else f"{shown[:57]}..."
        place = self._place(key) or "the file"
        return SceneFileError(f"{self.path}: {place} is {shown}; expected {expected}")

    def finish(self) -> None:
        """Raises `SceneFileError` for the first key that nobody asked for."""
        for key in self._entries:
            if key not in self._known:
                near = difflib.get_close_matches(key, self._known, n=1)
                hint = f"; did you mean {near[0]!r}?" if near else ""
                raise SceneFileError(
                    f"{self.path}: unknown key {self._place(key)!r}; expected some of "
                    f"{', '.join(sorted(set(self._known)))}{hint}"
                )

    def _place(self, key: str) -> str:
        return ".".join(part for part in (self.where, key) if part)


def _parse_toml(text: str, path: Path) -> Any:
    if sys.version_info >= (3, 11):
        import tomllib as toml
    else:
        try:
            import tomli as toml
        except ImportError as error:
            raise SceneFileError(
                f"{path} is TOML, which Python {sys.version_info[0]}.{sys.version_info[1]} reads with the package "
                "tomli only: pip install 'facewright-client[testing]', or write the scene as JSON"
            ) from error
    return toml.loads(text)


def _kind(value: object) -> str:
    return {list: "list", str: "text", type(None): "null"}.get(type(value), "number or truth value")

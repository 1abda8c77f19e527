"""The trained files that ship with the package, and the register that says what each of them is.

`weights/weights.toml` has one table per file `weights/NAME.safetensors`: size, sha256, licence, the command
that trained it, the data it saw and the quality that was measured. A file that differs from its row is never
used.
"""

import hashlib
import json
import math
import re
import shutil
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from facewright_models.errors import WeightsError

__all__ = ["WEIGHTS_FOLDER", "WeightsRow", "load_weights", "read_register", "register_weights"]

WEIGHTS_FOLDER = Path(__file__).parent / "weights"

_NAME = re.compile(r"[a-z][a-z0-9_]*")
_HEADER = """\
# One table per file NAME.safetensors of this folder, written by facewright_models.weights.register_weights.
# `command` trains the file anew from `data`; `quality` was measured on data that no training saw.
"""


@dataclass(frozen=True, kw_only=True)
class WeightsRow:
    """What the register knows about one file; `quality` maps a measure's name to a number or a sentence."""

    byte_count: int
    sha256: str
    licence: str
    command: str
    data: str
    quality: Mapping[str, float | str]


def load_weights(name: str, *, folder: Path = WEIGHTS_FOLDER) -> dict[str, torch.Tensor]:
    """Tensors of `NAME.safetensors` by name, on the CPU, in the precision they are stored in.

    The file is compared with its row of the register the first time a process asks for it.
    Raises `WeightsError` where the row or the file is missing, or the two differ.
    """
    path = _verified_path(name, folder)
    try:
        tensors: dict[str, torch.Tensor] = load_file(path)
    except (OSError, SafetensorError) as error:
        raise WeightsError(
            f"{path} cannot be read as safetensors ({error}); install the package again or retrain it",
            metadata={"name": name},
        ) from error
    return tensors


def read_register(folder: Path = WEIGHTS_FOLDER) -> dict[str, WeightsRow]:
    """All rows by name, none where nothing was registered yet. Raises `WeightsError` for a damaged one."""
    path = folder / "weights.toml"
    if not path.exists():
        return {}
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
        return {
            name: WeightsRow(
                byte_count=table["bytes"],
                sha256=table["sha256"],
                licence=table["licence"],
                command=table["command"],
                data=table["data"],
                quality=dict(table.get("quality", {})),
            )
            for name, table in tables.items()
        }
    except (tomllib.TOMLDecodeError, KeyError, TypeError) as error:
        raise WeightsError(f"{path} is damaged ({error!r}); install the package again") from error


def register_weights(
    name: str,
    file: Path,
    *,
    licence: str,
    command: str,
    data: str,
    quality: Mapping[str, float | str],
    folder: Path = WEIGHTS_FOLDER,
) -> WeightsRow:
    """Copy a trained `file` into place as `NAME.safetensors` and write its row, replacing an older one.

    The register stays sorted by name, so that two trainings in any order leave the same text; file and
    register are each replaced at once, never half-written. Raises `WeightsError` for a name that is not
    lower_snake, an empty text, a quality that is no finite number, and a file that is not safetensors.
    """
    _check_row(name, licence=licence, command=command, data=data, quality=quality)
    try:
        load_file(file)
    except (OSError, SafetensorError) as error:
        raise WeightsError(
            f"{file} cannot be read as safetensors ({error}); nothing was registered"
        ) from error
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / f"{name}.safetensors"
    row = WeightsRow(
        byte_count=file.stat().st_size,
        sha256=_sha256(file),
        licence=licence,
        command=command,
        data=data,
        quality=dict(quality),
    )
    rows = read_register(folder) | {name: row}
    if file.resolve() != target.resolve():
        partial = target.with_suffix(".partial")
        shutil.copyfile(file, partial)
        partial.replace(target)
    register = folder / "weights.toml"
    partial = register.with_suffix(".partial")
    partial.write_text(_format_register(rows), encoding="utf-8")
    partial.replace(register)
    _verified_path.cache_clear()
    return row


@cache
def _verified_path(name: str, folder: Path) -> Path:
    row = read_register(folder).get(name)
    path = folder / f"{name}.safetensors"
    if row is None:
        raise WeightsError(
            f"{name!r} is not in {folder / 'weights.toml'}; install the package again or train it",
            metadata={"name": name},
        )
    if not path.is_file():
        raise WeightsError(
            f"{path} is missing; install the package again, or train it with: {row.command}",
            metadata={"name": name},
        )
    byte_count, sha256 = path.stat().st_size, _sha256(path)
    if (byte_count, sha256) != (row.byte_count, row.sha256):
        raise WeightsError(
            f"{path} is not the registered file: got {byte_count} bytes, sha256 {sha256[:12]}…, expected "
            f"{row.byte_count} bytes, sha256 {row.sha256[:12]}…; install the package again",
            metadata={"name": name, "sha256": sha256, "expected_sha256": row.sha256},
        )
    return path


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _check_row(
    name: str, *, licence: str, command: str, data: str, quality: Mapping[str, float | str]
) -> None:
    if not _NAME.fullmatch(name):
        raise WeightsError(
            f"got the weights name {name!r}; expected lower_snake_case such as 'imitator_anny'"
        )
    for field, text in (("licence", licence), ("command", command), ("data", data)):
        if not text.strip():
            raise WeightsError(f"the {field} of weights {name!r} is empty; say what it is", field=field)
    for measure, value in quality.items():
        if not isinstance(value, str) and not math.isfinite(value):
            raise WeightsError(
                f"quality {measure!r} of weights {name!r} is {value}; expected a finite number"
            )


def _format_register(rows: Mapping[str, WeightsRow]) -> str:
    lines = [_HEADER]
    for name, row in sorted(rows.items()):
        lines += [
            f"[{name}]",
            f"bytes = {row.byte_count}",
            f"sha256 = {_toml_string(row.sha256)}",
            f"licence = {_toml_string(row.licence)}",
            f"command = {_toml_string(row.command)}",
            f"data = {_toml_string(row.data)}",
            f"[{name}.quality]",
            *(
                f"{_toml_string(measure)} = {_toml_value(value)}"
                for measure, value in sorted(row.quality.items())
            ),
            "",
        ]
    return "\n".join(lines)


def _toml_value(value: float | str) -> str:
    if isinstance(value, str):
        return _toml_string(value)
    return str(value) if isinstance(value, int) else repr(float(value))


def _toml_string(text: str) -> str:
    """A TOML basic string; JSON escapes the same characters the same way, but for DEL."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")

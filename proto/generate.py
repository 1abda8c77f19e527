"""Regenerates sdk/facewright/v1 from the .proto files: ``python proto/generate.py [--check]``.

``--check`` writes nothing; it exits 1 and names every file that is out of date. The path of a proto,
its proto package and its Python package are the same, so generated imports need no patching.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

import google.rpc
import grpc_tools
from grpc_tools import protoc

PROTO_ROOT = Path(__file__).resolve().parent
OUTPUT_ROOT = PROTO_ROOT.parent / "sdk"
PACKAGE = "facewright/v1"
# The texts of google's messages: google.rpc from googleapis-common-protos, google.longrunning, which that
# package ships under another file name, from here. At run time the package's own modules are used.
THIRD_PARTY = PROTO_ROOT.parent / "third_party"
WELL_KNOWN = Path(next(iter(grpc_tools.__path__))) / "_proto"
COMMON_PROTOS = Path(next(iter(google.rpc.__path__))).parents[1]
INIT_TEXT = '"""Generated from proto/facewright/v1 by proto/generate.py. Do not edit."""\n'


def main(argv: list[str] | None = None) -> int:
    """Write or compare; the exit code."""
    parser = argparse.ArgumentParser(description="Generate the Python code of the protos.")
    parser.add_argument("--check", action="store_true", help="only compare, exit 1 when out of date")
    check = parser.parse_args(argv).check
    with tempfile.TemporaryDirectory() as scratch:
        generated = _generate(Path(scratch))
    current = _committed()
    stale = sorted(
        name for name in generated.keys() | current.keys() if generated.get(name) != current.get(name)
    )
    if check:
        for name in stale:
            print(f"out of date: sdk/{PACKAGE}/{name}; run: python proto/generate.py", file=sys.stderr)
        return 1 if stale else 0
    target = OUTPUT_ROOT / PACKAGE
    target.mkdir(parents=True, exist_ok=True)
    for name in stale:
        if name in generated:
            (target / name).write_bytes(generated[name])
        else:
            (target / name).unlink()
    print(f"{len(generated)} files, {len(stale)} changed")
    return 0


def _generate(scratch: Path) -> dict[str, bytes]:
    protos = sorted(str(path) for path in (PROTO_ROOT / PACKAGE).glob("*.proto"))
    status = protoc.main(
        [
            "protoc",
            f"--proto_path={PROTO_ROOT}",
            f"--proto_path={THIRD_PARTY}",
            f"--proto_path={COMMON_PROTOS}",
            f"--proto_path={WELL_KNOWN}",
            f"--python_out={scratch}",
            f"--pyi_out={scratch}",
            f"--grpc_python_out={scratch}",
            *protos,
        ]
    )
    if status != 0:
        raise SystemExit(f"protoc failed with status {status}")
    files = {path.name: path.read_bytes() for path in (scratch / PACKAGE).iterdir()}
    files = {name: text for name, text in files.items() if not _is_empty_service(name, text)}
    return {**files, "__init__.py": INIT_TEXT.encode()}


def _is_empty_service(name: str, text: bytes) -> bool:
    """The gRPC plugin also writes a file for a proto that declares no service."""
    return name.endswith("_pb2_grpc.py") and b"Servicer" not in text


def _committed() -> dict[str, bytes]:
    folder = OUTPUT_ROOT / PACKAGE
    if not folder.is_dir():
        return {}
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


if __name__ == "__main__":
    raise SystemExit(main())

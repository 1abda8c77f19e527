"""The Python sources of the product, as the tests of this folder read them."""

import ast
from collections.abc import Iterator
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
PACKAGES = (
    "sdk/facewright",
    "sdk/facewright_pytest",
    "sdk/facewright_server",
    "models/facewright_models",
    "renderer/facewright_renderer",
)
GENERATED = REPOSITORY / "sdk" / "facewright" / "v1"


def product_files() -> list[Path]:
    """Every hand-written module of the packages."""
    return [
        path
        for package in PACKAGES
        for path in sorted((REPOSITORY / package).rglob("*.py"))
        if GENERATED not in path.parents
    ]


def all_files() -> list[Path]:
    """The product, its tests, benchmarks and generators."""
    others = (
        path for folder in ("tests", "benchmarks", "proto") for path in (REPOSITORY / folder).rglob("*.py")
    )
    return product_files() + sorted(others)


def name_of(path: Path) -> str:
    """Path inside the repository, as the id of a test case."""
    return path.relative_to(REPOSITORY).as_posix()


def is_private_module(path: Path) -> bool:
    """`_name.py` and `__main__.py` are nobody's interface; `__init__.py` is."""
    return path.name.startswith("_") and path.name != "__init__.py"


def public_definitions(
    tree: ast.Module,
) -> Iterator[tuple[str, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef]]:
    """Public functions and classes of a module, and the public methods and properties of those classes."""
    for node in tree.body:
        if isinstance(
            node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
        ) and not node.name.startswith("_"):
            yield node.name, node
            if isinstance(node, ast.ClassDef):
                for member in node.body:
                    is_function = isinstance(member, ast.FunctionDef | ast.AsyncFunctionDef)
                    if is_function and not member.name.startswith("_"):
                        yield f"{node.name}.{member.name}", member

"""House rules that a linter does not know: docstrings, `__all__`, file length, what a library must not do."""

import ast
from pathlib import Path

import pytest

from arch.sources import all_files, is_private_module, name_of, product_files, public_definitions

LONGEST_FILE = 450
INHERITED = {"override"}


@pytest.mark.parametrize("path", product_files(), ids=name_of)
def test_everything_public_has_a_docstring(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    documented = {name for name, node in public_definitions(tree) if _documented(node)}
    bare = [
        name
        for name, node in public_definitions(tree)
        if name not in documented and not documented & _inherited_names(tree, name)
    ]
    assert not bare, f"{name_of(path)}: no docstring: {', '.join(bare)}"
    if not is_private_module(path):
        assert ast.get_docstring(tree), f"{name_of(path)}: the module has no docstring"


def _inherited_names(tree: ast.Module, name: str) -> set[str]:
    """The same method in base classes of the same module: `Base.method` for `Derived.method`."""
    class_name, _, method = name.partition(".")
    return {
        f"{ast.unparse(base)}.{method}"
        for node in tree.body
        if isinstance(node, ast.ClassDef) and node.name == class_name
        for base in node.bases
    }


def _documented(node: ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    decorators = {ast.unparse(decorator).split(".")[-1] for decorator in node.decorator_list}
    return bool(ast.get_docstring(node)) or bool(decorators & (INHERITED | {"overload", "setter"}))


@pytest.mark.parametrize(
    "path", [path for path in product_files() if not path.name.startswith("__main__")], ids=name_of
)
def test_every_module_says_what_it_exports(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    exported = _exported(tree)
    if exported is None:
        assert not list(public_definitions(tree)), f"{name_of(path)} has public names and no __all__"
        return
    assert len(set(exported)) == len(exported), f"{name_of(path)}: __all__ names something twice"
    missing = set(exported) - _bound_names(tree)
    assert not missing, f"{name_of(path)}: __all__ names what is not there: {', '.join(sorted(missing))}"


def _exported(tree: ast.Module) -> list[str] | None:
    for node in tree.body:
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        if any(isinstance(target, ast.Name) and target.id == "__all__" for target in targets):
            assert isinstance(node, ast.Assign | ast.AnnAssign)
            assert node.value is not None
            return list(ast.literal_eval(node.value))
    return None


def _bound_names(tree: ast.Module) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            names.add(node.name)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            names |= {(alias.asname or alias.name).split(".")[0] for alias in node.names}
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
    return names


@pytest.mark.parametrize("path", all_files(), ids=name_of)
def test_no_file_grows_beyond_one_idea(path: Path) -> None:
    line_count = path.read_text(encoding="utf-8").count("\n")
    assert line_count <= LONGEST_FILE, f"{name_of(path)} has {line_count} lines; split it at its second idea"


@pytest.mark.parametrize(
    "path",
    [path for path in product_files() if "cli" not in path.parts and path.name != "__main__.py"],
    ids=name_of,
)
def test_library_code_neither_asserts_nor_exits(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        where = f"{name_of(path)}:{getattr(node, 'lineno', 0)}"
        assert not isinstance(node, ast.Assert), f"{where}: assert; raise an error of the tree instead"
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            assert called not in {"sys.exit", "exit", "quit", "os._exit", "print"}, f"{where}: {called}"
            assert called not in {"pickle.load", "pickle.loads", "eval", "exec"}, f"{where}: {called}"
            if called == "torch.load":
                safe = any(k.arg == "weights_only" and ast.unparse(k.value) == "True" for k in node.keywords)
                assert safe, f"{where}: torch.load without weights_only=True can run code"


def test_no_module_is_a_grab_bag() -> None:
    names = {"utils.py", "util.py", "helpers.py", "misc.py", "common.py"}
    assert not [name_of(path) for path in all_files() if path.name in names]

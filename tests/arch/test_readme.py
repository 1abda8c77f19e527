"""The README's code blocks run, in their order, in one folder, as a reader would run them.

The line before a block says what happens to it: `<!-- test: run -->`, or `<!-- test: skip, the reason -->`. A
block in a language that is no program (json, text, protobuf) needs no such line.
"""

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

README = Path(__file__).resolve().parents[2] / "README.md"
NO_PROGRAMS = {"json", "text", "protobuf", "toml"}
MARK = re.compile(r"<!-- test: (run|skip, .+) -->")
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LONGEST_SECS = 900


@dataclass(frozen=True, kw_only=True)
class CodeBlock:
    """One fenced block; `mark` is the text of its comment, empty where there is none."""

    language: str
    code: str
    line: int
    mark: str


def code_blocks(text: str) -> list[CodeBlock]:
    """All blocks in their order."""
    blocks = []
    for match in BLOCK.finditer(text):
        before = text[: match.start()].rstrip("\n").rsplit("\n", 1)[-1]
        mark = MARK.fullmatch(before)
        blocks.append(
            CodeBlock(
                language=match[1],
                code=match[2],
                line=text.count("\n", 0, match.start()) + 1,
                mark=mark[1] if mark else "",
            )
        )
    return blocks


BLOCKS = code_blocks(README.read_text(encoding="utf-8"))


def test_every_program_in_the_readme_says_whether_it_is_run() -> None:
    assert any(block.mark == "run" for block in BLOCKS)
    unmarked = [b.line for b in BLOCKS if b.language not in NO_PROGRAMS and not b.mark]
    assert not unmarked, f"README.md: code blocks without a test comment at lines {unmarked}"


def test_only_bash_and_python_are_run() -> None:
    assert {block.language for block in BLOCKS if block.mark == "run"} <= {"bash", "python"}


def test_the_two_commands_come_first() -> None:
    commands = [line.split("#")[0].strip() for line in BLOCKS[0].code.splitlines()]
    assert commands == ["make demo", "make test"]


def test_every_picture_and_file_that_is_linked_is_there() -> None:
    targets = re.findall(r"\]\((?!https?://|#)([^)#]+)", README.read_text(encoding="utf-8"))
    missing = [target for target in targets if not (README.parent / target).exists()]
    assert not missing


def test_a_block_without_a_comment_is_noticed() -> None:
    text = "<!-- test: run -->\n```bash\necho\n```\n\n```python\npass\n```\n\n<!-- test: skip -->\n```bash\nls\n```\n"
    assert [block.mark for block in code_blocks(text)] == ["run", "", ""]


@pytest.fixture(scope="module")
def reader_folder(tmp_path_factory: pytest.TempPathFactory, astronaut: np.ndarray) -> Path:
    """An empty folder but for photo.jpg, which is what the README's reader has."""
    folder = tmp_path_factory.mktemp("reader")
    Image.fromarray(astronaut).save(folder / "photo.jpg", quality=95)
    return folder


@pytest.mark.slow
@pytest.mark.integration
def test_the_programs_of_the_readme_run_in_their_order(reader_folder: Path) -> None:
    environment = os.environ | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    for block in BLOCKS:
        if block.mark != "run":
            continue
        program = ["bash", "-euo", "pipefail", "-c"] if block.language == "bash" else [sys.executable, "-c"]
        done = subprocess.run(
            [*program, block.code],
            cwd=reader_folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=LONGEST_SECS,
            check=False,
        )
        assert done.returncode == 0, f"README.md line {block.line}:\n{done.stdout}\n{done.stderr}"

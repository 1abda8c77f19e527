"""What no text of the repository may hold: secrets, paths of one machine, unfinished business."""

import re
import subprocess
from pathlib import Path

import pytest

FORBIDDEN = {
    "a private key": re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY"),
    "an access token": re.compile(r"\b(ghp_[A-Za-z0-9]{30}|AKIA[0-9A-Z]{16}|xox[bp]-[0-9A-Za-z-]{20})"),
    "a path of one machine": re.compile(r"(?<![\w.])(/work/|/root/|/home/[a-z]+/|/Users/[A-Za-z]+/)"),
    "an authorship line": re.compile(r"(?i)co-authored" + r"-by:"),
    "a merge conflict": re.compile(r"^(<{7} |>{7} )", re.MULTILINE),
    "unfinished business": re.compile(r"\b(TO" + r"DO|FIX" + r"ME|XX" + r"X|HA" + r"CK)\b"),
}
TEXT_SUFFIXES = {
    ".cfg", ".cs", ".json", ".md", ".proto", ".py", ".pyi", ".sh", ".toml", ".txt", ".yaml", ".yml",
}  # fmt: skip
TEXT_NAMES = {"Makefile", "run", ".gitignore"}


def repository_texts(repository: Path) -> list[Path]:
    """Files under version control or about to be, so that .venv and what commands left behind stay out."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=repository,
        capture_output=True,
        text=True,
        check=False,
    )
    if listed.returncode != 0:
        pytest.skip("not a git checkout")
    paths = [repository / line for line in listed.stdout.splitlines()]
    return [p for p in paths if p.is_file() and (p.suffix in TEXT_SUFFIXES or p.name in TEXT_NAMES)]


def test_no_text_holds_what_it_must_not(repository: Path) -> None:
    found = []
    for path in repository_texts(repository):
        if "third_party" in path.parts or path == Path(__file__).resolve():
            continue
        text = path.read_text(encoding="utf-8")
        for what, pattern in FORBIDDEN.items():
            if what == "a path of one machine" and "tests" in path.parts:
                continue  # a test may plant one, to see that it does not come out
            for match in pattern.finditer(text):
                line = text.count("\n", 0, match.start()) + 1
                found.append(f"{path.relative_to(repository)}:{line}: {what}: {match.group(0)}")
    assert not found, "\n".join(found)


def test_every_text_is_utf_8_and_ends_in_one_newline(repository: Path) -> None:
    wrong = [
        str(path.relative_to(repository))
        for path in repository_texts(repository)
        if (content := path.read_bytes()) and (not content.endswith(b"\n") or content.endswith(b"\n\n"))
        if "third_party" not in path.parts and "v1" not in path.parts
    ]
    assert not wrong

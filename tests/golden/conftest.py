"""The switch that takes new references: `pytest tests/golden --update-golden`."""

from pathlib import Path

import pytest

from golden.checking import GoldenFolder


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-golden",
        action="store_true",
        default=False,
        help="write the pictures of tests/golden as the new references; look at them before they are committed",
    )


@pytest.fixture(scope="session")
def golden_folder(pytestconfig: pytest.Config) -> GoldenFolder:
    """The references of the default renderer."""
    here = Path(__file__).parent
    update = bool(pytestconfig.getoption("update_golden", default=False))
    return GoldenFolder(references=here / "references", actual=here / "actual", update=update)

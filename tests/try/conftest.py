"""The page to try autodiff, made once for all browsers."""

import shutil
import sys
from pathlib import Path

import pytest
from helpers.firefox import firefox  # noqa: F401  # a fixture

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    """The folder of the page."""
    pytest.importorskip("markdown", reason="needs the extra docs")
    if not (shutil.which("npm") and shutil.which("node")):
        pytest.skip("needs npm and node, which bring the browser's Python")
    sys.path.insert(0, str(DOCS))
    from try_page import make

    made = tmp_path_factory.mktemp("site")
    make(made)
    return made


@pytest.fixture(scope="session")
def one_file(folder, tmp_path_factory):
    """The page as one file."""
    from offline import offline

    path = tmp_path_factory.mktemp("stick") / "autodiff.html"
    offline(path, folder)
    return path

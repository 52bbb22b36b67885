"""The reference documents every public name, and the navigation every notebook."""

import importlib
import re
from pathlib import Path

import pytest

import autodiff

ROOT = Path(__file__).parent.parent
PAGES = [*(ROOT / "docs" / "reference").glob("*.md")]
DOCUMENTED = {name for page in PAGES for name in re.findall(r"^::: (\S+)", page.read_text(), re.MULTILINE)}
ROOMS = [autodiff, autodiff.nn, autodiff.plots]


@pytest.mark.parametrize("room", ROOMS, ids=[room.__name__ for room in ROOMS])
def test_every_public_name_is_in_the_reference(room):
    for name in room.__all__:
        thing = getattr(room, name)
        module = getattr(thing, "__module__", "")
        found = {f"{room.__name__}.{name}", f"{module}.{name}", module} & DOCUMENTED
        assert found or thing in ROOMS, f"{room.__name__}.{name} is on no page of the reference"


@pytest.mark.parametrize("name", sorted(DOCUMENTED))
def test_what_the_reference_names_exists(name):
    room, _, own = name.rpartition(".")
    assert hasattr(importlib.import_module(room), own)


def test_every_notebook_and_page_is_in_the_navigation():
    navigation = (ROOT / "mkdocs.yml").read_text().partition("\nnav:")[2]
    for path in [*(ROOT / "notebooks").glob("*.ipynb"), *PAGES]:
        assert f"{path.parent.name}/{path.name}" in navigation, path.name

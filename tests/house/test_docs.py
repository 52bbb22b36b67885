"""The reference documents every public name, the navigation every page, and what texts call a file is one."""

import importlib
import re
from pathlib import Path

import pytest

import autodiff
from autodiff import cli

ROOT = Path(__file__).parents[2]
PAGES = [*(ROOT / "docs" / "reference").glob("*.md")]
DOCUMENTED = {name for page in PAGES for name in re.findall(r"^::: (\S+)", page.read_text(), re.MULTILINE)}
TEXTS = [
    path
    for folder in (".", ".github", "docs", "notebooks")
    for path in sorted((ROOT / folder).glob("*.md"))
    if path.name != "CHANGELOG.md"  # which speaks of files that have been, too
]
FILE = re.compile(
    r"(?<![\w/.*-])(?:autodiff|tests|docs|notebooks|benchmarks|\.ci|\.github)/[\w./-]*[\w/]|(?<=`)[\w/]+\.py(?=`)"
)
ROOMS = [autodiff, autodiff.exercises, autodiff.nn, autodiff.plots]


@pytest.mark.parametrize("room", ROOMS, ids=[room.__name__ for room in ROOMS])
def test_every_public_name_is_in_the_reference(room):
    for name in room.__all__:
        thing = getattr(room, name)
        module = getattr(thing, "__module__", "")
        index = ".".join(module.split(".")[:2])  # of the room that it lives in
        found = {f"{room.__name__}.{name}", f"{index}.{name}", f"{module}.{name}", module} & DOCUMENTED
        assert found or thing in ROOMS, f"{room.__name__}.{name} is on no page of the reference"


@pytest.mark.parametrize("name", sorted(DOCUMENTED))
def test_what_the_reference_names_exists(name):
    room, _, own = name.rpartition(".")
    assert hasattr(importlib.import_module(room), own)


def test_every_verb_of_the_command_line_is_in_the_reference():
    rows = re.findall(r"^\| `([\w-]+)` \|", (ROOT / "docs" / "reference" / "command.md").read_text(), re.MULTILINE)
    assert rows == list(cli.VERBS)


def test_every_notebook_and_page_is_in_the_navigation():
    navigation = (ROOT / "mkdocs.yml").read_text().partition("\nnav:")[2]
    for path in [*(ROOT / "notebooks").glob("*.ipynb"), *PAGES]:
        assert f"{path.parent.name}/{path.name}" in navigation, path.name
    for path in (ROOT / "docs").glob("*.md"):
        assert f": {path.name}" in navigation or f"- {path.name}" in navigation, path.name


@pytest.mark.parametrize("text", TEXTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_a_file_that_a_text_names_is_there(text):
    """Its path from the root or from the package, or its own name alone, as in `value.py`."""
    named = set(FILE.findall(text.read_text(encoding="utf-8")))
    assert {name for name in named if not is_there(name)} == set()


def is_there(name):
    if (ROOT / name).exists() or (ROOT / "autodiff" / name).exists():
        return True
    return "/" not in name and any(path for folder in ("autodiff", "tests") for path in (ROOT / folder).rglob(name))


def test_each_picture_under_code_of_the_readme_is_of_that_code():
    """`python docs/make_pictures.py` makes them anew."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    pictures = re.findall(r"```python\n((?:(?!```).)*)```\n\n!\[[^\]]*\]\((docs/pictures/[\w.]+)\)", text, re.DOTALL)
    names = {}
    for code in re.findall(r"```python\n(.*?)```", text, re.DOTALL):
        lines = [line[4:] for line in code.splitlines() if line.startswith((">>> ", "... "))]
        picture = next((path for block, path in pictures if block == code), None)
        if picture is not None:
            exec("\n".join(lines[:-1]), names)
            drawing = eval(lines[-1].replace(")", ", engine='embedded')"), names)
            assert drawing.svg == (ROOT / picture).read_text(encoding="utf-8"), picture
    assert len(pictures) == 2

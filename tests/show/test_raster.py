"""Pictures as PNG and PDF are those of the SVG, on any machine."""

import io
import math
import os
import sys

import pytest

from autodiff import Value, draw, nn

np = pytest.importorskip("numpy", reason="NumPy is not installed")


def product():
    w, x = Value(3.0, "w_ij"), Value(2.0, "<x> & λ")
    y = w * x
    y.backward()
    return draw(y, title="A product", local_derivatives=True)


def pixels(png):
    """Return the colours of a PNG on a white ground, from 0 to 1."""
    matplotlib = pytest.importorskip("matplotlib.image", reason="matplotlib is not installed")
    image = matplotlib.imread(io.BytesIO(png))
    return image[..., :3] * image[..., 3:] + 1 - image[..., 3:]


def test_a_png_has_two_pixels_for_each_of_the_svg_and_a_clear_ground(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", "")  # no program dot
    drawing = product()
    drawing.save(tmp_path / "g.png")
    png = (tmp_path / "g.png").read_bytes()
    size = [int.from_bytes(png[start : start + 4], "big") for start in (16, 20)]
    width, height = [float(drawing.svg.split(f' {side}="')[1].split('"')[0]) for side in ("width", "height")]
    assert size == [math.ceil(2 * width), math.ceil(2 * height)] or size == [round(2 * width), round(2 * height)]
    assert png[25] == 6, "red, green, blue and alpha"


def test_a_png_has_the_boxes_where_the_svg_has_them():
    from autodiff.support.raster import png

    model = nn.MLP(1, [2, 1], "tanh", seed=0)
    y = model([Value(1.0, "x")])
    drawing = draw(y, view="network", model=model)
    seen = pixels(png(drawing.svg))
    circles = [piece.split("/>")[0] for piece in drawing.svg.split("<circle ")[1:]]
    assert len(circles) == 4
    for circle in circles:
        told = dict(pair.split("=") for pair in circle.replace('"', "").split() if "=" in pair)
        x, y_, radius = (float(told[name]) for name in ("cx", "cy", "r"))
        fill = [int(told["fill"][i : i + 2], 16) / 255 for i in (1, 3, 5)]
        edge = seen[round(2 * (y_ - 0.7 * radius)), round(2 * x)]  # above its number
        assert edge == pytest.approx(fill, abs=0.02)


def test_letters_are_drawn_where_the_machine_has_no_fonts():
    """Each differs from the box of a letter that is missing, which the last one is."""
    from resvg_py import svg_to_bytes

    from autodiff.support import raster

    folder = os.path.join(os.path.dirname(raster.__file__), "fonts")
    page = '<svg xmlns="http://www.w3.org/2000/svg" width="30" height="30" font-family="x"><text y="20">{}</text></svg>'
    drawn = {
        letter: svg_to_bytes(
            svg_string=raster._set(page.format(letter)), zoom=2, font_dirs=[folder], skip_system_fonts=True
        )
        for letter in "wλ∂·×−√∞≈≤Ж\U0001f389"
    }
    assert len(set(drawn.values())) == len(drawn)


def test_the_same_drawing_is_the_same_bytes():
    from autodiff.support.raster import png

    assert png(product().svg) == png(product().svg)


def test_a_pdf_keeps_texts_as_texts_in_a_font_that_it_holds(tmp_path):
    pytest.importorskip("typst", reason="typst is not installed: pip install 'autodiff-scalar[pdf]'")
    for name in ("one.pdf", "two.pdf"):
        product().save(tmp_path / name)
    pdf = (tmp_path / "one.pdf").read_bytes()
    assert pdf == (tmp_path / "two.pdf").read_bytes()
    assert pdf.startswith(b"%PDF-")
    assert b"/Type/Pages/Count 1/" in pdf
    assert b"/FontFile" in pdf
    assert b"LiberationSans-Bold" in pdf
    assert b"/Subtype/Image" not in pdf


@pytest.mark.parametrize(
    ("package", "ending", "words"),
    [("resvg_py", ".png", "`pip install resvg-py`"), ("typst", ".pdf", r"`pip install 'autodiff-scalar\[pdf\]'`")],
)
def test_without_the_package_it_is_said_what_to_install(monkeypatch, tmp_path, package, ending, words):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(RuntimeError, match=words):
        product().save(tmp_path / f"g{ending}")
    assert not os.listdir(tmp_path)

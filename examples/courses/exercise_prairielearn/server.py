"""An exercise by hand in PrairieLearn: each learner has a copy of their own, marked with follow-through.

`generate` is called once for each variant, `grade` for each submission; what they write into `data` is plain: texts,
floats, lists and dictionaries with texts as keys.
"""

from autodiff.exercises import AnswerError, generate as exercises
from autodiff.exercises.sheets.sheet import blank

LEVEL = 3


def _sheet(data):
    return exercises(level=LEVEL, seed=int(data["params"]["seed"]))[0]


def generate(data):
    """Choose the exercise of this variant, and say what is asked."""
    data["params"]["seed"] = int(data["variant_seed"]) % 100_000
    sheet = _sheet(data)
    data["params"]["given"] = ", ".join([f"{name} = {number:g}" for name, number in sheet.givens.items()])
    data["params"]["graph"] = blank(sheet, engine="embedded").svg  # it holds no answer
    data["params"]["asked"] = [
        {"id": f"q{i}", "prompt": question.prompt, "choices": ", ".join(question.choices)}
        for i, question in enumerate(sheet.questions)
    ]


def parse(data):
    """Refuse what is no number or formula, before anything is marked."""
    sheet = _sheet(data)
    for i, question in enumerate(sheet.questions):
        answer = data["submitted_answers"].get(f"q{i}")
        if isinstance(answer, str) and answer.strip():
            try:
                sheet.read(question.name, answer)
            except AnswerError as error:
                data["format_errors"][f"q{i}"] = str(error)


def grade(data):
    """Mark all answers together: what follows from an earlier slip is right."""
    sheet = _sheet(data)
    given = {
        question.name: data["submitted_answers"].get(f"q{i}")
        for i, question in enumerate(sheet.questions)
        if f"q{i}" not in data["format_errors"]
    }
    feedback = sheet.check(given)
    for i, question in enumerate(sheet.questions):
        remark = feedback[question.name]
        data["partial_scores"][f"q{i}"] = {"score": float(remark.points), "weight": 1}
        data["feedback"][f"q{i}"] = remark.text
    data["score"] = min(max(round(float(feedback.score), 6), 0.0), 1.0)

"""The tests that otter runs: a case for each question, for partial credit. Points stand for file and case alike."""

from otter.test_files import test_case

from autodiff.exercises import generate

OK_FORMAT = False
name = "by_hand"
sheet = generate(level=3, seed=7)[0]
points = len(sheet.questions)


def case(question):
    """Return the case of a question: it fails with the reason, and never shows the answer."""

    @test_case(name=question.name, points=1, hidden=False)
    def marked(answers):
        assert answers is not None, "answers is not defined"  # otter hands None for a name that there is not
        given = {asked: answer for asked, answer in answers.items() if answer is not None}
        remark = sheet.check(given)[question.name]
        assert remark.points == 1, remark.text

    return marked


for number, question in enumerate(sheet.questions):
    globals()[f"case_{number}"] = case(question)

"""A whole class, and reports as the tools of courses read them."""

import csv
import doctest
import json
import math
import subprocess
import sys
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path
from xml.etree import ElementTree

import pytest
from helpers.engines import GOOD, WILD, source

from autodiff.grading.check import check_engine, not_checked
from autodiff.grading.course.formats import FORMATS
from autodiff.grading.course.whole_class import check_files, summary, table
from autodiff.grading.report import EngineReport, Line


@pytest.fixture
def submissions(tmp_path):
    texts = {
        "ada": source(WILD["tanh overwrites"][3]),
        "ben": GOOD,
        "cy": "while True: pass",
        "dee": source(WILD["2 - a is a - 2"][3]),
        "=eve": "raise SystemExit",
    }
    for name, text in texts.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "engine.py").write_text(text)
    return [str(tmp_path / name / "engine.py") for name in texts]


def test_a_class_is_graded_in_order_whatever_the_number_of_workers_and_the_executor(submissions):
    answers = []
    with ThreadPoolExecutor(3) as threads, ProcessPoolExecutor(2) as processes:
        for options in ({"workers": 1}, {"workers": 5}, {"executor": threads}, {"executor": processes}):
            reports = list(check_files(submissions, seconds=4, **options))
            answers.append((table(submissions, reports), FORMATS["json"](dict(zip(submissions, reports, strict=True)))))
    assert all(answer == answers[0] for answer in answers)
    assert [report.ok for report in reports] == [False, True, False, False, False]
    assert [report.fault and report.fault.name for report in reports] == [
        "overwrites a gradient",
        None,
        None,
        "reflected operator in the wrong order",
        None,
    ]
    assert "did not end" in reports[2].error
    assert summary(reports).splitlines()[:2] == ["5 engines, 1 right", "    2  could not be checked"]


def test_an_executor_needs_nothing_but_submit(submissions):
    class Now:
        def submit(self, function, *arguments):
            future = Future()
            future.set_result(function(*arguments))
            return future

    assert [report.ok for report in check_files(submissions[1:2], executor=Now())] == [True]


def test_loky_will_do(submissions):
    loky = pytest.importorskip("loky", reason="loky is the executor that is tried")
    with loky.ProcessPoolExecutor(2) as executor:
        assert [report.ok for report in check_files(submissions[:2], executor=executor)] == [False, True]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::ResourceWarning")  # of sockets that the cluster leaves to close
def test_a_dask_cluster_will_do(submissions):
    distributed = pytest.importorskip("distributed", reason="a cluster of dask is what is tried")
    cluster = distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0", silence_logs=50)
    with cluster, distributed.Client(cluster) as client:
        twice = [*submissions, *submissions]  # dask takes equal calls for one
        reports = list(check_files(twice, executor=client.get_executor(), seconds=4))
    assert table(twice, reports) == table(twice, list(check_files(twice, workers=3, seconds=4)))


def test_a_worker_that_is_lost_takes_no_other_report_with_it(submissions):
    class Losing(ThreadPoolExecutor):
        def submit(self, function, path, *arguments):
            if "ben" in path:
                future = Future()
                future.set_exception(OSError("the machine was switched off"))
                return future
            return super().submit(function, path, *arguments)

    with Losing(2) as executor:
        reports = list(check_files(submissions[:2], executor=executor))
    assert reports[0].fault.name == "overwrites a gradient"
    assert reports[1].error == "the executor lost it: OSError: the machine was switched off"


def test_the_table_holds_no_formula(submissions):
    reports = [not_checked("=HYPERLINK(1)\nsecond line"), check_engine_of(GOOD)]
    rows = list(csv.reader(table(["=cmd", "b"], reports).splitlines()))
    assert rows[0][:3] == ["file", "ok", "score"]
    assert rows[1][0] == "'=cmd"
    assert rows[1][-1] == "'=HYPERLINK(1) second line"
    assert rows[2][:3] == ["b", "yes", "94"]


def check_engine_of(text):
    held = {"__name__": "engine"}
    exec(text, held)
    return check_engine(held["Value"])


WRONG = check_engine_of(source(WILD["product, power and exp overwrite"][3]))
FAILED = not_checked("it looped \x1b[31m & <ran>\ud800")


@pytest.mark.parametrize("report", [WRONG, FAILED, check_engine_of(GOOD)], ids=["wrong", "failed", "good"])
def test_a_report_crosses_from_one_process_to_another_unchanged(report):
    again = EngineReport.loads(report.dumps())
    assert str(again) == str(report)
    assert again.as_dict() == report.as_dict()
    assert again.score == report.score


@pytest.mark.parametrize("report", [WRONG, FAILED], ids=["wrong", "failed"])
def test_gradescope_is_given_each_line_with_finite_points_and_a_status(report):
    results = json.loads(FORMATS["gradescope"]({"engine.py": report}))
    assert math.isclose(results["score"], math.fsum(test["score"] for test in results["tests"]))
    assert [test["name"] for test in results["tests"]] == [line.name for line in report.rubric]
    assert sum(test["max_score"] for test in results["tests"]) == 100
    for test in results["tests"]:
        assert 0 <= test["score"] <= test["max_score"]
        assert test["status"] == ("passed" if test["score"] == test["max_score"] else "failed")
    with pytest.raises(ValueError, match="one submission"):
        FORMATS["gradescope"]({"a": report, "b": report})


def test_a_score_is_clipped_and_finite_before_a_tool_sees_it():
    report = EngineReport(False, rubric=(Line("x", "right", math.nan, 10.0), Line("y", "right", 20.0, 10.0)))
    results = json.loads(FORMATS["gradescope"]({"engine.py": report}))
    assert [test["score"] for test in results["tests"]] == [0.0, 10.0]
    assert results["score"] == 10.0


def test_junit_xml_is_read_by_others():
    text = FORMATS["junit"]({"ada & co": WRONG, "ben": FAILED})
    suites = ElementTree.fromstring(text.encode()).findall("testsuite")
    assert [suite.get("name") for suite in suites] == ["ada & co", "ben"]
    for suite, report in zip(suites, (WRONG, FAILED), strict=True):
        cases = suite.findall("testcase")
        assert int(suite.get("tests")) == len(cases) == len(report.rubric)
        assert int(suite.get("failures")) == len(suite.findall("testcase/failure"))
        assert all(len(case.findall("failure")) <= 1 for case in cases)
        points = [float(case.find("properties/property").get("value")) for case in cases]
        assert math.isclose(math.fsum(points), report.score)
    junitparser = pytest.importorskip("junitparser", reason="junitparser is what reads it")
    read = junitparser.JUnitXml.fromstring(text.encode())
    assert read.failures == sum(int(suite.get("failures")) for suite in suites)


def test_the_page_is_one_file_and_escapes_what_it_is_given():
    page = FORMATS["html"]({"<ada>": WRONG})
    assert "&lt;ada&gt;" in page
    assert "<ada>" not in page
    assert "data-autodiff-steps" in page
    assert "other.data" not in page
    assert FORMATS["html"]({"ada": WRONG, "ben": WRONG}).count("<svg") == 2  # of a class the drawings alone


def test_the_command_line_answers_with_text_and_status(run, submissions, tmp_path):
    status, out, _ = run("check-engine", submissions[0])
    assert status == 1
    assert "In a + a.tanh() your a.grad is 0.00986604, right is 1.00987." in out
    status, out, _ = run("check-engine", f"{submissions[1]}:Value", "--format", "json")
    assert status == 0
    assert json.loads(out)[submissions[1]]["ok"] is True
    status, out, _ = run("check-engine", *submissions[:2], "--csv", str(tmp_path / "class.csv"))
    assert status == 1
    assert out == "2 engines, 1 right\n    1  overwrites a gradient, as in a + a.tanh()\n"
    assert (tmp_path / "class.csv").read_text().count("\n") == 3


def test_a_bar_shows_how_far_a_class_is(run, submissions, monkeypatch):
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    _, _, shown = run("check-engine", *submissions[:2], "--csv", str(Path(submissions[0]).with_name("class.csv")))
    assert shown.split("\r")[1:] == ["[###############...............] 1 of 2", f"[{'#' * 30}] 2 of 2\n"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["a.py", "--names", "gard=g"], "--names takes ROLE=NAME"),
        (["a.py", "b.py", "--format", "gradescope"], "one submission at a time"),
        (["a.py", "--seconds", "nan"], "must be above 0"),
        (["a.py:A", "b.py:B"], "same class"),
    ],
    ids=["role", "gradescope", "seconds", "classes"],
)
def test_wrong_arguments_are_refused(run, arguments, message):
    status, _, error = run("check-engine", *arguments)
    assert status == 2
    assert message in error


def test_a_file_that_is_not_there_is_a_report(run):
    status, out, _ = run("check-engine", "none.py")
    assert status == 1
    assert "there is no file 'none.py'" in out


def test_the_help_says_that_it_is_no_sandbox():
    command = [sys.executable, "-m", "autodiff", "check-engine", "--help"]
    assert "no sandbox" in subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_the_script_for_gradescope_writes_its_results_whatever_was_handed_in(tmp_path):
    page = (Path(__file__).parents[2] / "docs" / "courses.md").read_text(encoding="utf-8")
    script = page.partition("`run_autograder`:")[2].split("```bash\n")[1].partition("```")[0]
    script = script.replace("/autograder", str(tmp_path)).replace(
        "autodiff check", f"{sys.executable} -m autodiff check"
    )
    (tmp_path / "run_autograder").write_text(script)
    for text, points in ((GOOD, 94), ("raise SystemExit(1)", 0)):
        for folder in ("submission", "results"):
            (tmp_path / folder).mkdir(exist_ok=True)
        (tmp_path / "submission" / "engine.py").write_text(text)
        subprocess.run(["bash", str(tmp_path / "run_autograder")], check=True)
        results = json.loads((tmp_path / "results" / "results.json").read_text())
        assert results["score"] == points
        assert len(results["tests"]) == len(WRONG.rubric)


EXAMPLES = Path(__file__).parents[2] / "examples" / "courses"


def test_the_cases_for_otter_are_the_steps_of_the_rubric_and_pass_where_they_are_right():
    held = {"__name__": "engine"}
    exec((EXAMPLES / "otter" / "tests" / "engine.py").read_text(encoding="utf-8"), held)
    cases = held["test"]["suites"][0]["cases"]
    assert sum(case["points"] for case in cases) == held["test"]["points"] == 100
    exec(GOOD, held)
    examples = doctest.DocTestParser().get_doctest(cases[0]["code"], held, "case", None, None)
    assert doctest.DocTestRunner(verbose=False).run(examples).failed == 0


def test_the_workflow_for_github_classroom_is_yaml_that_checks_the_engine():
    yaml = pytest.importorskip("yaml", reason="the workflow is YAML")
    job = yaml.safe_load((EXAMPLES / "github_classroom" / "classroom.yml").read_text(encoding="utf-8"))["jobs"][
        "engine"
    ]
    assert [step["run"] for step in job["steps"] if "run" in step][-1] == "autodiff check-engine engine.py"

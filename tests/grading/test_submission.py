"""Files that were handed in, whatever they do, end in a report."""

import os
import py_compile

import pytest
from helpers.engines import GOOD, WILD, source

from autodiff.grading.course.submission import check_file

HOSTILE = {  # what the file does, and what the report says
    "loops for ever": ("while True:\n    pass", 'did not end within 3 s, and was at File "engine.py", line '),
    "exits": ("import sys\nsys.exit(0)", "SystemExit: 0 (engine.py, line 2)"),
    "ends Python": ("import os\nos._exit(7)", "ended Python itself with status 7"),
    "recursion": ("def f():\n    f()\nf()", "RecursionError"),
    "is no Python": ("class Value(:", "SyntaxError"),
    "raises": ("x = 1\n1 / 0", "ZeroDivisionError: division by zero (engine.py, line 2)"),
    "interrupts": ("raise KeyboardInterrupt('now')", "KeyboardInterrupt: now"),
    "takes all memory": ("x = []\nwhile True:\n    x.append(bytearray(10**8))", "MemoryError"),
    "writes a large file": (
        "f = open('big', 'wb')\nfor _ in range(99):\n    f.write(bytes(10**6)); f.flush()",
        "File too large",
    ),
    "kills itself": ("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)", "ended by the signal SIGKILL"),
    "an error with arguments of its own": (
        "class E(Exception):\n    def __init__(self, a, *, b):\n        pass\nraise E(1, b=2)",
        "E: ",
    ),
    "has no class": ("x = 1", "which class is it? Say FILE:NAME; there are none"),
    "deletes what Python has built in": (
        f"{GOOD}\nimport builtins\ndel builtins.len, builtins.isinstance, builtins.open",
        "ended Python itself with status 1",
    ),
    "gives float another meaning": (
        f"{GOOD}\nimport builtins\nbuiltins.float = lambda x: 3.0",
        "TypeError: isinstance()",
    ),
    "forks without an end": ("import os\nwhile os.getpid():\n    os.fork() or os._exit(0)", "did not end within 3 s"),
    "hands in an engine that is installed": (
        "from autodiff import Value",
        "Value is the class of autodiff.engine.value, and was not handed in",
    ),
    "reads from the person": ("input('your name? ')", "EOFError"),
}


def written(folder, text):
    file = folder / "engine.py"
    file.write_text(text)
    return file


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_ends_in_a_report(tmp_path, name):
    text, reason = HOSTILE[name]
    report = check_file(written(tmp_path, text), seconds=3, memory=512)
    assert not report.ok
    assert reason in report.error
    assert report.score == 0
    assert sum(line.maximum for line in report.rubric) == 100
    assert str(report).startswith("Nothing could be checked: ")
    assert os.listdir(tmp_path) == ["engine.py"]


def test_what_is_printed_without_an_end_is_cut(tmp_path):
    report = check_file(written(tmp_path, "while True:\n    print('x' * 1000, flush=True)"), seconds=3)
    assert "File too large" in report.error or "did not end" in report.error
    assert 0 < len(report.output) <= 2000


def test_a_backward_pass_that_never_ends_says_where_it_was(tmp_path):
    text = source(
        {
            "        for node in reversed(order):\n": "        while True:\n            pass\n"
            "        for node in order:\n"
        }
    )
    line = text.splitlines().index("        while True:") + 1
    report = check_file(written(tmp_path, text), seconds=3)
    assert f'File "engine.py", line {line} in backward' in report.error or f"line {line + 1} in" in report.error


def test_what_never_ends_on_the_ladder_is_reported_as_far_as_it_came(tmp_path):
    loop = {"        self.grad = 1.0\n": "        self.grad = 1.0\n        while len(order) > 100:\n            pass\n"}
    report = check_file(written(tmp_path, source({**WILD["tanh overwrites"][3], **loop})), seconds=3)
    assert (report.expression, report.fault.name) == ("a + a.tanh()", "overwrites a gradient")
    steps = {line.name: line for line in report.rubric}
    assert steps["numbers on the left"].status == "right"
    assert "did not end within 3 s, and was at" in steps["a wide sum"].reason
    assert steps["speed"].status == "not tried"
    report = check_file(written(tmp_path, source(loop)), seconds=3)
    assert not report.ok
    assert "on the ladder it did not end within 3 s" in report.error


def test_processes_that_a_file_leaves_behind_hold_nothing_up(tmp_path):
    report = check_file(
        written(tmp_path, f"import os, time\nif os.fork() == 0:\n    time.sleep(60)\n{GOOD}"), seconds=30
    )
    assert report.ok


def test_a_file_is_checked_as_its_class_is(tmp_path):
    report = check_file(written(tmp_path, "print('hello')\n" + source(WILD["tanh overwrites"][3])))
    assert (report.expression, report.fault.name) == ("a + a.tanh()", "overwrites a gradient")
    assert report.place == "Value.tanh (engine.py, line 39)"
    assert report.output == "hello\n"
    assert "a (yours: 0.00986604)" in report.drawing.dot


def test_a_file_is_read_as_it_is_now_not_as_python_has_compiled_it(tmp_path):
    file = written(tmp_path, GOOD)
    os.utime(file, (0, 0))
    py_compile.compile(file)
    text = source(WILD["tanh overwrites"][3])
    file.write_text(text.replace("\n", " " * (len(GOOD) - len(text)) + "\n", 1))
    os.utime(file, (0, 0))
    assert file.stat().st_size == len(GOOD.encode())
    assert check_file(file).fault.name == "overwrites a gradient"


def test_the_class_is_found_or_named(tmp_path):
    file = written(tmp_path, GOOD.replace("Value", "Scalar") + "\nclass Other:\n    pass\n")
    assert check_file(file).ok
    assert check_file(file, name="Scalar").ok
    assert "there is no class 'Number': there are Scalar, Other" in check_file(file, name="Number").error
    assert "there is no file 'none.py'" in check_file(tmp_path / "none.py").error

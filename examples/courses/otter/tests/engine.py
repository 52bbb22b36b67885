"""A case for each step of the rubric; both the file and each case have points, or otter counts the others as 0."""

from autodiff.grading.check import not_checked

OK_FORMAT = True
IMPORT = ">>> from autodiff import check_engine\n"
test = {
    "name": "engine",
    "points": 100,
    "suites": [
        {
            "cases": [
                {
                    "code": f"{IMPORT}>>> print(check_engine(Value).step({line.name!r}))\nright",
                    "points": line.maximum,
                    "hidden": False,
                    "locked": False,
                }
                for line in not_checked("").rubric
            ],
            "scored": True,
            "setup": "",
            "teardown": "",
            "type": "doctest",
        }
    ],
}

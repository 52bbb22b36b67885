"""The page "Coming from micrograd, PyTorch, JAX": its examples run, and its table of kinks says what PyTorch does."""

import re
from pathlib import Path

import pytest

import autodiff
from autodiff import DomainError, Value

PAGE = (Path(__file__).parents[2] / "docs" / "coming_from.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("i", range(len(EXAMPLES)))
def test_each_example_runs(i):
    example = EXAMPLES[i]
    assert "assert" in example
    exec(compile(example, "docs/coming_from.md", "exec"), {})


def test_the_page_has_its_examples_and_stands_in_the_navigation():
    assert len(EXAMPLES) == 5
    assert "coming_from.md" in (Path(__file__).parents[2] / "mkdocs.yml").read_text(encoding="utf-8")


KINKS = {
    "relu at 0": (lambda m, x: m.relu(x), [0.0], [0.0]),
    "abs at 0": (lambda m, x: m.abs(x), [0.0], [0.0]),
    "maximum of equals": (lambda m, x, y: m.maximum(x, y), [2.0, 2.0], [0.5, 0.5]),
    "clip at its end": (lambda m, x: m.clip(x, -1.0, 1.0), [1.0], [1.0]),
    "sqrt at 0": (lambda m, x: m.sqrt(x), [0.0], [float("inf")]),
    "exp too large": (lambda m, x: m.exp(x), [1000.0], [float("inf")]),
}


@pytest.mark.slow
@pytest.mark.parametrize(("function", "at", "slopes"), KINKS.values(), ids=KINKS)
def test_slopes_at_kinks_are_those_of_the_table_and_of_pytorch(function, at, slopes):
    xs = [Value(x) for x in at]
    function(autodiff, *xs).backward()
    assert [x.grad for x in xs] == slopes
    torch = pytest.importorskip("torch", reason="PyTorch is what these numbers are compared with")
    theirs = [torch.tensor(x, dtype=torch.float64, requires_grad=True) for x in at]
    function(torch, *theirs).backward()
    assert [x.grad.item() for x in theirs] == slopes


@pytest.mark.parametrize("name", ["log", "sqrt"])
def test_outside_of_its_domain_a_function_raises(name):
    with pytest.raises(DomainError):
        getattr(autodiff, name)(Value(-1.0))


def test_what_arrives_at_a_relu_that_is_off_is_stopped_even_if_it_is_inf():
    x = Value(-1.0)
    h = x.relu()
    h.grad = float("inf")
    h.propagate()
    assert x.grad == 0.0


def test_every_name_of_the_package_that_the_page_gives_exists():
    for name in re.findall(r"`autodiff\.(\w+)", PAGE):
        assert hasattr(autodiff, name), name
    for name in re.findall(r"`nn\.(MLP|Layer|Neuron|SGD|Adam)`", PAGE):
        assert hasattr(autodiff.nn, name), name

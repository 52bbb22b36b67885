"""Faults on purpose: an exception at each event inside of the package, one after the other.

An event is a line that begins, a function that is entered or left, or a call into C that begins or ends: more places
than those at which Ctrl-C or a lack of memory can strike.
"""

import inspect
import itertools
import linecache
import re
import sys
import warnings
from collections import defaultdict
from pathlib import Path

import autodiff
from autodiff.engine.backward import _marks

PACKAGE = str(Path(autodiff.__file__).parent)
ERRORS = (KeyboardInterrupt, MemoryError, RuntimeError)
# Python itself lets nothing strike while it takes or leaves a lock:
LOCKED = re.compile(r"\s*with \w*lock:", re.IGNORECASE)


def at_every_point(prepare, action, check, errors=ERRORS, most=None, within=""):
    """Run `action(state)` on a fresh `state = prepare()` with a fault at each point, and `check(state)` after each.

    Lines and functions are struck first, then calls into C; the errors take their turns. A place that is passed more
    than `most` times is struck so many times: at the first, the last, and evenly between. Only files whose path in the
    package begins with `within` are struck. Returns how many times.
    """
    turns = itertools.cycle(errors)
    struck = 0
    for install, events in ((sys.settrace, ("line", "call", "return")), (sys.setprofile, ("c_call", "c_return"))):
        spy = Fault(None, None, events, install, within)
        spy.strike(action, prepare())
        for k in chosen(spy.places, most):
            state, error = prepare(), next(turns)
            fault = Fault(k, error, events, install, within)
            fault.strike(action, state)
            try:
                check(state)
            except AssertionError as wrong:
                raise AssertionError(f"after {error.__name__} at {fault.places[-1]}: {wrong}") from None
            struck += fault.struck
    return struck


def chosen(places, most):
    """The indices at which to strike, in order."""
    passed = defaultdict(list)
    for k, place in enumerate(places):
        passed[place].append(k)
    return sorted(
        {
            ks[i * (len(ks) - 1) // max((most or len(ks)) - 1, 1)]
            for ks in passed.values()
            for i in range(min(most or len(ks), len(ks)))
        }
    )


class Fault:
    def __init__(self, k, error, events, install, within):
        self.k, self.error, self.events, self.install = k, error, events, install
        self.places, self.struck, self.within = [], False, f"{PACKAGE}/{within}"

    def strike(self, action, state):
        """Run the action; only the fault, if there is one, comes out of it."""
        previous, hook = (sys.gettrace, sys.getprofile)[self.install is sys.setprofile](), sys.unraisablehook
        unraisable = []
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ResourceWarning)  # of a file that was opened and not handed over
            try:
                sys.unraisablehook = lambda args: unraisable.append(args.exc_type)
                self.install(self)
                try:
                    action(state)
                finally:
                    self.install(previous)
            except BaseException as raised:
                if type(raised) is not self.error:
                    raise
            else:  # Python itself swallows what strikes while it closes a generator
                assert not self.struck or unraisable == [self.error], f"swallowed at {self.places[-1]}"
            finally:
                sys.unraisablehook = hook
                if _marks.locked():  # struck just after they were taken: walks take sets from then on, which is slower
                    _marks.release()

    def __call__(self, frame, event, argument):
        if not frame.f_code.co_filename.startswith(self.within):
            return None
        if event == "return" and frame.f_code.co_flags & inspect.CO_GENERATOR:
            return self  # at a `yield` the frame is suspended, and nothing can strike in it
        if LOCKED.match(linecache.getline(frame.f_code.co_filename, frame.f_lineno)):
            return self
        if event in self.events and (self.k is None or len(self.places) <= self.k):
            self.places.append((event, frame.f_code.co_qualname, frame.f_lineno))
            if len(self.places) - 1 == self.k:
                self.struck = True
                raise self.error("on purpose")
        return self

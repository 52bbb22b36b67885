"""The steps of a gradient in a terminal, with the verbs of Python's debugger."""

from __future__ import annotations

import cmd
import os
import sys
from shutil import get_terminal_size
from textwrap import wrap
from typing import TextIO

from autodiff.engine.value import Value
from autodiff.formulas.writers import PARTIAL
from autodiff.show.story.expression import as_written
from autodiff.show.story.records import Backward, Forward
from autodiff.show.story.story import Story
from autodiff.show.story.worked import MAX_WIDTH, chained, columns
from autodiff.support.labels import printable

PROMPT = "(autodiff) "
MIN_WIDTH = 40  # characters of a line; a terminal that is narrower breaks it itself
MAX_FORMULAS = 12  # that a session begins with; more are left out
MAX_AROUND = 5  # steps that `list` shows before and after the current one
STYLES = {"bold": "1", "quiet": "2", "forward": "34", "backward": "33", "error": "31"}
HELP = """\
next [N]         n    make the next step, or the next N
back [N]              take the last step back, or the last N
continue         c    go on to the next breakpoint, or to the end
break [NODE]     b    stop where NODE is computed, given a gradient, or hands it on; alone, list these
clear [NODE]     cl   stop there no longer; alone, stop nowhere
print [NODE]     p    the number and the gradient of NODE so far; alone, of all nodes
list             l    the steps around the current one
longlist         ll   all steps
ledger NODE           every contribution to the gradient of NODE
departs               go to the first number that departs, if others stand beside
undo             u    take back the last command that moved
quit             q    leave
Enter repeats the last command."""


class Stepper(cmd.Cmd):
    """A session that steps through a story.

    Args:
        story: the steps.
        source: where commands come from, a terminal or a script.
        out: where answers go; coloured on a terminal, unless the environment says NO_COLOR.
    """

    def __init__(self, story: Story, source: TextIO | None = None, out: TextIO | None = None) -> None:
        super().__init__(stdin=source or sys.stdin, stdout=out or sys.stdout)
        self.story = story
        self.root = story.name(story.root)
        self.moments: list[Forward | Backward] = [*story.forward, *story.backward]
        self.position = 0  # how many steps were made
        self.before: list[int] = []  # the positions that `undo` goes back to
        self.breaks: dict[str, Value] = {}
        self.interactive = self.stdin.isatty()
        self.use_rawinput = self.interactive and self.stdin is sys.stdin
        self.prompt = PROMPT if self.interactive else ""
        plain = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb" or not self.stdout.isatty()
        self.styles = {} if plain else STYLES
        self.width = max(MIN_WIDTH, get_terminal_size().columns) if self.stdout.isatty() else MAX_WIDTH

    def run(self) -> int:
        """Read commands until the end; return the status, 0, or 130 if a script was interrupted."""
        result = f"{self.style(self.root, 'bold')} = {self.story.short(self.story.number(self.story.root))}"
        if self.story.beside:
            words = [f"beside: {self.story.beside.name}", *self.story.beside.words, self.story.departs]
            self.say("\n  ".join(words))
        written = as_written(self.story)
        for text in (*written.whole, *written.parts) if len(written.whole) + len(written.parts) <= MAX_FORMULAS else ():
            name, _, formula = text.partition(" = ")
            self.say("\n".join(chained(f"{'' if text in written.whole else '  '}{name} ", [formula], self.width)))
        self.say(f"{result}, in {len(self.moments)} steps; help lists the commands")
        self.show()
        while True:
            try:
                self.cmdloop()
            except KeyboardInterrupt:
                self.say("")
                if not self.interactive:
                    return 130
                continue
            return 0

    # What `cmd` asks for.

    def precmd(self, line: str) -> str:
        """Write down what a script commands, so that its transcript reads like a session."""
        if not self.interactive and line != "EOF":
            self.say(f"{self.style(PROMPT, 'quiet')}{printable(line)}")
        return line

    def parseline(self, line: str) -> tuple[str | None, str | None, str]:
        """Read a command, with the debugger's short forms."""
        command, argument, line = super().parseline(line)
        return SHORT.get(command or "", command), argument, line

    def onecmd(self, line: str) -> bool:
        """Do a command; what is wrong with it is said in a line."""
        try:
            return super().onecmd(line)
        except ValueError as error:
            self.say(self.style(str(error), "error"))
            return False

    def default(self, line: str) -> None:
        """Say what can be commanded."""
        raise ValueError(f"no command is called {line.split()[0][:40]!r}; there are {', '.join(COMMANDS)}")

    def completedefault(self, text: str, *rest: object) -> list[str]:
        """Return the names of nodes that begin with `text`."""
        return [name for name in self.story.nodes if name.startswith(text)]

    # The commands.

    def do_next(self, arg: str) -> None:
        """Make the next step, or the next N."""
        if self.position == len(self.moments):
            raise ValueError("this is the end: every gradient is complete")
        self.go(min(self.position + _count(arg), len(self.moments)))

    def do_back(self, arg: str) -> None:
        """Take the last step back, or the last N."""
        if self.position == 0:
            raise ValueError("this is the start: nothing has been computed")
        self.go(max(self.position - _count(arg), 0))

    def do_continue(self, arg: str) -> None:
        """Go on to the next breakpoint, or to the end."""
        if self.position == len(self.moments):
            raise ValueError("this is the end: every gradient is complete")
        position = self.position + 1
        while position < len(self.moments) and not self._stops(self.moments[position - 1]):
            position += 1
        self.go(position)

    def do_break(self, arg: str) -> None:
        """Stop where a node is computed, given a gradient, or hands it on; without a node, list these nodes."""
        if arg:
            self.breaks[arg] = self.story.node(arg)
        self.say(f"continue stops at {', '.join(self.breaks)}" if self.breaks else "continue stops at no node")

    def do_clear(self, arg: str) -> None:
        """Stop at a node no longer; without a node, stop nowhere."""
        if arg and arg not in self.breaks:
            raise ValueError(f"there is no breakpoint at {arg!r}")
        self.breaks = {name: node for name, node in self.breaks.items() if arg and name != arg}
        self.do_break("")

    def do_print(self, arg: str) -> None:
        """Show the number and the gradient so far of a node, or of all."""
        computed = {id(step.node) for step in self.moments[: self.position]} | {id(leaf) for leaf in self.story.leaves}
        gradients = self.gradients()
        nodes = {arg: self.story.node(arg)} if arg else self.story.nodes
        rows = []
        for name, node in nodes.items():
            number = self.story.short(self.story.number(node)) if id(node) in computed else "not yet"
            gradient = self.story.short(gradients[id(node)]) if id(node) in gradients else "not yet"
            path = self.story.paths.get(id(node), "")
            rows.append([self.style(name, "bold"), f"= {number}", f"d{self.root}/d{name} = {gradient}", path])
        self.say("\n".join(columns(rows)))

    def do_list(self, arg: str) -> None:
        """List the steps around the current one."""
        self.listed(max(self.position - 1 - MAX_AROUND, 0), self.position + MAX_AROUND)

    def do_longlist(self, arg: str) -> None:
        """List all steps."""
        self.listed(0, len(self.moments))

    def do_ledger(self, arg: str) -> None:
        """Show every contribution to the gradient of a node."""
        if not arg:
            raise ValueError("ledger needs the name of a node, such as ledger " + next(iter(self.story.nodes)))
        self.say(str(self.story.ledger(arg)))

    def do_departs(self, arg: str) -> None:
        """Go to the step of the first number that departs."""
        first = self.story.departure
        if first is None:
            raise ValueError(self.story.departs if self.story.beside else "there are no other numbers beside these")
        self.go(first.step + 1)

    def do_undo(self, arg: str) -> None:
        """Take back the last command that moved."""
        if not self.before:
            raise ValueError("nothing has moved yet")
        self.position = self.before.pop()
        self.show()

    def do_quit(self, arg: str) -> bool:
        """Leave."""
        return True

    def do_EOF(self, arg: str) -> bool:  # the name that `cmd` gives to the end of input
        """Leave."""
        if self.interactive:
            self.say("")
        return True

    def do_help(self, arg: str) -> None:
        """List the commands."""
        self.say(HELP)

    # What they do.

    def go(self, position: int) -> None:
        """Move, and show the step that was made last."""
        self.before.append(self.position)
        self.position = position
        self.show()

    def show(self) -> None:
        """Show the step that was made last."""
        if self.position == 0:
            lines = [["start"]]
            for leaf in self.story.leaves:
                told = f"{self.story.name(leaf)} = {self.story.short(self.story.number(leaf))},"
                if len(lines[-1]) > 1 and len(" ".join([*lines[-1], told])) > self.width:
                    lines.append(["     "])
                lines[-1].append(f" {told}" if len(lines[-1]) == 1 else told)
            self.say("\n".join([" ".join(line) for line in lines]).removesuffix(","))
            return
        step = self.moments[self.position - 1]
        if step is self.moments[len(self.story.forward)]:
            self.say(f"Backward now, from d{self.root}/d{self.root} = 1 by definition.")
        self.say("\n".join(self.told(self.position - 1)))
        if self.position == len(self.moments):
            self.say("The end: every gradient is complete.")

    def told(self, index: int, margin: int = 0) -> list[str]:
        """Return a step as lines that leave a margin free."""
        step = self.moments[index]
        number = self.number(index)
        if isinstance(step, Forward):
            title = f"forward  {number}  {step.name}"
            first, *lines = chained(f"{title} ", self.story.worked(step.formula, step.result), self.width - margin)
            head = f"{self.style(f'forward  {number}', 'forward')}  {self.style(step.name, 'bold')}"
            return [head + first.removeprefix(title), *lines, *self.other(step)]
        title = f"{self.style(f'backward {number}', 'backward')}  {self.style(step.name, 'bold')}"
        story, rows = self.story, [["local derivative", "contribution", "gradient so far"]]
        for c in step.contributions:
            own = f"{PARTIAL}{step.name}/{PARTIAL}{c.parent_name} = {' = '.join(story.worked(c.rule, c.local))}"
            rows.append([own, story.times(c), f"d{self.root}/d{c.parent_name} = {story.plus(c)}"])
        lines = columns(rows)
        if max(map(len, lines)) > self.width - 4:
            lines = [line for c in step.contributions for line in story.told(c, self.width - 4)]
        return [
            f"{title}  d{self.root}/d{step.name} = {story.short(step.incoming)}",
            *self.other(step),
            *[f"    {line}" for line in lines],
            *[line for place in range(len(step.contributions)) for line in self.other(step, place)],
        ]

    def other(self, step: Forward | Backward, place: int | None = None) -> list[str]:
        """Return what somebody else has in a step, or in a contribution of it, as lines."""
        text, mark = self.story.other(step, place)
        if not text:
            return []
        lines = wrap(f"beside: {text}", self.width - 4, subsequent_indent="        ", break_on_hyphens=False)
        if mark == "departs":
            lines.append("        ^ the first that departs")
        return [f"    {self.style(line, 'error') if mark else line}" for line in lines]

    def headline(self, index: int) -> str:
        """Return a step that was made: of a backward one its title alone."""
        lines = self.told(index, 3)
        whole = isinstance(self.moments[index], Forward) and not self.story.beside
        return "\n   ".join(lines if whole else lines[:1])

    def listed(self, first: int, last: int) -> None:
        """Show the steps from index `first` to before `last`, an arrow at the one made last."""
        for index in range(first, min(last, len(self.moments))):
            arrow = "->" if index == self.position - 1 else "  "
            self.say(f"{arrow} {self.headline(index) if index < self.position else self.announced(index)}")

    def announced(self, index: int) -> str:
        """Return a step that is still to be made, without its numbers."""
        step = self.moments[index]
        if isinstance(step, Forward):
            lines = chained(f"forward  {self.number(index)}  {step.name} ", [str(step.formula)], self.width - 3)
            return self.style("\n   ".join(lines), "quiet")
        names = dict.fromkeys([c.parent_name for c in step.contributions])
        return self.style(f"backward {self.number(index)}  {step.name} to {', '.join(names)}", "quiet")

    def number(self, index: int) -> str:
        """Return the number of a step, of how many."""
        return f"{index + 1:>{len(str(len(self.moments)))}}/{len(self.moments)}"

    def gradients(self) -> dict[int, float]:
        """Return the gradients so far, by `id`."""
        gradients: dict[int, float] = {} if self.moments else {id(self.story.root): 1.0}
        for step in self.moments[: self.position]:
            if step.node is self.story.root:
                gradients.setdefault(id(step.node), 1.0)
            if isinstance(step, Backward):
                gradients.update({id(c.parent): c.after for c in step.contributions})
        return gradients

    def say(self, text: str) -> None:
        """Write a line."""
        print(text, file=self.stdout)

    def style(self, text: str, style: str) -> str:
        """Return the text in a colour, where colours are shown."""
        return f"\x1b[{self.styles[style]}m{text}\x1b[0m" if style in self.styles else text

    def _stops(self, step: Forward | Backward) -> bool:
        nodes = [step.node]
        if isinstance(step, Backward):
            nodes += [c.parent for c in step.contributions]
        return any([node is stop for node in nodes for stop in self.breaks.values()])


COMMANDS = [name.removeprefix("do_") for name in vars(Stepper) if name.startswith("do_") and name != "do_EOF"]
SHORT = {"n": "next", "c": "continue", "cont": "continue", "b": "break", "cl": "clear", "p": "print", "l": "list"}
SHORT |= {"ll": "longlist", "u": "undo", "q": "quit", "exit": "quit", "h": "help"}


def _count(text: str) -> int:
    """Return how many steps a command asks for."""
    if not text:
        return 1
    if not text.isdecimal() or not int(text[:9]) > 0:
        raise ValueError(f"expected a number of steps, such as 3, got {text[:40]!r}")
    return int(text[:9])

"""Loop nests of a test's own: what a target makes of rows and functions, number by number."""

import array

from autodiff.replay.native.nest import Memory, Nest, Place


def target_of(backend):
    """The target of a back end."""
    from autodiff.replay.llvm.target import LLVM
    from autodiff.replay.wasm.target import Wasm

    return {"wasm": Wasm, "llvm": LLVM}[backend]()


class Computed:
    """What functions of numbers answer on a target, all of them in one module.

    Args:
        target: the target.
        columns: by the name of a function its operands: as many numbers for each.
        write: writes one: its name, the nest, the values of the operands, and their kind; and answers a value.
        at_once: of which functions vectors are computed, too; of all if it is not given.
    """

    def __init__(self, target, columns, write, at_once=None):
        self.memory, places = Memory(), {}
        both = {}
        for name in ("forward", "gradient"):  # a module has these two
            both[name] = Nest(self.memory, target.code())
        nest = both["forward"]
        for name, operands in columns.items():
            read = [self.memory.data(array.array("d", column)) for column in operands]
            for vectors in (True, False) if at_once is None or name in at_once else (False,):
                written = places[name, vectors] = self.memory.room(len(operands[0])), len(operands[0])
                for kind, times, start in nest.pieces(written[1], vectors):
                    with nest.part(), nest.code.loop(times, 8 * kind.width) as (along,):
                        values = [nest.code.load(address + start, [along], kind) for address in read]
                        nest.put(Place(written[0], 8), start, [along], write(name, nest, values, kind))
        instance = target.instance(target.module({name: nest.code for name, nest in both.items()}), self.memory.size)
        for address, content in self.memory.contents:
            instance.memory[address : address + len(content)] = content
        instance.functions["forward"]()
        self.undefined = instance.memory[0] == 1
        self.answers = {
            key: instance.memory[address : address + 8 * count].cast("d").tolist()
            for key, (address, count) in places.items()
        }

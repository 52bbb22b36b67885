#!/usr/bin/env bash
# NumPy 2.4.6: a masked array takes the attribute `_data` of any object for its number, without asking the object.
#
# Guess: as a plain array: entries of dtype object, each from the object's own `__rmul__`.
# Seen: an object that keeps 3 metres as `_data` = 3000 becomes 3000 in silence; named otherwise, it is asked. An engine whose
# nodes have a `_data` loses its graph.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv v && v/bin/pip install --quiet numpy==2.4.6
cat >program.py <<'PY'
import numpy as np


class Hidden:
    def __init__(self, metres):
        self._data = 1000 * metres

    def __rmul__(self, other):
        return "asked"


class Open:
    def __init__(self, metres):
        self.millimetres = 1000 * metres

    def __rmul__(self, other):
        return "asked"


for kind in (Hidden, Open):
    for numbers in (np.array([1.0, 2.0]), np.ma.array([1.0, 2.0])):
        print(kind.__name__, type(numbers).__name__, (numbers * kind(3)).tolist())
PY
v/bin/python program.py >seen 2>/dev/null
cat >expected <<'TXT'
Hidden ndarray ['asked', 'asked']
Hidden MaskedArray [3000.0, 6000.0]
Open ndarray ['asked', 'asked']
Open MaskedArray ['asked', 'asked']
TXT
diff expected seen && echo "as seen before"

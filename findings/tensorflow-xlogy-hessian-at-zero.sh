#!/usr/bin/env bash
# TensorFlow 2.21.0: the mixed second derivatives of xlogy, xlog1py and xdivy are 0 at x = 0; true are 1/y, 1/(1 + y), -1/y^2.
#
# Guess: right, since the functions are smooth in x there and exist for x = 0 (a class of probability 0 in a cross-entropy).
# Seen: 0 at x = 0 and right at x = 1e-9; divide_no_nan, their sibling, is right. A second-order method sees no coupling.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv v && v/bin/pip install --quiet tensorflow-cpu==2.21.0
cat >program.py <<'PY'
import tensorflow as tf


def mixed(f, *at):
    x, y = (tf.constant(v, tf.float64) for v in at)
    with tf.GradientTape() as outer:
        outer.watch(y)
        with tf.GradientTape() as inner:
            inner.watch(x)
            out = f(x, y)
        slope = inner.gradient(out, x)
    return f"{float(outer.gradient(slope, y)):.4f}"


for name in ("xlogy", "xlog1py", "xdivy", "divide_no_nan"):
    print(name, *(mixed(getattr(tf.math, name), x, 2.0) for x in (0.0, 1e-9)))
PY
v/bin/python program.py >seen 2>/dev/null
cat >expected <<'TXT'
xlogy 0.0000 0.5000
xlog1py 0.0000 0.3333
xdivy 0.0000 -0.2500
divide_no_nan -0.2500 -0.2500
TXT
diff expected seen && echo "as seen before"

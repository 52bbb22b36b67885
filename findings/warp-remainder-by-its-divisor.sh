#!/usr/bin/env bash
# Warp 1.19.0: a % b has slope 0 by b, silently, though its slope by a is there.
#
# Guess: -trunc(a/b), as a - b*trunc(a/b) in its place answers, or an error, since Warp knows operations without a derivative.
# Seen: 0 for -2; wp.mod the same.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv v && v/bin/pip install --quiet warp-lang==1.19.0 numpy==2.4.6
cat >program.py <<'PY'
import warp as wp

wp.config.quiet = True
wp.config.kernel_cache_dir = "kernels"
Numbers = wp.array(dtype=wp.float64)


@wp.kernel
def percent(a: Numbers, b: Numbers, out: Numbers):
    out[0] = a[0] % b[0]


@wp.kernel
def mod(a: Numbers, b: Numbers, out: Numbers):
    out[0] = wp.mod(a[0], b[0])


@wp.kernel
def by_hand(a: Numbers, b: Numbers, out: Numbers):
    out[0] = a[0] - b[0] * wp.trunc(a[0] / b[0])


for kernel in (percent, mod, by_hand):
    a, b, out = (wp.array([v], dtype=wp.float64, requires_grad=True, device="cpu") for v in (5.5, 2.0, 0.0))
    with wp.Tape() as tape:
        wp.launch(kernel, dim=1, inputs=[a, b, out], device="cpu")
    tape.backward(out)
    print(kernel.key, *(float(v.numpy()[0]) for v in (out, a.grad, b.grad)))
PY
v/bin/python program.py 2>/dev/null | grep -E "^(percent|mod|by_hand) " >seen
cat >expected <<'TXT'
percent 1.5 1.0 0.0
mod 1.5 1.0 0.0
by_hand 1.5 1.0 -2.0
TXT
diff expected seen && echo "as seen before"

// Descent of a small network in float64, tiled by hand: what a person who knows the machine gets from a C compiler.
//
// Sizes are known when it is compiled: -DBATCH=32 -DN0=64 -DN1=32 -DN2=10 [-DN3=1], and -DHINGE for micrograd's demo.
// A layer keeps its weights as rows of vectors, one row for each input and a last one for the biases, so that a product
// is a sum of rows. Four rows and as many vectors as there are registers for are computed at a time.

#include <math.h>

#ifdef __AVX512F__
#define LANES 8 // numbers of a vector
#define VECTORS 4 // of a tile
#else
#define LANES 4
#define VECTORS 2
#endif
#define TILE 4 // rows of a tile

typedef double vec __attribute__((vector_size(8 * LANES)));
typedef long long ints __attribute__((vector_size(8 * LANES)));

#define WIDE(n) (((n) + LANES - 1) / LANES) // vectors that hold n numbers
#define INLINE static inline __attribute__((always_inline))
#define EACH(i, n) _Pragma("GCC unroll 4") for (int i = 0; i < (n); i++)

INLINE vec positive(vec x, vec of) { return (vec)((ints)(x > 0.0) & (ints)of); }

INLINE double sum(vec x) {
    double all = 0;
    for (int lane = 0; lane < LANES; lane++) all += x[lane];
    return all;
}

// exp(x) = 2^n exp(r) with |r| <= log(2) / 2, where the series is exact after 13 terms.
INLINE vec exponential(vec x) {
    const double round = 6755399441055744.0; // 1.5 * 2^52: adding it leaves a whole number in the low bits
    vec shifted = x * 1.4426950408889634 + round, n = shifted - round;
    vec r = (x - n * 0x1.62e42fefa3800p-1) - n * 0x1.ef35793c76730p-45;
    vec y = (vec){} + 1.0 / 6227020800.0;
    const double terms[] = {479001600, 39916800, 3628800, 362880, 40320, 5040, 720, 120, 24, 6, 2, 1, 1};
    _Pragma("GCC unroll 13") for (int k = 0; k < 13; k++) y = y * r + 1.0 / terms[k];
    return (vec)((ints)y + ((ints)shifted << 52));
}

// out[s] = bias + sum over k of x[s][k] w[k], for four samples and a few vectors.
INLINE void product_tile(const int wide, int depth, int width, const double *x, int stride, const vec *w, const vec *bias,
                         vec *out) {
    vec sums[TILE][VECTORS];
    EACH(s, TILE) EACH(v, wide) sums[s][v] = bias ? bias[v] : (vec){};
    for (int k = 0; k < depth; k++) {
        EACH(s, TILE) EACH(v, wide) sums[s][v] += w[k * width + v] * x[s * stride + k];
    }
    EACH(s, TILE) EACH(v, wide) out[s * width + v] = sums[s][v];
}

INLINE void product(int depth, const int width, const double *x, int stride, const vec *w, const vec *bias, vec *out) {
    const int rest = width % VECTORS, whole = width - rest;
    for (int s = 0; s < BATCH; s += TILE) {
        for (int v = 0; v < whole; v += VECTORS)
            product_tile(VECTORS, depth, width, x + s * stride, stride, w + v, bias ? bias + v : 0, out + s * width + v);
        if (rest)
            product_tile(rest, depth, width, x + s * stride, stride, w + whole, bias ? bias + whole : 0,
                         out + s * width + whole);
    }
}

// w[k] -= rate * (sum over s of x[s][k] d[s] + 2 penalty w[k]), for a few inputs and vectors; the squares are added up.
INLINE void update_tile(const int few, const int wide, int width, const double *x, int stride, const vec *d, vec *w,
                        double rate, double penalty, vec *squares) {
    vec sums[TILE][VECTORS];
    EACH(k, few) EACH(v, wide) sums[k][v] = (vec){};
    for (int s = 0; s < BATCH; s++) {
        EACH(k, few) EACH(v, wide) sums[k][v] += d[s * width + v] * (x ? x[s * stride + k] : 1.0);
    }
    EACH(k, few) EACH(v, wide) {
        vec old = w[k * width + v];
        if (penalty) *squares += old * old;
        w[k * width + v] = old - rate * (sums[k][v] + 2 * penalty * old);
    }
}

INLINE void update_rows(const int few, const int width, const double *x, int stride, const vec *d, vec *w, double rate,
                        double penalty, vec *squares) {
    const int rest = width % VECTORS, whole = width - rest;
    for (int v = 0; v < whole; v += VECTORS)
        update_tile(few, VECTORS, width, x, stride, d + v, w + v, rate, penalty, squares);
    if (rest) update_tile(few, rest, width, x, stride, d + whole, w + whole, rate, penalty, squares);
}

INLINE void update(const int depth, const int width, const double *x, int stride, const vec *d, vec *w, double rate,
                   double penalty, vec *squares) {
    const int rest = depth % TILE, whole = depth - rest;
    for (int k = 0; k < whole; k += TILE)
        update_rows(TILE, width, x + k, stride, d, w + k * width, rate, penalty, squares);
    if (rest) update_rows(rest, width, x + whole, stride, d, w + whole * width, rate, penalty, squares);
    update_rows(1, width, 0, 0, d, w + depth * width, rate, penalty, squares);
}

// d = (d w', for what is above) where the activation is above 0.
INLINE void back(const int depth, const int width, const int above, const vec *w, const vec *d, const vec *a, vec *turned,
                 vec *out) {
    for (int k = 0; k < depth; k++)
        for (int o = 0; o < above; o++)
            ((double *)turned)[o * width * LANES + k] = ((const double *)w)[k * WIDE(above) * LANES + o];
    product(above, width, (const double *)d, WIDE(above) * LANES, turned, 0, out);
    for (int i = 0; i < BATCH * width; i++) out[i] = positive(a[i], out[i]);
}

// The loss of a batch, and its slopes by the scores, which are written over them.
#ifdef HINGE
INLINE double head(const double *t, vec *z, const int n) {
    double loss = 0;
    for (int s = 0; s < BATCH; s++) {
        double margin = 1.0 - t[s] * z[s][0];
        loss += margin > 0 ? margin : 0;
        z[s] = (vec){margin > 0 ? -t[s] / BATCH : 0};
    }
    return loss / BATCH;
}
#define PENALTY 1e-4
#else
INLINE double head(const double *t, vec *z, const int n) {
    const int width = WIDE(n);
    double loss = 0;
    for (int s = 0; s < BATCH; s++) {
        vec *row = z + s * width, total = {};
        double *numbers = (double *)row, top = numbers[0], hit = 0;
        for (int o = 1; o < n; o++) top = numbers[o] > top ? numbers[o] : top;
        for (int o = 0; o < n; o++) hit += t[s * n + o] * numbers[o];
        for (int v = 0; v < width; v++) row[v] = exponential(row[v] - top);
        for (int o = n; o < width * LANES; o++) numbers[o] = 0;
        for (int v = 0; v < width; v++) total += row[v];
        double all = sum(total);
        loss += log(all) + top - hit;
        for (int v = 0; v < width; v++) row[v] /= all * BATCH;
        for (int o = 0; o < n; o++) numbers[o] -= t[s * n + o] / BATCH;
    }
    return loss / BATCH;
}
#define PENALTY 0.0
#endif

static vec w1[(N0 + 1) * WIDE(N1)], a1[BATCH * WIDE(N1)], d1[BATCH * WIDE(N1)], turned2[N2 * WIDE(N1)];
static vec w2[(N1 + 1) * WIDE(N2)], a2[BATCH * WIDE(N2)];
#ifdef N3
static vec d2[BATCH * WIDE(N2)], turned3[N3 * WIDE(N2)], w3[(N2 + 1) * WIDE(N3)], a3[BATCH * WIDE(N3)];
#endif

// The parameters lie neuron by neuron, its weights and its bias: n + 1 numbers in a row.
static double *copied(int depth, int n, vec *w, double *parameters, int out) {
    for (int o = 0; o < n; o++)
        for (int k = 0; k <= depth; k++) {
            double *inner = (double *)w + k * WIDE(n) * LANES + o;
            if (out) *parameters++ = *inner;
            else *inner = *parameters++;
        }
    return parameters;
}

static void copy_all(double *parameters, int out) {
    parameters = copied(N0, N1, w1, parameters, out);
    parameters = copied(N1, N2, w2, parameters, out);
#ifdef N3
    copied(N2, N3, w3, parameters, out);
#endif
}

INLINE void relu(vec *a, const int n) {
    for (int i = 0; i < n; i++) a[i] = positive(a[i], a[i]);
}

// Make steps on the batches in turn; return the loss before the last one.
double descend(long steps, long batches, const double *inputs, const double *targets, double *parameters, double rate) {
    double loss = 0;
    copy_all(parameters, 0);
    for (long step = 0; step < steps; step++) {
        const double *x = inputs + step % batches * BATCH * N0;
        vec squares = {};
        product(N0, WIDE(N1), x, N0, w1, w1 + N0 * WIDE(N1), a1);
        relu(a1, BATCH * WIDE(N1));
        product(N1, WIDE(N2), (double *)a1, WIDE(N1) * LANES, w2, w2 + N1 * WIDE(N2), a2);
#ifdef N3
        relu(a2, BATCH * WIDE(N2));
        product(N2, WIDE(N3), (double *)a2, WIDE(N2) * LANES, w3, w3 + N2 * WIDE(N3), a3);
        loss = head(targets + step % batches * BATCH * N3, a3, N3);
        back(N2, WIDE(N2), N3, w3, a3, a2, turned3, d2);
        back(N1, WIDE(N1), N2, w2, d2, a1, turned2, d1);
        update(N2, WIDE(N3), (double *)a2, WIDE(N2) * LANES, a3, w3, rate, PENALTY, &squares);
        update(N1, WIDE(N2), (double *)a1, WIDE(N1) * LANES, d2, w2, rate, PENALTY, &squares);
#else
        loss = head(targets + step % batches * BATCH * N2, a2, N2);
        back(N1, WIDE(N1), N2, w2, a2, a1, turned2, d1);
        update(N1, WIDE(N2), (double *)a1, WIDE(N1) * LANES, a2, w2, rate, PENALTY, &squares);
#endif
        update(N0, WIDE(N1), x, N0, d1, w1, rate, PENALTY, &squares);
        loss += PENALTY * sum(squares);
    }
    copy_all(parameters, 1);
    return loss;
}

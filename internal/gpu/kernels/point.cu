// Functions of single elements. All are bound by memory.
#include "power.cuh"

enum Function { AFFINE, RELU, HINGE, SQUARE, SQRT, EXP, LOG, SOFTPLUS, SIGMOID, ABS, CLAMP, STEP, EQUAL, TANH, POWER, ACOS, COS, GELU, GELU_TANH, SWISH, HARD_SWISH };

static __device__ float hyperbolic_tangent(float x) {
	float t = absolute(x);
	float y;
	if (t < 0.3f) { // a series: 1 − e would cancel
		float z = x * x;
		y = -5.70498872745e-3f;
		y = fused(y, z, 2.06390887954e-2f);
		y = fused(y, z, -5.37397155531e-2f);
		y = fused(y, z, 1.33314422036e-1f);
		y = fused(y, z, -3.33332819422e-1f);
		return fused(y * z, x, x);
	}
	float e = exponential(-2 * t);
	y = (1 - e) / (1 + e);
	return x < 0 ? -y : y;
}

// sine is sin x, or cos x with quarter = 1. Beyond 10⁹ it loses digits: π has 53 bits there.
static __device__ float sine(float value, int quarter) {
	if (!is_finite(value)) return NOT_A_NUMBER;
	double x = value;
	while (x > 1e9 || x < -1e9) {
		double turns = x / 6.283185307179586;
		if (turns > -9e15 && turns < 9e15) turns = (double)(long long)turns; // beyond, it is whole
		x -= turns * 6.283185307179586;
	}
	double quarters = x * 0.63661977236758134;
	long long n = (long long)(quarters + (quarters < 0 ? -0.5 : 0.5));
	double r = x - (double)n * 1.5707963267948966 - (double)n * 6.123233995736766e-17, z = r * r, y = 1;
	n += quarter;
	if (n & 1)
		for (int k = 16; k > 0; k -= 2) y = 1 - y * z / (k * (k - 1)); // cosine
	else {
		for (int k = 17; k > 1; k -= 2) y = 1 - y * z / (k * (k - 1));
		y *= r;
	}
	return (float)(n & 2 ? -y : y);
}

static __device__ float arc_sine(float x) { // |x| ≤ ½ (S. Moshier, Cephes, asinf)
	float z = x * x, y = 4.2163199048e-2f;
	y = fused(y, z, 2.4181311049e-2f);
	y = fused(y, z, 4.5470025998e-2f);
	y = fused(y, z, 7.4953002686e-2f);
	y = fused(y, z, 1.6666752422e-1f);
	return fused(y * z, x, x);
}

static __device__ float arc_cosine(float x) {
	if (x >= 1) return 0;
	if (x <= -1) return 3.14159265358979323846f;
	if (x > 0.5f) return 2 * arc_sine(root(0.5f * (1 - x)));
	if (x < -0.5f) return 3.14159265358979323846f - 2 * arc_sine(root(0.5f * (1 + x)));
	return 1.57079632679489661923f - arc_sine(x);
}

// Φ(x), where Φ is the normal distribution's function, and e^(−x²/2). Φ(−|x|) is that power times a
// polynomial in t = 1/(1 + 0.3·|x|), whose relative error is 1.6·10⁻⁷.
static __device__ float normal_share(float x, float *power) {
	float e = exponential(-0.5f * x * x), t = 1 / (1 + 0.3f * absolute(x)), q = 0.035151766617640606f;
	q = fused(q, t, -0.1549870867866632f);
	q = fused(q, t, 0.20247655625993596f);
	q = fused(q, t, -0.05006948011718256f);
	q = fused(q, t, 0.12663223589272804f);
	q = fused(q, t, 0.1005003602950787f);
	q = fused(q, t, 0.12066022049262097f);
	q = fused(q, t, 0.11963534703635939f);
	*power = e;
	q *= t * e;
	return x < 0 ? q : 1 - q;
}

// GELU by the hyperbolic tangent is x·σ(x·(GELU_SLOPE + GELU_CUBIC·x²)).
#define GELU_SLOPE 1.5957691216057308f
#define GELU_CUBIC 0.07135481627260025f

// σ + slope·σ·(1 − σ) at σ = σ(t).
static __device__ float gate_grad(float t, float slope) {
	float s = sigmoid(t);
	return s + slope * s * (1 - s);
}

static __device__ float gelu_grad(float x) {
	float e, share = normal_share(x, &e);
	return share + x * e * 0.3989422804014327f;
}

static __device__ float apply(int f, float a, float b, float x) {
	switch (f) {
	case AFFINE: return a * x + b;
	case RELU: return x > 0 || is_nan(x) ? x : 0;
	case HINGE: x = a * x + b; return x > 0 || is_nan(x) ? x : 0;
	case SQUARE: return x * x;
	case SQRT: return is_nan(x) ? x : root(x > 0 ? x : 0.0f);
	case EXP: return exponential(x);
	case LOG: return logarithm(x);
	case SOFTPLUS: return softplus(x);
	case SIGMOID: return sigmoid(x);
	case ABS: return absolute(x);
	case CLAMP: return x < a ? a : x > b ? b : x;
	case STEP: return x > a;
	case EQUAL: return x == a;
	case TANH: return hyperbolic_tangent(x);
	case POWER: return power(x, a);
	case ACOS: return arc_cosine(x);
	case COS: return sine(x, 1);
	case GELU: return x * normal_share(x, &a);
	case GELU_TANH: return x * sigmoid(x * (GELU_SLOPE + GELU_CUBIC * x * x));
	case SWISH: return x * sigmoid(a * x);
	case HARD_SWISH:
		a = x * (1.0f / 6) + 0.5f;
		return x * (a < 0 ? 0 : a > 1 ? 1 : a);
	}
	return NOT_A_NUMBER;
}

static __device__ float derive(int f, float a, float b, float x, float y, float dy) {
	switch (f) {
	case AFFINE: return a * dy;
	case RELU: return y <= 0 ? 0 : dy;
	case HINGE: return y <= 0 ? 0 : a * dy;
	case SQUARE: return 2 * x * dy;
	case SQRT: return y == 0 ? 0 : dy / (2 * y);
	case EXP: return y * dy;
	case LOG: return dy / x;
	case SOFTPLUS: return sigmoid(x) * dy;
	case SIGMOID: return y * (1 - y) * dy;
	case ABS: return x > 0 ? dy : x < 0 ? -dy : x * dy;
	case CLAMP: return x < a || x > b ? 0 : dy;
	case TANH: return (1 - y * y) * dy;
	case POWER: return a == 0 || x == 0 && a > 0 && a < 1 ? 0 : a * power(x, a - 1) * dy;
	case ACOS: return absolute(x) >= 1 ? 0 : -dy / root((1 - x) * (1 + x));
	case COS: return -sine(x, 0) * dy;
	case GELU: return gelu_grad(x) * dy;
	case GELU_TANH: return gate_grad(x * (GELU_SLOPE + GELU_CUBIC * x * x), x * (GELU_SLOPE + 3 * GELU_CUBIC * x * x)) * dy;
	case SWISH: return gate_grad(a * x, a * x) * dy;
	case HARD_SWISH: return x < -3 ? 0 : x > 3 ? dy : (x * (1.0f / 3) + 0.5f) * dy;
	}
	return 0;
}

KERNEL(unary)(int n, int f, float a, float b, const float *x, float *y) {
	each(i, n) y[i] = apply(f, a, b, x[i]);
}

// x and y may be any memory of n where the derivative does not need them.
KERNEL(unary_grad)(int n, int f, float a, float b, const float *x, const float *y, const float *dy, float *dx) {
	each(i, n) dx[i] = derive(f, a, b, x[i], y[i], dy[i]);
}

enum Operator { ADD, SUB, MUL, DIV, MAX, MIN, GREATER, GREATER_EQUAL, SAME, FIRST };

static __device__ float combine(int f, float a, float b) {
	switch (f) {
	case ADD: return a + b;
	case SUB: return a - b;
	case MUL: return a * b;
	case DIV: return a / b;
	case MAX: return is_nan(a) || a > b ? a : b;
	case MIN: return is_nan(a) || a < b ? a : b;
	case GREATER: return a > b;
	case GREATER_EQUAL: return a >= b;
	case SAME: return a == b;
	}
	return a;
}

// Shapes (d0, d1, d2, d3) of the result; an operand's stride is 0 along an axis where it is
// stretched.
KERNEL(binary)(int n, int f, divisor size1, divisor size2, divisor size3, int a0, int a1, int a2, int a3, int b0, int b1, int b2, int b3, const float *a, const float *b, float *y) {
	Divisor d1(size1), d2(size2), d3(size3);
	each(i, n) {
		int r3 = d3.over(i), k3 = i - r3 * d3.d;
		int r2 = d2.over(r3), k2 = r3 - r2 * d2.d;
		int k0 = d1.over(r2), k1 = r2 - k0 * d1.d;
		y[i] = combine(f, a[k0 * a0 + k1 * a1 + k2 * a2 + k3 * a3], b[k0 * b0 + k1 * b1 + k2 * b2 + k3 * b3]);
	}
}

KERNEL(binary_flat)(int n, int f, const float *a, const float *b, float *y) {
	each(i, n) y[i] = combine(f, a[i], b[i]);
}

KERNEL(add_relu)(int n, const float *a, const float *b, float *y) {
	each(i, n) {
		float v = a[i] + b[i];
		y[i] = v > 0 || is_nan(v) ? v : 0;
	}
}

KERNEL(iota)(int n, float *y) {
	each(i, n) y[i] = (float)i;
}

KERNEL(where)(int n, divisor width, int pairs, float other, const float *x, const float *in, float *y) {
	Divisor cols(width);
	each(i, n) {
		bool take;
		if (pairs == GIVEN) take = in[i] != 0;
		else {
			int r = cols.over(i);
			take = chosen(pairs, in, r, i - r * cols.d, cols.d);
		}
		y[i] = take ? x[i] : other;
	}
}

KERNEL(where_else)(int n, const float *mask, const float *x, const float *y, float *out) {
	each(i, n) out[i] = mask[i] != 0 ? x[i] : y[i];
}

// The bias of a channel, cut at 0 with relu, added in place to y (N, C, plane).
KERNEL(bias_relu)(int n, divisor channels, divisor plane, flag relu, const float *bias, float *y) {
	Divisor c(channels), size(plane);
	each(i, n) {
		float v = y[i] + (bias ? bias[c.rest(size.over(i))] : 0);
		y[i] = relu && v < 0 ? 0 : v;
	}
}

// γ·istd and β − mean·γ·istd, folded into a factor and a summand for each channel and applied
// to x (N, C, plane), cut at 0 with relu, with z added before if there is one.
KERNEL(scale_shift)(int n, divisor channels, divisor plane, flag relu, const float *x, const float *stats, const float *gamma, const float *beta, const float *z, float *y) {
	Divisor cs(channels), size(plane);
	int c = cs.d;
	each(i, n) {
		int k = cs.rest(size.over(i));
		float factor = gamma[k] * stats[c + k];
		float v = (x[i] - stats[k]) * factor + beta[k];
		if (z) v += z[i];
		y[i] = relu && v < 0 ? 0 : v;
	}
}

// Go's generator math/rand/v2.PCG: a step of its state, and the number that it gives.
typedef unsigned __int128 u128;
static __device__ u128 wide(u64 hi, u64 lo) { return (u128)hi << 64 | lo; }

static __device__ u64 mixed(u128 state) {
	u64 hi = (u64)(state >> 64), lo = (u64)state;
	hi ^= hi >> 32;
	hi *= 0xda942042e4dd58b5ull;
	hi ^= hi >> 48;
	return hi * (lo | 1);
}

// The mask of spec.Dropout on x: pieces of DROPOUT_PIECE elements have a generator each, a block each;
// a thread skips to its own 8 numbers, of which each serves two elements. draw is seed and run,
// two digits to the base 2²⁰ each.
KERNEL(dropout)(int n, u64 limit, float scale, const float *draw, const float *x, float *y) {
	u128 mul = wide(2549297995355413924ull, 4865540595714422341ull), inc = wide(6364136223846793005ull, 1442695040888963407ull);
	u64 seed = (u64)draw[0] + 1048576 * (u64)draw[1], run = (u64)draw[2] + 1048576 * (u64)draw[3];
	u128 state = wide(seed, run * 0x9e3779b97f4a7c15ull + (u64)BLOCK), m = mul, c = inc;
	for (int skip = 8 * THREAD; skip; skip >>= 1) {
		if (skip & 1) state = state * m + c;
		c = (m + 1) * c;
		m *= m;
	}
	int at = BLOCK * DROPOUT_PIECE + 16 * THREAD;
	for (int k = 0; k < 8; k++) {
		state = state * mul + inc;
		u64 bits = mixed(state);
		for (int half = 0; half < 2; half++, bits >>= 32) {
			int i = at + 2 * k + half;
			if (i < n) y[i] = (bits & 0xffffffffull) < limit ? 0 : x[i] * scale;
		}
	}
}

// The state's number of runs, one more than that of draw.
KERNEL(dropout_count)(const float *draw, float *state) {
	if (BLOCK || THREAD) return;
	u64 run = (u64)draw[2] + 1048576 * (u64)draw[3] + 1;
	state[2] = (float)(run % 1048576);
	state[3] = (float)(run / 1048576);
}

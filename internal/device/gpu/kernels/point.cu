// Functions of single elements. All are bound by memory.
#include "medusa.cuh"

// The numbers of the functions, in the order of the table in point.go.
enum { AFFINE, RELU, HINGE, SQUARE, SQRT, EXP, LOG, SOFTPLUS, SIGMOID, ABS, CLAMP, STEP, EQUAL, TANH };

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

enum { ADD, SUB, MUL, DIV, MAX, MIN, GREATER, GREATER_EQUAL, SAME, FIRST };

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
KERNEL(binary)(int n, int f, int d1, int d2, int d3, int a0, int a1, int a2, int a3, int b0, int b1, int b2, int b3, const float *a, const float *b, float *y) {
	each(i, n) {
		int r = i, k3 = r % d3;
		r /= d3;
		int k2 = r % d2;
		r /= d2;
		int k1 = r % d1, k0 = r / d1;
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

KERNEL(fill)(int n, float v, float *y) {
	each(i, n) y[i] = v;
}

KERNEL(iota)(int n, float *y) {
	each(i, n) y[i] = (float)i;
}

KERNEL(where)(int n, float other, const float *x, const float *mask, float *y) {
	each(i, n) y[i] = mask[i] != 0 ? x[i] : other;
}

// The bias of a channel, cut at 0 with relu, added in place to y (N, C, plane).
KERNEL(bias_relu)(int n, int c, int plane, int relu, const float *bias, float *y) {
	each(i, n) {
		float v = y[i] + (bias ? bias[i / plane % c] : 0);
		y[i] = relu && v < 0 ? 0 : v;
	}
}

// γ·istd and β − mean·γ·istd, folded into a factor and a summand for each channel and applied
// to x (N, C, plane), cut at 0 with relu, with z added before if there is one.
KERNEL(scale_shift)(int n, int c, int plane, int relu, const float *x, const float *stats, const float *gamma, const float *beta, const float *z, float *y) {
	each(i, n) {
		int k = i / plane % c;
		float factor = gamma[k] * stats[c + k];
		float v = (x[i] - stats[k]) * factor + beta[k];
		if (z) v += z[i];
		y[i] = relu && v < 0 ? 0 : v;
	}
}

// Powers, by logarithms in double precision.
#pragma once
#include "medusa.cuh"

static __device__ double log_double(double x) { // of a positive, finite number
	int e = 0;
	while (x < 0.70710678118654752) x *= 2, e--; // at most 149 times, mostly none or once
	while (x > 1.41421356237309505) x *= 0.5, e++;
	double s = (x - 1) / (x + 1), z = s * s, y = 0;
	for (int k = 19; k > 0; k -= 2) y = y * z + 1.0 / k;
	return 2 * s * y + e * 0.69314718055994531;
}

static __device__ double exp_double(double x) {
	if (x > 700) return INFINITE;
	if (x < -700) return 0;
	int n = (int)(x * 1.4426950408889634 + (x < 0 ? -0.5 : 0.5));
	x -= n * 0.69314718055994531;
	double y = 1;
	for (int k = 13; k > 0; k--) y = y * x / k + 1;
	for (; n > 0; n--) y *= 2;
	for (; n < 0; n++) y *= 0.5;
	return y;
}

static __device__ float power(float x, float a) {
	if (a == 0 || x == 1) return 1;
	if (is_nan(x) || is_nan(a)) return NOT_A_NUMBER;
	float t = absolute(x), y;
	if (t == 0) y = a > 0 ? 0 : INFINITE;
	else if (t == INFINITE) y = a > 0 ? INFINITE : 0;
	else y = (float)exp_double((double)a * log_double(t));
	if (!(float_bits(x) >> 31)) return y;
	bool whole = absolute(a) >= 8388608 || a == (float)(int)a;
	if (!whole) return t == 0 || t == INFINITE ? y : NOT_A_NUMBER;
	return absolute(a) < 16777216 && ((int)a & 1) ? -y : y;
}

// power of 0 ≤ x ≤ 1 with an exponent a > 0, quick for the small whole ones.
static __device__ float share_power(float x, float a) {
	if (a == 1) return x;
	if (a == 2) return x * x;
	if (a == 3) return x * x * x;
	if (a == 4) return x * x * (x * x);
	return power(x, a);
}

// The derivative x^(p−1) of a p-norm 1 by a number x ≥ 0 of its row.
static __device__ float steepness(float x, float p) { return p == 1 ? 1 : share_power(x, p - 1); }

// x^(1/p) of x ≥ 0.
static __device__ double root_of(double x, float p) { return x > 0 ? exp_double(log_double(x) / p) : x; }

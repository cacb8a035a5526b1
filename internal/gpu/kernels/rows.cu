// Functions of rows of a matrix (rows, cols): a block a row.
#include "power.cuh"

static __device__ double row_norm(const float *x, int cols, float p, float *shared, double *sums) {
	double sum = 0;
	if (p == 1 || p == 2) {
		for (int k = THREAD; k < cols; k += WIDTH) sum += p == 2 ? (double)x[k] * x[k] : (double)absolute(x[k]);
		sum = block_sum(sum, sums);
		return p == 2 ? root(sum) : sum;
	}
	float most = 0, odd = 0;
	for (int k = THREAD; k < cols; k += WIDTH) {
		if (absolute(x[k]) > most) most = absolute(x[k]);
		if (!is_finite(x[k])) odd = 1, sum += absolute(x[k]);
	}
	most = block_max(most, shared);
	odd = block_max(odd, shared);
	sum = block_sum(sum, sums); // ∞, or NaN
	if (odd > 0) return sum;
	if (p == INFINITE || most == 0) return most;
	sum = 0;
	for (int k = THREAD; k < cols; k += WIDTH) sum += share_power(absolute(x[k]) / most, p); // no power overflows
	return most * root_of(block_sum(sum, sums), p);
}

KERNEL(normalize)(int cols, float p, float eps, const float *x, float *y) {
	__shared__ float shared[WIDTH];
	__shared__ double sums[WIDTH];
	x += BLOCK * cols;
	double n = row_norm(x, cols, p, shared, sums);
	if (n < eps) n = eps;
	for (int k = THREAD; k < cols; k += WIDTH) y[BLOCK * cols + k] = (float)(x[k] / n);
}

// Whether x[k], of absolute value most, is the first such number of x.
static __device__ bool first_largest(const float *x, int k, float most) {
	if (absolute(x[k]) != most) return false;
	for (int i = 0; i < k; i++)
		if (absolute(x[i]) == most) return false;
	return true;
}

KERNEL(normalize_grad)(int cols, float p, float eps, const float *x, const float *y, const float *dy, float *dx) {
	__shared__ float shared[WIDTH];
	__shared__ double sums[WIDTH];
	int at = BLOCK * cols;
	double n = row_norm(x + at, cols, p, shared, sums), dot = 0;
	if (n >= eps)
		for (int k = THREAD; k < cols; k += WIDTH) dot += (double)y[at + k] * dy[at + k];
	dot = block_sum(dot, sums);
	if (n < eps) n = eps;
	for (int k = THREAD; k < cols; k += WIDTH) {
		float v = x[at + k];
		double u = p == 2 ? y[at + k] : v > 0 ? 1 : v < 0 ? -1 : v;
		if (p == INFINITE) u *= first_largest(x + at, k, (float)n);
		else if (p != 1 && p != 2) u *= steepness((float)(absolute(v) / n), p);
		dx[at + k] = (float)((dy[at + k] - u * dot) / n);
	}
}

// The largest number m of a row and Σ e^(x−m); the sum is NaN if a number is.
static __device__ float row_powers(const float *x, int cols, double *total, float *shared, double *sums) {
	float m = -INFINITE;
	for (int k = THREAD; k < cols; k += WIDTH)
		if (x[k] > m) m = x[k];
	m = block_max(m, shared);
	double sum = 0;
	for (int k = THREAD; k < cols; k += WIDTH) sum += exponential(below(x[k], m));
	*total = block_sum(sum, sums);
	return m;
}

KERNEL(log_softmax)(int cols, const float *x, float *y) {
	__shared__ float shared[WIDTH];
	__shared__ double sums[WIDTH];
	double total;
	x += BLOCK * cols;
	float m = row_powers(x, cols, &total, shared, sums), lse = logarithm((float)total);
	for (int k = THREAD; k < cols; k += WIDTH) y[BLOCK * cols + k] = below(x[k], m) - lse;
}

KERNEL(log_softmax_grad)(int cols, const float *y, const float *dy, float *dx) {
	__shared__ double sums[WIDTH];
	double sum = 0;
	int at = BLOCK * cols;
	for (int k = THREAD; k < cols; k += WIDTH) sum += dy[at + k];
	sum = block_sum(sum, sums);
	for (int k = THREAD; k < cols; k += WIDTH) dx[at + k] = (float)(dy[at + k] - exponential(y[at + k]) * sum);
}

KERNEL(softmax)(int cols, const float *x, float *y) {
	__shared__ float shared[WIDTH];
	__shared__ double sums[WIDTH];
	double total;
	x += BLOCK * cols;
	float m = row_powers(x, cols, &total, shared, sums);
	for (int k = THREAD; k < cols; k += WIDTH) y[BLOCK * cols + k] = (float)(exponential(below(x[k], m)) / total);
}

KERNEL(softmax_grad)(int cols, const float *y, const float *dy, float *dx) {
	__shared__ double sums[WIDTH];
	double sum = 0;
	int at = BLOCK * cols;
	for (int k = THREAD; k < cols; k += WIDTH) sum += (double)y[at + k] * dy[at + k];
	sum = block_sum(sum, sums);
	for (int k = THREAD; k < cols; k += WIDTH) dx[at + k] = (float)(y[at + k] * (dy[at + k] - sum));
}

static __device__ int label_of(float v, int classes, int *report, int check) {
	int l = (int)v;
	if (v >= 0 && v < classes && v == (float)l) return l;
	if (THREAD == 0) complain(report, check, BLOCK);
	return 0;
}

KERNEL(cross_entropy)(int classes, float smoothing, const float *x, const float *labels, float *y, int *report, int check) {
	__shared__ float shared[WIDTH];
	__shared__ double sums[WIDTH];
	double total, loss = 0, sum = 0;
	x += BLOCK * classes;
	int label = label_of(labels[BLOCK], classes, report, check);
	float m = row_powers(x, classes, &total, shared, sums), lse = logarithm((float)total);
	if (smoothing > 0) {
		for (int k = THREAD; k < classes; k += WIDTH) sum += lse - below(x[k], m);
		sum = block_sum(sum, sums);
		loss = smoothing * sum / classes;
	}
	if (smoothing < 1) loss += (1.0 - smoothing) * (lse - below(x[label], m));
	if (THREAD == 0) y[BLOCK] = (float)loss;
}

KERNEL(cross_entropy_grad)(int classes, float smoothing, const float *x, const float *labels, const float *dy, float *dx, int *report, int check) {
	__shared__ float shared[WIDTH];
	__shared__ double sums[WIDTH];
	double total;
	x += BLOCK * classes;
	int label = label_of(labels[BLOCK], classes, report, check);
	float m = row_powers(x, classes, &total, shared, sums);
	for (int k = THREAD; k < classes; k += WIDTH) {
		double q = smoothing / classes + (k == label ? 1.0 - smoothing : 0.0);
		dx[BLOCK * classes + k] = (float)(dy[BLOCK] * (exponential(below(x[k], m)) / total - q));
	}
}

// A whole number in the order of the numbers x, or against it.
static __device__ unsigned key_of(float x, bool turned) {
	unsigned u = float_bits(x);
	u = u >> 31 ? ~u : u | 0x80000000u;
	return turned ? ~u : u;
}

// Of all entries that the mask holds, up to which the share of the smallest goes, or above which that
// of the largest lies; y (rows), all the same. One block finds it digit by digit, see
// spec.ShareBound. With counted, an entry lies there as often as the mask, which is given, holds.
KERNEL(share_bound)(int rows, int cols, double share, flag largest, flag counted, int pairs, const float *x, const float *in, float *y) {
	__shared__ long long counts[256], left;
	__shared__ double shared[WIDTH];
	__shared__ unsigned found;
	double total = 0;
	for (int i = THREAD; i < rows * cols; i += WIDTH)
		if (chosen(pairs, in, i / cols, i % cols, cols) && !is_nan(x[i])) total += counted ? in[i] : 1;
	total = block_sum(total, shared);
	if (THREAD == 0) {
		double k = times(share, total);
		found = 0;
		left = (long long)k;
		left += (double)left < k; // rounded up
	}
	for (int shift = 24; total > 0 && shift >= 0; shift -= 8) {
		counts[THREAD] = 0;
		SYNC;
		for (int i = THREAD; i < rows * cols; i += WIDTH) {
			if (is_nan(x[i]) || !chosen(pairs, in, i / cols, i % cols, cols)) continue;
			unsigned key = key_of(x[i], largest);
			if (shift == 24 || key >> (shift + 8) == found) add_long(counts + (key >> shift & 255), counted ? (long long)in[i] : 1);
		}
		SYNC;
		if (THREAD == 0) {
			int digit = 0;
			for (; left > counts[digit]; digit++) left -= counts[digit];
			found = found << 8 | digit;
		}
		SYNC;
	}
	unsigned u = largest ? ~found : found;
	u = u >> 31 ? u & 0x7fffffffu : ~u;
	float bound = total > 0 ? bits_float(u) : 0;
	if (largest && total > 0) { // the number just below
		if (bound == -INFINITE) bound = NOT_A_NUMBER;
		else if (bound == 0) bound = bits_float(0x80000001u);
		else bound = bits_float(bound > 0 ? float_bits(bound) - 1 : float_bits(bound) + 1);
	}
	for (int r = THREAD; r < rows; r += WIDTH) y[r] = bound;
}

// Sums of powers over the triplets (a, p, n) of a batch whose exponents are x[a,n] + among[p,n]: a
// pair (a, p) takes its sum less the largest exponent, so that no power of it overflows and none
// that counts is lost. See spec.PairLogSumExp.
#include "medusa.cuh"

// The sums of a batch: which pairs there are, and what their exponents come of.
struct PairSums {
	int m, pos_pairs, neg_pairs;
	const float *x, *pos, *neg, *among;
	__device__ bool pair(int a, int p) const { return chosen(pos_pairs, pos, a, p, m); }
	__device__ bool counts(int a, int n) const { return chosen(neg_pairs, neg, a, n, m); }
	__device__ float exponent(int a, int p, int n) const { return x[a * m + n] + among[p * m + n]; }
};

#define PAIR_SUMS int m, int pos_pairs, int neg_pairs, const float *x, const float *pos, const float *neg, const float *among
#define THE_SUMS {m, pos_pairs, neg_pairs, x, pos, neg, among}

// The largest exponent of a pair, −∞ without one, and the sum of the powers divided by its own; the
// sum is NaN if an exponent is.
static __device__ float pair_powers(const PairSums &s, int a, int p, double *total, float *shared, double *sums) {
	float top = -INFINITE;
	for (int n = THREAD; n < s.m; n += WIDTH)
		if (s.counts(a, n) && s.exponent(a, p, n) > top) top = s.exponent(a, p, n);
	top = block_max(top, shared);
	double sum = 0;
	for (int n = THREAD; n < s.m; n += WIDTH)
		if (s.counts(a, n)) sum += exponential(below(s.exponent(a, p, n), top));
	*total = block_sum(sum, sums);
	return top;
}

// y (N, m). Grid (N, any): the blocks of a row share its pairs.
KERNEL(pair_logsumexp)(PAIR_SUMS, float *y) {
	__shared__ float shared[WIDTH];
	__shared__ double sums[WIDTH];
	PairSums s = THE_SUMS;
	int a = BLOCK;
	for (int p = BLOCK_Y; p < m; p += BLOCKS_Y) {
		float v = 0;
		if (s.pair(a, p)) {
			double total;
			v = pair_powers(s, a, p, &total, shared, sums);
			v += logarithm((float)total); // an infinite one stays what it is
		}
		if (THREAD == 0) y[a * m + p] = v;
	}
}

// What both gradients take of each pair, (N, m): the largest exponent, and the pair's gradient, up,
// divided by its sum; 0 where there is no pair, nothing to sum, or no gradient. Grid as above.
KERNEL(pair_logsumexp_scales)(PAIR_SUMS, const float *up, float *tops, float *scales) {
	__shared__ float shared[WIDTH];
	__shared__ double sums[WIDTH];
	PairSums s = THE_SUMS;
	int a = BLOCK;
	for (int p = BLOCK_Y; p < m; p += BLOCKS_Y) {
		int at = a * m + p;
		float top = 0, scale = 0;
		if (up[at] != 0 && s.pair(a, p)) {
			double total;
			top = pair_powers(s, a, p, &total, shared, sums);
			if (total != 0) scale = (float)(up[at] / total);
		}
		if (THREAD == 0) {
			tops[at] = top;
			scales[at] = scale;
		}
	}
}

// Row a of the gradient to x: a block a row.
KERNEL(pair_logsumexp_grad)(PAIR_SUMS, const float *tops, const float *scales, float *dx) {
	__shared__ int list[CHUNK], counts[WIDTH];
	PairSums s = THE_SUMS;
	int a = BLOCK;
	for (int n = THREAD; n < m; n += WIDTH) dx[a * m + n] = 0;
	for (int from = 0; from < m; from += CHUNK) {
		int count = list_of(from, m, [=](int p) { return scales[a * m + p] != 0; }, list, counts);
		for (int n = THREAD; n < m; n += WIDTH) {
			if (!s.counts(a, n)) continue;
			double g = 0;
			for (int i = 0; i < count; i++) {
				int at = a * m + list[i];
				g += exponential(below(s.exponent(a, list[i], n), tops[at])) * scales[at];
			}
			dx[a * m + n] += (float)g;
		}
		SYNC;
	}
}

// Row p of the gradient to among, over the n anchors of which p is a positive: a block a row.
KERNEL(pair_logsumexp_among_grad)(int n, PAIR_SUMS, const float *tops, const float *scales, float *dx) {
	__shared__ int list[CHUNK], counts[WIDTH];
	PairSums s = THE_SUMS;
	int p = BLOCK;
	for (int j = THREAD; j < m; j += WIDTH) dx[p * m + j] = 0;
	for (int from = 0; from < n; from += CHUNK) {
		int count = list_of(from, n, [=](int a) { return scales[a * m + p] != 0; }, list, counts);
		for (int j = THREAD; j < m; j += WIDTH) {
			double g = 0;
			for (int i = 0; i < count; i++) {
				int a = list[i], at = a * m + p;
				if (s.counts(a, j)) g += exponential(below(s.exponent(a, p, j), tops[at])) * scales[at];
			}
			dx[p * m + j] += (float)g;
		}
		SYNC;
	}
}

// Sums over the triplets (a, p, n) of a batch: a block an anchor, which goes through all its
// triplets. Bound by arithmetic: N·positives·negatives comparisons in double precision.
#include "medusa.cuh"

// What makes a term; see device.Triplets.
struct Triplet {
	double margin, above, at_most, low, high;
	int swap, smooth;
};

static __device__ bool in_mask(int pairs, const float *in, int r, int j, int n) {
	if (pairs == 0) return in[r * n + j] != 0;
	if (pairs == 1) return r != j && in[r] == in[j];
	return in[r] != in[j];
}

// The term t, its slope, and what it counts for.
static __device__ void triplet_term(const Triplet &s, double ap, double an, double nearest, double *t, double *slope, bool *in_window, bool *counted, bool *active) {
	*t = *slope = 0;
	*in_window = *counted = *active = false;
	double diff = an - ap;
	if (diff <= s.above || diff > s.at_most) return;
	double v = ap - nearest + s.margin;
	*in_window = true;
	*active = v > 0;
	if (s.smooth) {
		*t = softplus((float)v);
		*slope = sigmoid((float)v);
	} else if (*active) {
		*t = v;
		*slope = 1;
	} else if (v != v) *t = v;
	*counted = *t != *t || *t > s.low && *t < s.high;
}

static __device__ double nearest_of(const Triplet &s, const float *d, int a, int p, int n, int size) {
	float an = d[a * size + n];
	if (s.swap) {
		float pn = d[p * size + n];
		if (is_nan(pn) || pn < an) an = pn;
	}
	return an;
}

#define TRIPLET {margin, above, at_most, low, high, swap, smooth}

// y (N, 4): sum, counted, active, in the window.
KERNEL(triplets)(int n, double margin, double above, double at_most, double low, double high, int swap, int smooth, int pos_pairs, int neg_pairs,
	const float *d, const float *pos, const float *neg, float *y) {
	__shared__ double shared[WIDTH];
	Triplet s = TRIPLET;
	int a = BLOCK;
	double sum = 0, counts[3] = {0, 0, 0};
	for (int p = 0; p < n; p++) {
		if (!in_mask(pos_pairs, pos, a, p, n)) continue;
		double ap = d[a * n + p];
		for (int j = THREAD; j < n; j += WIDTH) {
			if (!in_mask(neg_pairs, neg, a, j, n)) continue;
			double t, slope;
			bool in_window, counted, active;
			triplet_term(s, ap, d[a * n + j], nearest_of(s, d, a, p, j, n), &t, &slope, &in_window, &counted, &active);
			if (counted) {
				sum += t;
				counts[0] += 1;
			}
			counts[1] += active;
			counts[2] += in_window;
		}
	}
	sum = block_sum(sum, shared);
	if (THREAD == 0) y[4 * a] = (float)sum;
	for (int k = 0; k < 3; k++) {
		double c = block_sum(counts[k], shared);
		if (THREAD == 0) y[4 * a + 1 + k] = (float)c;
	}
}

static __device__ double triplet_slope(const Triplet &s, const float *d, int a, int p, int j, int n) {
	double t, slope;
	bool in_window, counted, active;
	triplet_term(s, d[a * n + p], d[a * n + j], nearest_of(s, d, a, p, j, n), &t, &slope, &in_window, &counted, &active);
	return counted ? slope : 0;
}

// The part of the gradient to min(x, y) that goes to x.
static __device__ double swap_share(const Triplet &s, float x, float y) { return !s.swap || x < y ? 1 : x == y ? 0.5 : 0; }

// Row a of the gradient to d: what its distances get as the anchor's and, with swap, as the
// positive's. up is (N, 4), of which the first column counts.
KERNEL(triplets_grad)(int n, double margin, double above, double at_most, double low, double high, int swap, int smooth, int pos_pairs, int neg_pairs,
	const float *d, const float *pos, const float *neg, const float *up, float *dx) {
	__shared__ double shared[WIDTH];
	Triplet s = TRIPLET;
	int a = BLOCK;
	double own = up[4 * a];
	for (int j = THREAD; j < n; j += WIDTH) { // as a negative
		double g = 0;
		for (int p = 0; own != 0 && p < n; p++)
			if (in_mask(neg_pairs, neg, a, j, n) && in_mask(pos_pairs, pos, a, p, n))
				g -= own * triplet_slope(s, d, a, p, j, n) * swap_share(s, d[a * n + j], d[p * n + j]);
		for (int i = 0; swap && i < n; i++)
			if (in_mask(pos_pairs, pos, i, a, n) && in_mask(neg_pairs, neg, i, j, n) && up[4 * i] != 0)
				g -= up[4 * i] * triplet_slope(s, d, i, a, j, n) * swap_share(s, d[a * n + j], d[i * n + j]);
		dx[a * n + j] = (float)g;
	}
	for (int p = 0; own != 0 && p < n; p++) { // as a positive
		if (!in_mask(pos_pairs, pos, a, p, n)) continue;
		double g = 0;
		for (int j = THREAD; j < n; j += WIDTH)
			if (in_mask(neg_pairs, neg, a, j, n)) g += own * triplet_slope(s, d, a, p, j, n);
		g = block_sum(g, shared);
		if (THREAD == 0) dx[a * n + p] += (float)g;
	}
}

// Sums over the triplets (a, p, n) of a batch: a block an anchor. The anchor's positives are
// sorted by distance, so that those that make a triplet of a given window with one negative
// stand side by side, and two searches and sums of prefixes replace them: O(N log N) an anchor.
// With swap, smooth or a rule every triplet is visited (_each), as no order of the distances makes
// the terms linear. Positives are taken by chunks that fit into shared memory; sums add up over chunks.
#include "medusa.cuh"

// sort puts count numbers in order, nearest first, and list with them (bitonic).
static __device__ void sort(float *key, int *list, int count) {
	int m = 1;
	while (m < count) m *= 2;
	for (int i = count + THREAD; i < m; i += WIDTH) key[i] = INFINITE;
	for (int size = 2; size <= m; size *= 2)
		for (int stride = size / 2; stride > 0; stride /= 2) {
			SYNC;
			for (int i = THREAD; i < m / 2; i += WIDTH) {
				int lo = 2 * i - (i & (stride - 1)), hi = lo + stride;
				if (key[lo] > key[hi] == ((lo & size) == 0)) {
					float k = key[lo];
					key[lo] = key[hi];
					key[hi] = k;
					int l = list[lo];
					list[lo] = list[hi];
					list[hi] = l;
				}
			}
		}
	SYNC;
}

// Cut divides the differences δ = D_an − D_ap: below it are δ < at or, if closed, δ ≤ at.
struct Cut {
	double at;
	bool closed;
	__device__ bool below(double diff) const { return diff < at || closed && diff == at; }
	// The first of the sorted positives with an − D_ap below the cut.
	__device__ int first(const float *key, int count, double an) const {
		if (at == INFINITE) return 0;
		if (!below(an - key[count - 1])) return count;
		int lo = 0, hi = count - 1;
		while (lo < hi) {
			int mid = (lo + hi) / 2;
			if (below(an - key[mid])) hi = mid;
			else lo = mid + 1;
		}
		return lo;
	}
};

// Span is the differences below to and not below from.
struct Span {
	Cut from, to;
	__device__ void of(const float *key, int count, double an, int *lo, int *hi) const {
		*lo = to.first(key, count, an);
		*hi = from.first(key, count, an);
	}
	// A NaN lies in every span: a violation that is not a number counts.
	__device__ bool holds(double diff) const { return diff != diff || !from.below(diff) && to.below(diff); }
};

#define OUTPUTS {y, number_counted, number_active, number_chosen}
#define SPAN(i, from, to) {{from, (closed >> (2 * (i)) & 1) != 0}, {to, (closed >> (2 * (i) + 1) & 1) != 0}}

// Sum, counted, active, in the window, (N) each. For each of these the span of differences that it
// counts; closed says in two bits a span whether its ends are. Where a distance is not finite, no
// order and no sum of them says anything, and every triplet of the anchor is visited.
KERNEL(triplets)(int m, double margin, double from0, double to0, double from1, double to1, double from2, double to2, double from3, double to3, int closed,
	int pos_pairs, int neg_pairs, const float *d, const float *pos, const float *neg, float *y, float *number_counted, float *number_active, float *number_chosen) {
	__shared__ float key[CHUNK];
	__shared__ int list[CHUNK], counts[WIDTH], odd_positive, odd_negative;
	__shared__ double prefix[CHUNK + 1], shared[WIDTH];
	Span span[4] = {SPAN(0, from0, to0), SPAN(1, from1, to1), SPAN(2, from2, to2), SPAN(3, from3, to3)};
	int a = BLOCK;
	double sum = 0, number[4] = {0, 0, 0, 0};
	if (THREAD == 0) odd_positive = odd_negative = 0;
	for (int from = 0; from < m; from += CHUNK) {
		int count = list_of(from, m, [=](int p) { return chosen(pos_pairs, pos, a, p, m); }, list, counts);
		if (count == 0) continue;
		for (int i = THREAD; i < count; i += WIDTH) {
			key[i] = d[a * m + list[i]];
			if (!is_finite(key[i])) odd_positive = 1;
		}
		SYNC;
		if (odd_positive) break; // they cannot be sorted
		sort(key, list, count);
		double mine = 0;
		for (int k = 0, i = THREAD * EACH; k < EACH && i < count; k++, i++) mine += key[i];
		double at = block_scan(mine, shared) - mine;
		if (THREAD == 0) prefix[0] = 0;
		for (int k = 0, i = THREAD * EACH; k < EACH && i < count; k++, i++) {
			at += key[i];
			prefix[i + 1] = at;
		}
		SYNC;
		for (int j = THREAD; j < m; j += WIDTH) {
			if (!chosen(neg_pairs, neg, a, j, m)) continue;
			double an = d[a * m + j];
			int lo, hi;
			span[0].of(key, count, an, &lo, &hi);
			if (lo != hi) sum += prefix[hi] - prefix[lo] + (hi - lo) * (margin - an);
			for (int k = 1; k < 4; k++) {
				span[k].of(key, count, an, &lo, &hi);
				number[k] += hi - lo;
			}
			if (!is_finite((float)an)) odd_negative = 1;
		}
		SYNC;
	}
	if (odd_positive || odd_negative) {
		sum = number[1] = number[2] = number[3] = 0;
		for (int from = 0; from < m; from += CHUNK) {
			int count = list_of(from, m, [=](int p) { return chosen(pos_pairs, pos, a, p, m); }, list, counts);
			for (int j = THREAD; j < m; j += WIDTH) {
				if (!chosen(neg_pairs, neg, a, j, m)) continue;
				for (int i = 0; i < count; i++) {
					double diff = (double)d[a * m + j] - d[a * m + list[i]];
					if (span[0].holds(diff)) sum += margin - diff;
					for (int k = 1; k < 4; k++) number[k] += span[k].holds(diff);
				}
			}
			SYNC;
		}
	}
	number[0] = sum;
	float *outputs[4] = OUTPUTS;
	for (int k = 0; k < 4; k++) {
		double v = block_sum(number[k], shared);
		if (THREAD == 0) put(outputs[k], a, v);
	}
}

// Row a of the gradient to d; up is (N), that to the sums, with their span. A
// negative gets −1 for each positive in its range, and each positive in the range 1, by the
// differences of neighbours. Distances that are not finite are treated as in triplets.
KERNEL(triplets_grad)(int m, double from0, double to0, int closed, int pos_pairs, int neg_pairs,
	const float *d, const float *pos, const float *neg, const float *up, float *dx) {
	__shared__ float key[CHUNK];
	__shared__ int list[CHUNK], steps[CHUNK + 1], counts[WIDTH], odd_positive, odd_negative;
	Span span = SPAN(0, from0, to0);
	int a = BLOCK;
	float own = up[a];
	if (THREAD == 0) odd_positive = odd_negative = 0;
	for (int j = THREAD; j < m; j += WIDTH) dx[a * m + j] = 0;
	for (int from = 0; own != 0 && from < m; from += CHUNK) {
		int count = list_of(from, m, [=](int p) { return chosen(pos_pairs, pos, a, p, m); }, list, counts);
		if (count == 0) continue;
		for (int i = THREAD; i < count; i += WIDTH) {
			key[i] = d[a * m + list[i]];
			if (!is_finite(key[i])) odd_positive = 1;
		}
		for (int i = THREAD; i <= count; i += WIDTH) steps[i] = 0;
		SYNC;
		if (odd_positive) break;
		sort(key, list, count);
		for (int j = THREAD; j < m; j += WIDTH) {
			if (!chosen(neg_pairs, neg, a, j, m)) continue;
			int lo, hi;
			if (!is_finite(d[a * m + j])) odd_negative = 1;
			span.of(key, count, d[a * m + j], &lo, &hi);
			if (lo == hi) continue;
			add_int(steps + lo, 1);
			add_int(steps + hi, -1);
			dx[a * m + j] -= own * (hi - lo);
		}
		SYNC;
		int mine = 0;
		for (int k = 0, i = THREAD * EACH; k < EACH && i < count; k++, i++) mine += steps[i];
		int at = block_scan(mine, counts) - mine;
		for (int k = 0, i = THREAD * EACH; k < EACH && i < count; k++, i++) {
			at += steps[i];
			dx[a * m + list[i]] += own * at;
		}
		SYNC;
	}
	SYNC; // of the flags, where there was no chunk
	if (!odd_positive && !odd_negative) return;
	for (int j = THREAD; j < m; j += WIDTH) dx[a * m + j] = 0;
	for (int from = 0; from < m; from += CHUNK) {
		int count = list_of(from, m, [=](int p) { return chosen(pos_pairs, pos, a, p, m); }, list, counts);
		for (int j = THREAD; j < m; j += WIDTH) {
			if (!chosen(neg_pairs, neg, a, j, m)) continue;
			int hits = 0;
			for (int i = 0; i < count; i++) hits += span.holds((double)d[a * m + j] - d[a * m + list[i]]);
			dx[a * m + j] -= own * hits;
		}
		SYNC;
		for (int i = THREAD; i < count; i += WIDTH) {
			int hits = 0;
			for (int j = 0; j < m; j++) hits += chosen(neg_pairs, neg, a, j, m) && span.holds((double)d[a * m + j] - d[a * m + list[i]]);
			dx[a * m + list[i]] += own * hits;
		}
		SYNC;
	}
}

// What makes a term, and which triplets count; see spec.Triplets and spec.TripletRule. weighted
// says of the positives (1) and the negatives (2) that a mask in memory holds weights; partners may be
// null.
struct Triplet {
	double margin, above, at_most, low, high;
	int swap, smooth;
	double side_ap, side_an, side_pn;
	int weighted;
	const float *w, *w_among, *partners;
	// Whether the rule and the window leave the triplet.
	__device__ bool leaves(int a, int p, int n, int m) const {
		if (partners && partners[a * m + p] != (float)n) return false;
		double diff = plus(times(side_an, w[a * m + n]), times(side_ap, w[a * m + p]));
		if (side_pn != 0) diff = plus(diff, times(side_pn, w_among[p * m + n]));
		return !(diff <= above && above != -INFINITE || diff > at_most); // −∞ is no bound
	}
	__device__ double of_positive(const float *pos, int at) const { return weighted & 1 ? pos[at] : 1; }
	__device__ double of_negative(const float *neg, int at) const { return weighted & 2 ? neg[at] : 1; }
};

#define RULED double margin, double above, double at_most, double low, double high, flag swap, flag smooth, double side_ap, double side_an, double side_pn, int weighted
#define APART const float *w, const float *w_among, const float *partners
#define TRIPLET {margin, above, at_most, low, high, swap, smooth, side_ap, side_an, side_pn, weighted, w, w_among, partners}

// The term t, its slope, and what it counts for.
static __device__ void triplet_term(const Triplet &s, double ap, double nearest, double *t, double *slope, bool *counted, bool *active) {
	*t = *slope = 0;
	double v = ap - nearest + s.margin;
	*active = !(v <= 0); // a NaN is: the sum must tell of it
	if (s.smooth) {
		*t = softplus((float)v);
		*slope = sigmoid((float)v);
	} else if (*active) {
		*t = v;
		*slope = 1;
	}
	*counted = *t != *t || *t > s.low && (*t < s.high || s.high == INFINITE); // ∞ is no bound
}

// The distance that the negative has: the anchor's or, with swap, the positive's, if it is less.
static __device__ double nearest_of(const Triplet &s, float an, float pn) { return s.swap && (is_nan(pn) || pn < an) ? pn : an; }

// Sum, counted, active, in the window, (N) each. among (M, M) are the distances from positives that
// swap looks at: with a batch against itself, d.
KERNEL(triplets_each)(int n, int m, RULED, int pos_pairs, int neg_pairs,
	const float *d, const float *pos, const float *neg, const float *among, APART, float *y, float *number_counted, float *number_active, float *number_chosen) {
	__shared__ int list[CHUNK], counts[WIDTH];
	__shared__ double shared[WIDTH];
	Triplet s = TRIPLET;
	int a = BLOCK;
	double number[4] = {0, 0, 0, 0};
	for (int from = 0; from < m; from += CHUNK) {
		int count = list_of(from, m, [=](int p) { return chosen(pos_pairs, pos, a, p, m); }, list, counts);
		for (int j = THREAD; j < m; j += WIDTH) {
			if (!chosen(neg_pairs, neg, a, j, m)) continue;
			float an = d[a * m + j];
			for (int i = 0; i < count; i++) {
				double t, slope;
				bool counted, active;
				if (!s.leaves(a, list[i], j, m)) continue;
				float pn = swap ? among[list[i] * m + j] : 0;
				double weight = s.of_positive(pos, a * m + list[i]) * s.of_negative(neg, a * m + j);
				triplet_term(s, d[a * m + list[i]], nearest_of(s, an, pn), &t, &slope, &counted, &active);
				if (counted) {
					number[0] += weight * t;
					number[1] += weight;
				}
				if (active) number[2] += weight;
				number[3] += weight;
			}
		}
		SYNC;
	}
	float *outputs[4] = OUTPUTS;
	for (int k = 0; k < 4; k++) {
		double v = block_sum(number[k], shared);
		if (THREAD == 0) put(outputs[k], a, v);
	}
}

static __device__ double triplet_slope(const Triplet &s, float ap, float an, float pn) {
	double t, slope;
	bool counted, active;
	triplet_term(s, ap, nearest_of(s, an, pn), &t, &slope, &counted, &active);
	return counted ? slope : 0;
}

// The part of the gradient to min(x, y) that goes to x; all of it to a NaN.
static __device__ double swap_share(const Triplet &s, float x, float y) { return !s.swap || x < y || is_nan(x) ? 1 : x == y ? 0.5 : 0; }

// Adds to dx (m) what the distances from p get as the positive's.
static __device__ void swapped_grad(const Triplet &s, int p, int n, int m, int pos_pairs, int neg_pairs, const float *d, const float *pos, const float *neg, const float *among, const float *up, float *dx, int *list, int *counts) {
	for (int from = 0; from < n; from += CHUNK) { // p is the positive of these anchors
		int count = list_of(from, n, [=](int i) { return up[i] != 0 && chosen(pos_pairs, pos, i, p, m); }, list, counts);
		for (int j = THREAD; j < m; j += WIDTH) {
			double g = 0;
			float pn = among[p * m + j];
			for (int i = 0; i < count; i++)
				if (chosen(neg_pairs, neg, list[i], j, m) && s.leaves(list[i], p, j, m)) {
					const float *row = d + list[i] * m;
					double weight = s.of_positive(pos, list[i] * m + p) * s.of_negative(neg, list[i] * m + j);
					g += up[list[i]] * weight * triplet_slope(s, row[p], row[j], pn) * swap_share(s, pn, row[j]);
				}
			dx[j] -= (float)g;
		}
		SYNC;
	}
}

// Row a of the gradient to d: what its distances get as the anchor's and, with itself, for a batch
// against itself, as the positive's. up is (N).
KERNEL(triplets_each_grad)(int n, int m, RULED, int pos_pairs, int neg_pairs,
	flag itself, const float *d, const float *pos, const float *neg, const float *among, APART, const float *up, float *dx) {
	__shared__ int list[CHUNK], counts[WIDTH];
	__shared__ double shared[WIDTH];
	Triplet s = TRIPLET;
	int a = BLOCK;
	const float *row = d + a * m;
	double own = up[a];
	for (int j = THREAD; j < m; j += WIDTH) dx[a * m + j] = 0;
	for (int from = 0; own != 0 && from < m; from += CHUNK) {
		int count = list_of(from, m, [=](int p) { return chosen(pos_pairs, pos, a, p, m); }, list, counts);
		for (int j = THREAD; j < m; j += WIDTH) { // as a negative
			if (!chosen(neg_pairs, neg, a, j, m)) continue;
			double g = 0;
			for (int i = 0; i < count; i++) {
				if (!s.leaves(a, list[i], j, m)) continue;
				float pn = swap ? among[list[i] * m + j] : 0;
				g += s.of_positive(pos, a * m + list[i]) * triplet_slope(s, row[list[i]], row[j], pn) * swap_share(s, row[j], pn);
			}
			dx[a * m + j] -= (float)(own * s.of_negative(neg, a * m + j) * g);
		}
		for (int i = 0; i < count; i++) { // as a positive
			double g = 0;
			for (int j = THREAD; j < m; j += WIDTH)
				if (chosen(neg_pairs, neg, a, j, m) && s.leaves(a, list[i], j, m))
					g += s.of_negative(neg, a * m + j) * triplet_slope(s, row[list[i]], row[j], swap ? among[list[i] * m + j] : 0);
			g = block_sum(g, shared);
			if (THREAD == 0) dx[a * m + list[i]] += (float)(own * s.of_positive(pos, a * m + list[i]) * g);
		}
		SYNC;
	}
	if (itself) swapped_grad(s, a, n, m, pos_pairs, neg_pairs, d, pos, neg, among, up, dx + a * m, list, counts);
}

// Row p of the gradient to among.
KERNEL(triplets_among_grad)(int n, int m, RULED, int pos_pairs, int neg_pairs,
	const float *d, const float *pos, const float *neg, const float *among, APART, const float *up, float *dx) {
	__shared__ int list[CHUNK], counts[WIDTH];
	Triplet s = TRIPLET;
	dx += BLOCK * m;
	for (int j = THREAD; j < m; j += WIDTH) dx[j] = 0;
	swapped_grad(s, BLOCK, n, m, pos_pairs, neg_pairs, d, pos, neg, among, up, dx, list, counts);
}

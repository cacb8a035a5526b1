// Numbers in bins of one width: a block a row. Sums go over all entries for each bin, in an order
// that depends on the sizes alone.
#include "medusa.cuh"

// Binning says in which of count bins a number lies; see spec.RowBins.
struct Binning {
	float low, scale; // the lower edge of the first bin, and 1 over the width of each
	int count;
	__device__ int of(float x, float *part) const {
		float t = (x - low) * scale;
		if (is_nan(t)) {
			*part = t;
			return 0;
		}
		if (t <= 0) {
			*part = 0;
			return 0;
		}
		if (t >= count) {
			*part = 1;
			return count - 1;
		}
		int at = (int)t;
		*part = t - (float)at;
		return at;
	}
	__device__ bool inside(float x) const {
		float t = (x - low) * scale;
		return t > 0 && t < count;
	}
};

// How often a pair counts.
static __device__ float times_of(int pairs, const float *in, int r, int j, int cols) {
	return (pairs & 3) == GIVEN ? in[r * cols + j] : chosen(pairs, in, r, j, cols);
}

// Of each bin the sum of its entries' parts, y (rows, bins), and the number of the entries.
KERNEL(row_bins)(int cols, int bins, float low, float scale, int pairs, const float *x, const float *in, float *y, float *numbers) {
	__shared__ double shared[WIDTH];
	Binning b = {low, scale, bins};
	int r = BLOCK;
	for (int bin = 0; bin < bins; bin++) {
		double number = 0, parts = 0;
		for (int j = THREAD; j < cols; j += WIDTH) {
			float times = times_of(pairs, in, r, j, cols), part;
			if (times == 0 || b.of(x[r * cols + j], &part) != bin) continue;
			number += times;
			parts += times * part;
		}
		number = block_sum(number, shared);
		parts = block_sum(parts, shared);
		if (THREAD == 0) {
			put(y, r * bins + bin, parts);
			put(numbers, r * bins + bin, number);
		}
	}
}

KERNEL(row_bins_grad)(int n, divisor width, int bins, float low, float scale, int pairs, const float *x, const float *in, const float *up, float *dx) {
	Divisor cols(width);
	Binning b = {low, scale, bins};
	each(i, n) {
		int r = cols.over(i), j = i - r * cols.d;
		float times = times_of(pairs, in, r, j, cols.d), part;
		dx[i] = times != 0 && b.inside(x[i]) ? times * scale * up[bins * r + b.of(x[i], &part)] : 0;
	}
}

// Which differences D_an − D_ap are in the window: what is no bound is NaN, and a NaN is in.
static __device__ bool in_window(float diff, float above, float at_most) { return !(diff <= above) && !(diff > at_most); }

// row_bins of the differences D_ap − D_an of an anchor's triplets.
KERNEL(triplet_bins)(int m, int bins, float low, float scale, float above, float at_most, int pos_pairs, int neg_pairs,
	const float *d, const float *pos, const float *neg, float *y, float *numbers) {
	__shared__ int list[CHUNK], counts[WIDTH];
	__shared__ double shared[WIDTH];
	Binning b = {low, scale, bins};
	int a = BLOCK;
	const float *row = d + a * m;
	for (int i = THREAD; i < bins; i += WIDTH) {
		put(y, a * bins + i, 0);
		put(numbers, a * bins + i, 0);
	}
	for (int from = 0; from < m; from += CHUNK) {
		int count = list_of(from, m, [=](int p) { return chosen(pos_pairs, pos, a, p, m); }, list, counts);
		for (int bin = 0; count > 0 && bin < bins; bin++) {
			double number = 0, parts = 0;
			for (int j = THREAD; j < m; j += WIDTH) {
				if (!chosen(neg_pairs, neg, a, j, m)) continue;
				for (int i = 0; i < count; i++) {
					float part, ap = row[list[i]];
					if (!in_window(row[j] - ap, above, at_most) || b.of(ap - row[j], &part) != bin) continue;
					number += 1;
					parts += part;
				}
			}
			number = block_sum(number, shared);
			parts = block_sum(parts, shared);
			if (THREAD == 0) {
				y[a * bins + bin] += (float)parts;
				if (numbers) numbers[a * bins + bin] += (float)number;
			}
		}
		SYNC;
	}
}

KERNEL(triplet_bins_grad)(int m, int bins, float low, float scale, float above, float at_most, int pos_pairs, int neg_pairs,
	const float *d, const float *pos, const float *neg, const float *up, float *dx) {
	__shared__ int list[CHUNK], counts[WIDTH];
	__shared__ double shared[WIDTH];
	Binning b = {low, scale, bins};
	int a = BLOCK;
	const float *row = d + a * m, *slope = up + bins * a;
	auto of = [=](float ap, float an) {
		float part;
		return in_window(an - ap, above, at_most) && b.inside(ap - an) ? slope[b.of(ap - an, &part)] : 0;
	};
	for (int j = THREAD; j < m; j += WIDTH) dx[a * m + j] = 0;
	for (int from = 0; from < m; from += CHUNK) {
		int count = list_of(from, m, [=](int p) { return chosen(pos_pairs, pos, a, p, m); }, list, counts);
		for (int j = THREAD; j < m; j += WIDTH) { // as a negative
			if (!chosen(neg_pairs, neg, a, j, m)) continue;
			double g = 0;
			for (int i = 0; i < count; i++) g += of(row[list[i]], row[j]);
			dx[a * m + j] -= (float)(scale * g);
		}
		for (int i = 0; i < count; i++) { // as a positive
			double g = 0;
			for (int j = THREAD; j < m; j += WIDTH)
				if (chosen(neg_pairs, neg, a, j, m)) g += of(row[list[i]], row[j]);
			g = block_sum(g, shared);
			if (THREAD == 0) dx[a * m + list[i]] += (float)(scale * g);
		}
		SYNC;
	}
}

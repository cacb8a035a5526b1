// Distances between rows, and what losses make of a matrix of them.
#include "power.cuh"
#include "tile.cuh"

enum Metric { EUCLIDEAN, SQUARED, MANHATTAN, SNR, DOT, MINKOWSKI };

static __device__ float sign(float x) { return x > 0 ? 1 : x < 0 ? -1 : x; }

struct SquaredStep : Product {
	static __device__ float step(float c, float a, float b, float) { return fused(a - b, a - b, c); }
};
struct ManhattanStep : Product {
	static __device__ float step(float c, float a, float b, float) { return c + absolute(a - b); }
};

// Whether a number of a row is not finite.
static __device__ bool odd_row(const float *x, int cols) {
	for (int k = 0; k < cols; k++)
		if (!is_finite(x[k])) return true;
	return false;
}

// d (n, m) between the rows of x (n, cols) and y (m, cols). Differences are taken before they
// are squared: equal rows have distance 0. A row that is not finite has no distance: NaN, not ∞,
// of which a hinge would make 0. Of a product that overflowed on the way not even the sign is
// right: NaN. Grid (tiles). Bound by arithmetic.
template <class T> static __device__ void distances(int metric, int n, int m, int cols, const float *x, const float *y, float *d) {
	SHARED_OF(T);
	Area<T> area(n, m);
	Strided<T, true> a(x, cols, 1, area.row, n), b(y, cols, 1, area.col, m);
	auto store = [=](int i, int j, float v) {
		if (!is_finite(v) && (metric == DOT || odd_row(x + (i64)i * cols, cols) || odd_row(y + (i64)j * cols, cols))) v = NOT_A_NUMBER;
		d[(i64)i * m + j] = metric == EUCLIDEAN ? root(v) : v;
	};
	if (metric == MANHATTAN) multiply(area, 0, cols, a, b, ManhattanStep(), store, shared);
	else if (metric == DOT) multiply(area, 0, cols, a, b, Product(), store, shared);
	else multiply(area, 0, cols, a, b, SquaredStep(), store, shared);
}

KERNEL(distances_64)(int metric, int n, int m, int cols, const float *x, const float *y, float *d) { distances<Tile<64, false>>(metric, n, m, cols, x, y, d); }
KERNEL(distances_32)(int metric, int n, int m, int cols, const float *x, const float *y, float *d) { distances<Tile<32, false>>(metric, n, m, cols, x, y, d); }

struct Pull {
	const float *x; // null: a row's own numbers count as 0
	int cols;
	__device__ float own(int i, int k) const { return x ? x[(i64)i * cols + k] : 0; }
	static __device__ float step(float c, float w, float other, float own) { return fused(w, own - other, c); }
};
struct PullSign : Pull {
	static __device__ float step(float c, float w, float other, float own) { return w == 0 ? c : c + w * sign(own - other); }
};

// The gradient to x (n, cols) of distances to the rows of y (m, cols): that of pair (i, j) and
// its distance stand at g and d[i·gi + j·gj]; with both, that of (j, i) is added. Where the
// Euclidean distance is 0 the gradient is 0. Grid (tiles).
template <class T, bool DEEP> static __device__ void distances_grad(int metric, int n, int m, int cols, int gi, int gj, int both, const float *x, const float *y, const float *d, const float *g, float *dx, float *shared) {
	Area<T> area(n, cols);
	auto weight = [=](int i, int j) {
		i64 at = (i64)i * gi + (i64)j * gj;
		float w = g[at];
		if (both) w += g[(i64)j * gi + (i64)i * gj];
		if (metric == EUCLIDEAN) return d[at] == 0 || w == 0 ? 0 : w / d[at];
		if (metric == MANHATTAN && w != 0 && is_nan(d[at])) return d[at]; // a sign does not tell of it
		return metric == SQUARED ? 2 * w : w;
	};
	Worked<T, DEEP, decltype(weight)> a(weight, area.row, n);
	Strided<T, false> b(y, 1, cols, area.col, cols);
	auto store = [=](int i, int k, float v) { dx[(i64)i * cols + k] = metric == DOT ? -v : v; };
	if (metric == MANHATTAN) {
		PullSign s;
		s.x = x, s.cols = cols;
		multiply(area, 0, m, a, b, s, store, shared);
	} else {
		Pull s;
		s.x = metric == DOT ? 0 : x, s.cols = cols;
		multiply(area, 0, m, a, b, s, store, shared);
	}
}

KERNEL(distances_grad_64)(int metric, int n, int m, int cols, int gi, int gj, flag both, const float *x, const float *y, const float *d, const float *g, float *dx) {
	typedef Tile<64, false> T;
	SHARED_OF(T);
	if (gj == 1) distances_grad<T, true>(metric, n, m, cols, gi, gj, both, x, y, d, g, dx, shared);
	else distances_grad<T, false>(metric, n, m, cols, gi, gj, both, x, y, d, g, dx, shared);
}
KERNEL(distances_grad_32)(int metric, int n, int m, int cols, int gi, int gj, flag both, const float *x, const float *y, const float *d, const float *g, float *dx) {
	typedef Tile<32, false> T;
	SHARED_OF(T);
	if (gj == 1) distances_grad<T, true>(metric, n, m, cols, gi, gj, both, x, y, d, g, dx, shared);
	else distances_grad<T, false>(metric, n, m, cols, gi, gj, both, x, y, d, g, dx, shared);
}

// A mask in memory, of ones and zeros.
KERNEL(pair_mask)(int n, divisor width, int pairs, const float *in, float *y) {
	Divisor cols(width);
	each(i, n) {
		int r = cols.over(i);
		y[i] = chosen(pairs, in, r, i - r * cols.d, cols.d);
	}
}

// Leaves of a mask y the entries with above < d ≤ at_most. A NaN lies between any bounds, and an
// infinite bound is none, as is a NaN.
KERNEL(choose_within)(int n, divisor width, const float *d, const float *above, const float *at_most, float *y) {
	Divisor cols(width);
	each(i, n) {
		int r = cols.over(i);
		float low = above[r];
		if (low > -INFINITE && d[i] <= low || d[i] > at_most[r]) y[i] = 0;
	}
}

// Leaves of a mask y the columns that each row of index (rows, k) lists: a block a row.
KERNEL(choose_listed)(int cols, int k, const float *index, float *y) {
	index += BLOCK * k;
	for (int j = THREAD; j < cols; j += WIDTH) {
		bool listed = false;
		for (int i = 0; i < k; i++) listed = listed || index[i] == (float)j;
		if (!listed) y[BLOCK * cols + j] = 0;
	}
}

// How many entries of each row of a mask count: a block a row.
KERNEL(row_count)(int cols, int pairs, const float *in, float *y) {
	__shared__ double shared[WIDTH];
	double count = 0;
	for (int j = THREAD; j < cols; j += WIDTH) count += chosen(pairs, in, BLOCK, j, cols);
	count = block_sum(count, shared);
	if (THREAD == 0) y[BLOCK] = (float)count;
}

// What a term is of a number x: x, h = max(0, k·x + c) or h².
enum Terms { TERM_SELF, TERM_HINGE, TERM_SQUARE };

static __device__ float hinge_of(float k, float c, float x) {
	x = k * x + c;
	return x > 0 || is_nan(x) ? x : 0;
}

// What is added to k·x: c, with by times what shift points to.
static __device__ float hinge_at(float c, float by, const float *shift) { return by == 0 ? c : c + by * shift[0]; }

// A NaN lies between any numbers, and a bound that is NaN is none.
static __device__ bool between(float t, float low, float high) { return !(t <= low) && !(t >= high); }

// Of each row the sum of the terms between low and high, their number, and the sum of all hinges: a block a row.
KERNEL(row_terms)(int cols, int pairs, int terms, float k, float c, float by, float low, float high, const float *x, const float *in, const float *shift, float *y, float *counts, float *hinges) {
	__shared__ double shared[WIDTH];
	double sum = 0, count = 0, all = 0;
	c = hinge_at(c, by, shift);
	for (int j = THREAD; j < cols; j += WIDTH) {
		float h = x[BLOCK * cols + j];
		if (terms != TERM_SELF) h = hinge_of(k, c, h);
		float t = terms == TERM_SQUARE ? h * h : h;
		if (!chosen(pairs, in, BLOCK, j, cols)) continue;
		all += h;
		if (between(t, low, high)) {
			sum += t;
			count += 1;
		}
	}
	sum = block_sum(sum, shared);
	count = block_sum(count, shared);
	if (hinges) all = block_sum(all, shared);
	if (THREAD == 0) {
		put(y, BLOCK, sum);
		put(counts, BLOCK, count);
		put(hinges, BLOCK, all);
	}
}

// The gradient to x, added to dx with add. up is (rows).
KERNEL(row_terms_grad)(int n, divisor width, int pairs, int terms, float k, float c, float by, float low, float high, flag add, const float *x, const float *in, const float *shift, const float *up, float *dx) {
	Divisor cols(width);
	c = hinge_at(c, by, shift);
	each(i, n) {
		int r = cols.over(i);
		float h = x[i], g = 0;
		if (terms != TERM_SELF) h = hinge_of(k, c, h);
		float t = terms == TERM_SQUARE ? h * h : h;
		if (between(t, low, high) && (terms == TERM_SELF || !(t <= 0)) && chosen(pairs, in, r, i - r * cols.d, cols.d)) {
			g = up[r];
			if (terms != TERM_SELF) g *= k;
			if (terms == TERM_SQUARE) g *= 2 * h;
		}
		dx[i] = add ? dx[i] + g : g;
	}
}

enum Extreme { ROW_MAX, ROW_MIN };

// The largest or smallest number of a row, and its first place or −1: a block a row. A NaN wins.
KERNEL(row_extreme)(int cols, int pairs, int op, float empty, const float *x, const float *in, float *y, float *at_column) {
	__shared__ float values[WIDTH];
	__shared__ int places[WIDTH];
	int at = -1;
	float best = 0;
	for (int j = THREAD; j < cols; j += WIDTH) {
		if (!chosen(pairs, in, BLOCK, j, cols)) continue;
		float v = x[BLOCK * cols + j];
		if (at < 0 || !is_nan(best) && (is_nan(v) || (op == ROW_MAX ? v > best : v < best))) {
			best = v;
			at = j;
		}
	}
	values[THREAD] = best;
	places[THREAD] = at;
	SYNC;
	for (int half = WIDTH / 2; half > 0; half /= 2) {
		if (THREAD < half) {
			float v = values[THREAD + half], w = values[THREAD];
			int j = places[THREAD + half], i = places[THREAD];
			bool better = op == ROW_MAX ? v > w : v < w, same = v == w || is_nan(v) && is_nan(w);
			if (j >= 0 && (i < 0 || (same ? j < i : !is_nan(w) && (is_nan(v) || better)))) {
				values[THREAD] = v;
				places[THREAD] = j;
			}
		}
		SYNC;
	}
	if (THREAD == 0) {
		put(y, BLOCK, places[0] < 0 ? empty : values[0]);
		put(at_column, BLOCK, places[0]);
	}
}

// dx is g at the place that row_extreme chose, and 0 elsewhere; added to dx with add.
KERNEL(row_extreme_grad)(int n, divisor width, flag add, const float *at_column, const float *dy, float *dx) {
	Divisor cols(width);
	each(i, n) {
		int r = cols.over(i);
		float g = at_column[r] == (float)(i - r * cols.d) ? dy[r] : 0;
		dx[i] = add ? dx[i] + g : g;
	}
}

// The largest exponent k·x of a row, and whether all are finite.
static __device__ float largest_exponent(int cols, int pairs, float k, const float *x, const float *in, int *count, int *odd, int *nan, float *shared) {
	float m = -INFINITE, n = 0, o = 0, bad = 0;
	for (int j = THREAD; j < cols; j += WIDTH) {
		if (!chosen(pairs, in, BLOCK, j, cols)) continue;
		float v = k * x[j];
		n = 1;
		if (!is_finite(v)) o = 1;
		if (is_nan(v)) bad = 1;
		if (v > m) m = v;
	}
	m = block_max(m, shared);
	*count = block_max(n, shared) > 0;
	*odd = block_max(o, shared) > 0;
	*nan = block_max(bad, shared) > 0;
	return m;
}


// ln Σ e^(k·x) of a row's chosen numbers, the largest exponent, and the sum divided by its power.
KERNEL(row_logsumexp)(int cols, int pairs, float k, float empty, const float *x, const float *in, float *y, float *largest, float *totals) {
	__shared__ float shared[WIDTH];
	__shared__ double sums[WIDTH];
	int count, odd, nan;
	x += BLOCK * cols;
	float m = largest_exponent(cols, pairs, k, x, in, &count, &odd, &nan, shared);
	double sum = 0;
	for (int j = THREAD; j < cols; j += WIDTH)
		if (chosen(pairs, in, BLOCK, j, cols)) sum += exponential(below(k * x[j], m));
	sum = block_sum(sum, sums);
	if (THREAD) return;
	float value = m + logarithm((float)sum);
	if (!(absolute(m) < INFINITE)) value = m;
	if (nan) value = NOT_A_NUMBER;
	put(y, BLOCK, count ? value : empty);
	put(largest, BLOCK, odd ? NOT_A_NUMBER : count ? m : 0);
	put(totals, BLOCK, odd ? NOT_A_NUMBER : count ? sum : 0);
}

KERNEL(row_logsumexp_grad)(int cols, int pairs, float k, flag add, const float *x, const float *in, const float *largest, const float *totals, const float *dy, float *dx) {
	__shared__ float shared[WIDTH];
	__shared__ double sums[WIDTH];
	int row = BLOCK * cols;
	float m = largest[BLOCK], g = dy[BLOCK];
	double total = totals[BLOCK];
	if (total != total) { // of NaN: worked out again, as the limit
		int count, odd, nan;
		m = largest_exponent(cols, pairs, k, x + row, in, &count, &odd, &nan, shared);
		double sum = 0;
		for (int j = THREAD; j < cols; j += WIDTH)
			if (chosen(pairs, in, BLOCK, j, cols)) sum += exponential(below(k * x[row + j], m));
		total = block_sum(sum, sums);
	}
	float scale = total == 0 ? 0 : (float)((double)k * g / total);
	for (int j = THREAD; j < cols; j += WIDTH) {
		float v = chosen(pairs, in, BLOCK, j, cols) && total != 0 ? exponential(below(k * x[row + j], m)) * scale : 0;
		dx[row + j] = add ? dx[row + j] + v : v;
	}
}

// The k-th smallest of a row's chosen numbers, ∞ if there are no more than k; a NaN comes before
// every number, and −∞ stands for it. A block a row.
KERNEL(row_kth)(int cols, int k, int pairs, const float *x, const float *in, float *y) {
	__shared__ double shared[WIDTH];
	x += BLOCK * cols;
	double count = 0, nans = 0;
	for (int j = THREAD; j < cols; j += WIDTH)
		if (chosen(pairs, in, BLOCK, j, cols)) {
			count += 1;
			nans += is_nan(x[j]);
		}
	count = block_sum(count, shared);
	nans = block_sum(nans, shared);
	if (THREAD == 0 && (count <= k || nans >= k)) y[BLOCK] = count <= k ? INFINITE : -INFINITE;
	if (count <= k || nans >= k) return;
	for (int i = THREAD; i < cols; i += WIDTH) {
		if (is_nan(x[i]) || !chosen(pairs, in, BLOCK, i, cols)) continue;
		int smaller = (int)nans, equal = 0;
		for (int j = 0; j < cols; j++)
			if (chosen(pairs, in, BLOCK, j, cols)) {
				smaller += x[j] < x[i];
				equal += x[j] == x[i];
			}
		if (smaller < k && k <= smaller + equal) y[BLOCK] = x[i] == 0 ? 0 : x[i]; // equal numbers, all one
	}
}

// d (n, m) of p-norms of differences, p not 1 or 2: a row's differences are divided by the largest,
// so that no power of them overflows. NaN of a row that is not finite.
KERNEL(minkowski)(int n, int m, int cols, float p, const float *x, const float *y, float *d) {
	each(at, n * m) {
		const float *a = x + (i64)(at / m) * cols, *b = y + (i64)(at % m) * cols;
		float most = 0, odd = 0;
		for (int k = 0; k < cols; k++) {
			float v = absolute(a[k] - b[k]);
			if (v > most) most = v;
			odd += a[k] * 0 + b[k] * 0; // NaN of what is not finite
		}
		double sum = 0;
		if (p != INFINITE && most > 0 && most < INFINITE)
			for (int k = 0; k < cols; k++) sum += share_power(absolute(a[k] - b[k]) / most, p);
		float v = sum > 0 ? (float)(most * root_of(sum, p)) : most;
		d[at] = odd == 0 ? v : NOT_A_NUMBER;
	}
}

// Its gradient to x (n, cols), as distances_grad says: a block a row.
KERNEL(minkowski_grad)(int n, int m, int cols, int gi, int gj, flag both, float p, const float *x, const float *y, const float *d, const float *g, float *dx) {
	int i = BLOCK;
	x += (i64)i * cols;
	for (int k = THREAD; k < cols; k += WIDTH) {
		double sum = 0;
		for (int j = 0; j < m; j++) {
			const float *b = y + (i64)j * cols;
			i64 at = (i64)i * gi + (i64)j * gj;
			float w = g[at], far = d[at];
			if (both) w += g[(i64)j * gi + (i64)i * gj];
			if (w == 0 || far == 0) continue;
			if (is_nan(far)) {
				sum += far;
				continue;
			}
			float diff = x[k] - b[k];
			if (p == INFINITE) {
				bool first = absolute(diff) == far;
				for (int l = 0; first && l < k; l++) first = absolute(x[l] - b[l]) != far;
				sum += first ? w * sign(diff) : 0;
			} else {
				sum += w * sign(diff) * steepness(absolute(diff) / far, p);
			}
		}
		dx[i * cols + k] = (float)sum;
	}
}

// The mean and the unbiased variance of each row, (rows, 2): a block a row.
KERNEL(row_moments)(int cols, const float *x, float *y) {
	__shared__ double shared[WIDTH];
	double sum = 0;
	x += BLOCK * cols;
	for (int k = THREAD; k < cols; k += WIDTH) sum += x[k];
	double mean = block_sum(sum, shared) / cols;
	sum = 0;
	for (int k = THREAD; k < cols; k += WIDTH) sum += (x[k] - mean) * (x[k] - mean);
	sum = block_sum(sum, shared);
	if (THREAD == 0) {
		y[2 * BLOCK] = (float)mean;
		y[2 * BLOCK + 1] = (float)(sum / (cols - 1));
	}
}

#define LEAST_VARIANCE 1e-12f

// A variance that overflowed is NaN: all would be near to such an anchor.
static __device__ float at_least(float v) { return v < LEAST_VARIANCE ? LEAST_VARIANCE : is_finite(v) ? v : NOT_A_NUMBER; }

// var(x − y)/var(x) of rows, given their moments.
KERNEL(snr)(int n, int m, int cols, const float *x, const float *y, const float *mx, const float *my, float *d) {
	each(at, n * m) {
		int i = at / m, j = at % m;
		double mean = 0, sum = 0;
		for (int k = 0; k < cols; k++) mean += x[i * cols + k] - y[j * cols + k];
		mean /= cols;
		for (int k = 0; k < cols; k++) {
			double v = x[i * cols + k] - y[j * cols + k] - mean;
			sum += v * v;
		}
		d[at] = (float)(sum / (cols - 1) / at_least(mx[2 * i + 1]));
	}
}

// Its gradient to x (n, cols), or to y (m, cols) with to_y, added to dx with add.
KERNEL(snr_grad)(int n, int m, int cols, flag to_y, flag add, const float *x, const float *y, const float *mx, const float *my, const float *d, const float *g, float *dx) {
	int rows = to_y ? m : n, others = to_y ? n : m;
	each(at, rows * cols) {
		int r = at / cols, k = at % cols;
		double sum = 0, spread = 0;
		for (int o = 0; o < others; o++) {
			int i = to_y ? o : r, j = to_y ? r : o;
			double w = 2.0 * g[i * m + j] / (cols - 1) / at_least(mx[2 * i + 1]);
			if (w == 0) continue;
			sum += w * (((double)x[i * cols + k] - mx[2 * i]) - ((double)y[j * cols + k] - my[2 * j]));
			spread += (double)g[i * m + j] * d[i * m + j];
		}
		if (to_y) sum = -sum;
		else if (!(mx[2 * r + 1] < LEAST_VARIANCE)) sum -= spread / mx[2 * r + 1] * 2 * ((double)x[at] - mx[2 * r]) / (cols - 1);
		dx[at] = add ? (float)(dx[at] + sum) : (float)sum;
	}
}

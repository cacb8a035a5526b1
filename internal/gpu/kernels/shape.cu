// Copies, transposes and sums along axes, and what products need around them.
#include "medusa.cuh"

// The gradient to a slice of a matrix with rows of width numbers: those from … to−1 are dy's, the
// others 0.
KERNEL(slice_grad)(int n, divisor across, int from, int to, const float *dy, float *dx) {
	Divisor width(across);
	each(i, n) {
		int r = width.over(i), c = i - r * width.d;
		dx[i] = c >= from && c < to ? dy[r * (to - from) + c - from] : 0;
	}
}

// A block of rows×width numbers from one matrix to another, with their own lengths of a row.
KERNEL(copy_block)(int n, divisor width, const float *x, int ldx, float *y, int ldy) {
	Divisor w(width);
	each(i, n) {
		int r = w.over(i), c = i - r * w.d;
		y[r * ldy + c] = x[r * ldx + c];
	}
}

// Tiles of 32×32 through shared memory; grid (columns/32, rows/32).
KERNEL(transpose)(int rows, int cols, const float *x, float *y) {
	__shared__ float tile[32][33];
	int c0 = BLOCK * 32, r0 = BLOCK_Y * 32, c = THREAD % 32;
	for (int r = THREAD / 32; r < 32; r += 8)
		if (r0 + r < rows && c0 + c < cols) tile[r][c] = x[(r0 + r) * cols + c0 + c];
	SYNC;
	for (int r = THREAD / 32; r < 32; r += 8)
		if (c0 + r < cols && r0 + c < rows) y[(c0 + r) * rows + r0 + c] = tile[c][r];
}

// Sums over up to three axes: the sum of number o is that of x[base(o) + j0·s0 + j1·s1 + j2·s2],
// of which a block adds up part BLOCK_Y: see result. Results are (k0, k1, k2, k3)
// with strides t0 … t3 in x. Grid (results, parts).
KERNEL(sum_axes)(int k1, int k2, int k3, int t0, int t1, int t2, int t3, int m, divisor m1, divisor m2, int s0, int s1, int s2, const float *x, double *parts, float *y) {
	__shared__ double shared[WIDTH];
	Divisor n1(m1), n2(m2);
	int r = BLOCK, each = (m + BLOCKS_Y - 1) / BLOCKS_Y, from = BLOCK_Y * each, to = min_of(m, from + each);
	int i3 = r % k3;
	r /= k3;
	int i2 = r % k2;
	r /= k2;
	int i1 = r % k1, i0 = r / k1;
	x += i0 * t0 + i1 * t1 + i2 * t2 + i3 * t3;
	double sum = 0;
	for (int j = from + THREAD; j < to; j += WIDTH) {
		int q = n2.over(j), p = n1.over(q);
		sum += x[p * s0 + (q - p * n1.d) * s1 + (j - q * n2.d) * s2];
	}
	sum = block_sum(sum, shared);
	if (THREAD == 0) result(BLOCK_Y * BLOCKS + BLOCK, sum, parts, y);
}

// y (n) is the sum of parts (count, n).
KERNEL(add_parts)(int n, int count, const double *parts, float *y) {
	each(i, n) {
		double sum = 0;
		for (int p = 0; p < count; p++) sum += parts[p * n + i];
		y[i] = (float)sum;
	}
}

// Rows of a table. The indices are checked: see complain.
KERNEL(gather)(int n, divisor width, int rows, const float *table, const float *indices, float *y, int *report, int check) {
	Divisor cols(width);
	each(i, n) {
		int place = cols.over(i);
		float v = indices[place];
		int r = (int)v;
		if (!(v >= 0 && v < rows) || v != (float)r) {
			complain(report, check, place);
			r = 0;
		}
		y[i] = table[r * cols.d + i - place * cols.d];
	}
}

static __device__ void check_index(float v, int rows, int place, int *report, int check) {
	if (!(v >= 0 && v < rows) || v != (float)(int)v) complain(report, check, place);
}

// One block a row of the table: the rows of dy that belong there are added in their order.
KERNEL(gather_grad)(int count, int cols, int rows, const float *indices, const float *dy, float *dtable, int *report, int check) {
	__shared__ int list[CHUNK], shared[WIDTH];
	for (int c = THREAD; c < cols; c += WIDTH) dtable[BLOCK * cols + c] = 0;
	for (int from = 0; from < count; from += CHUNK) {
		int row = BLOCK, found = list_of(from, count, [=](int i) { return indices[i] == (float)row; }, list, shared);
		for (int c = THREAD; c < cols; c += WIDTH) {
			float sum = dtable[BLOCK * cols + c];
			for (int k = 0; k < found; k++) sum += dy[list[k] * cols + c];
			dtable[BLOCK * cols + c] = sum;
		}
		SYNC;
	}
	if (BLOCK == 0)
		for (int i = THREAD; i < count; i += WIDTH) check_index(indices[i], rows, i, report, check);
}

// One block an index: where a row of the table is named first, the rows of dy that belong there are added in
// their order; 0 at the other indices that name it.
KERNEL(gather_rows_grad)(int count, int cols, const float *indices, const float *dy, float *y) {
	__shared__ int list[CHUNK], shared[WIDTH];
	float row = indices[BLOCK];
	for (int c = THREAD; c < cols; c += WIDTH) y[BLOCK * cols + c] = 0;
	for (int from = 0; from < count; from += CHUNK) {
		int found = list_of(from, count, [=](int i) { return indices[i] == row; }, list, shared);
		if (found && list[0] < BLOCK) return; // all threads do
		for (int c = THREAD; c < cols; c += WIDTH) {
			float sum = y[BLOCK * cols + c];
			for (int k = 0; k < found; k++) sum += dy[list[k] * cols + c];
			y[BLOCK * cols + c] = sum;
		}
		SYNC;
	}
}

// The same in any order: dtable holds 0 before.
KERNEL(scatter_add)(int n, int cols, int rows, const float *indices, const float *dy, float *dtable, int *report, int check) {
	each(at, n) {
		int i = at / cols, row = (int)indices[i];
		if (row >= 0 && row < rows) add_float(dtable + row * cols + at % cols, dy[at]);
		if (at % cols == 0) check_index(indices[i], rows, i, report, check);
	}
}

// Pair is n numbers that are copied.
struct Pair {
	float *dst;
	const float *src;
	int n, piece;
};

// A block a piece.
KERNEL(copy_pairs)(int pairs, const Pair *all) {
	const Pair *p = of_piece(all, pairs, BLOCK);
	float *dst = p->dst;
	const float *src = p->src;
	piece_of(i, p) dst[i] = src[i];
}

// y is the filters w (outc, c, taps) in the order in which a product with windows goes through
// them: (rows, taps, deep), rows being outc and deep c, or the other way round with turn.
KERNEL(conv_filters)(int n, int rows, int deep, int taps, flag turn, const float *w, float *y) {
	each(at, n) {
		int i = at / (deep * taps), tap = at / deep % taps, d = at % deep, group = i / rows, r = i % rows;
		y[at] = w[(turn ? (group * deep + d) * rows + r : i * deep + d) * taps + tap];
	}
}

// y (n) = Σ parts (count, n) + bias, cut at 0 with relu: bias (channels) may be null,
// and a channel's numbers are plane ones that follow each other.
KERNEL(sum_parts)(int n, int count, divisor by_channels, divisor by_plane, const float *bias, flag relu, const float *parts, float *y) {
	Divisor channels(by_channels), plane(by_plane);
	each(i, n) {
		float v = 0;
		for (int z = 0; z < count; z++) v += parts[(i64)z * n + i];
		if (bias) v += bias[channels.rest(plane.over(i))];
		y[i] = relu && v < 0 ? 0 : v;
	}
}

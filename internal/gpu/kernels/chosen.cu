// First rows and columns, and a softmax over rows that were chosen. See spec.RowFirst and
// spec.PairedSoftmax.
#include "medusa.cuh"

// The first column of each row (rows) that a mask holds, −1 of none: a block a row.
KERNEL(row_first)(int cols, int pairs, const float *in, float *y) {
	__shared__ float shared[WIDTH];
	float near = -INFINITE; // the negative of the column
	for (int j = THREAD; j < cols && near == -INFINITE; j += WIDTH)
		if (chosen(pairs, in, BLOCK, j, cols)) near = -(float)j;
	near = block_max(near, shared);
	if (THREAD == 0) y[BLOCK] = near == -INFINITE ? -1 : -near;
}

KERNEL(label_first)(int n, const float *labels, const float *x, float *y) {
	each(i, n) {
		bool first = x[i] >= 0;
		for (int j = 0; j < i && first; j++) first = !(x[j] >= 0 && labels[j] == labels[i]);
		y[i] = first ? x[i] : -1;
	}
}

KERNEL(label_rank)(int n, const float *labels, const float *x, float *y) {
	each(i, n) {
		int below = 0;
		for (int j = 0; j < n; j++) below += x[j] >= 0 && labels[j] < labels[i];
		y[i] = (float)below;
	}
}

// Whether each of m rows is the partner of one of n: 1 or 0.
KERNEL(partner_columns)(int m, int n, const float *partners, float *y) {
	each(j, m) {
		bool any = false;
		for (int i = 0; i < n && !any; i++) any = partners[i] == (float)j;
		y[j] = any;
	}
}

// What the other partners of a row come to: the largest of their products, and the sum of the powers
// divided by its own, 0 of none; the sum is NaN if a product is.
static __device__ float other_partners(int m, int own, const float *products, const float *columns, double *total, float *shared, double *sums) {
	float top = -INFINITE;
	for (int k = THREAD; k < m; k += WIDTH)
		if (columns[k] != 0 && k != own && products[k] > top) top = products[k];
	top = block_max(top, shared);
	double sum = 0;
	for (int k = THREAD; k < m; k += WIDTH)
		if (columns[k] != 0 && k != own) sum += exponential(below(products[k], top));
	*total = block_sum(sum, sums);
	return top;
}

// A block a row: y (n).
KERNEL(paired_softmax)(int m, const float *partners, const float *products, const float *columns, float *y) {
	__shared__ float shared[WIDTH];
	__shared__ double sums[WIDTH];
	int own = (int)partners[BLOCK];
	float v = 0;
	if (own >= 0) {
		double total;
		products += BLOCK * m;
		float top = other_partners(m, own, products, columns, &total, shared, sums);
		if (total != 0) v = softplus(top + logarithm((float)total) - products[own]);
	}
	if (THREAD == 0) y[BLOCK] = v;
}

// The gradient to the products, in their place, given that to the result, up: a block a row.
KERNEL(paired_softmax_grad)(int m, const float *partners, float *products, const float *columns, const float *up) {
	__shared__ float shared[WIDTH];
	__shared__ double sums[WIDTH];
	int own = (int)partners[BLOCK];
	products += BLOCK * m;
	float top = 0, scale = 0, g = 0;
	double total;
	if (own >= 0) {
		top = other_partners(m, own, products, columns, &total, shared, sums);
		if (total != 0) {
			g = up[BLOCK] * sigmoid(top + logarithm((float)total) - products[own]);
			scale = (float)(g / total);
		}
	}
	SYNC; // its own product was read by all
	for (int k = THREAD; k < m; k += WIDTH)
		products[k] = own < 0 || columns[k] == 0 ? 0 : k == own ? -g : scale * exponential(below(products[k], top));
}

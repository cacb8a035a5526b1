// Layer normalisation of the rows of x (rows, cols): a block a row. Bound by memory.
#include "medusa.cuh"

// Mean and 1/√(variance + ε) of a row, in two passes, so that a large mean does not cost digits.
static __device__ void moments_of(const float *x, int cols, float eps, double *shared, float *mean, float *istd) {
	double sum = 0;
	for (int k = THREAD; k < cols; k += WIDTH) sum += x[k];
	double m = block_sum(sum, shared) / cols;
	sum = 0;
	for (int k = THREAD; k < cols; k += WIDTH) sum += (x[k] - m) * (x[k] - m);
	sum = block_sum(sum, shared);
	*mean = (float)m;
	*istd = (float)(1 / root(sum / cols + eps));
}

// gamma and beta may be null.
KERNEL(layer_norm)(int cols, float eps, const float *x, const float *gamma, const float *beta, float *y) {
	__shared__ double shared[WIDTH];
	float mean, istd;
	x += BLOCK * cols;
	moments_of(x, cols, eps, shared, &mean, &istd);
	for (int k = THREAD; k < cols; k += WIDTH) {
		float v = (x[k] - mean) * istd;
		if (gamma) v *= gamma[k];
		if (beta) v += beta[k];
		y[BLOCK * cols + k] = v;
	}
}

KERNEL(layer_norm_grad)(int cols, float eps, const float *x, const float *gamma, const float *dy, float *dx) {
	__shared__ double shared[WIDTH];
	float mean, istd;
	int at = BLOCK * cols;
	moments_of(x + at, cols, eps, shared, &mean, &istd);
	double sum = 0, along = 0;
	for (int k = THREAD; k < cols; k += WIDTH) {
		float g = gamma ? dy[at + k] * gamma[k] : dy[at + k];
		sum += g;
		along += (double)g * ((x[at + k] - mean) * istd);
	}
	sum = block_sum(sum, shared) / cols;
	along = block_sum(along, shared) / cols;
	for (int k = THREAD; k < cols; k += WIDTH) {
		float g = gamma ? dy[at + k] * gamma[k] : dy[at + k];
		dx[at + k] = istd * (float)(g - sum - (x[at + k] - mean) * istd * along);
	}
}

// Mean and 1/√(variance + ε) of all rows, (rows, 2).
KERNEL(layer_norm_moments)(int cols, float eps, const float *x, float *moments) {
	__shared__ double shared[WIDTH];
	float mean, istd;
	moments_of(x + BLOCK * cols, cols, eps, shared, &mean, &istd);
	if (THREAD == 0) {
		moments[2 * BLOCK] = mean;
		moments[2 * BLOCK + 1] = istd;
	}
}

// The gradients to γ and β, (cols) each, or of parts of the rows (2, parts, cols): see result. Grid
// (columns/256, parts).
KERNEL(layer_norm_params_grad)(int rows, int cols, const float *x, const float *moments, const float *dy, double *parts, float *to_gamma, float *to_beta) {
	int k = BLOCK * WIDTH + THREAD, each = (rows + BLOCKS_Y - 1) / BLOCKS_Y, from = BLOCK_Y * each, to = min_of(rows, from + each);
	if (k >= cols) return;
	double dgamma = 0, dbeta = 0;
	for (int r = from; r < to; r++) {
		float g = dy[r * cols + k];
		dgamma += (double)g * ((x[r * cols + k] - moments[2 * r]) * moments[2 * r + 1]);
		dbeta += g;
	}
	result(BLOCK_Y * cols + k, dgamma, parts, to_gamma);
	result(BLOCK_Y * cols + k, dbeta, parts + BLOCKS_Y * cols, to_beta);
}

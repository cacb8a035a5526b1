// Batch normalisation of x (N, C, plane). Bound by memory.
#include "medusa.cuh"

// The statistics of a channel: a block a channel, in two passes, so that a large mean does not
// cost digits. The running ones are moved by momentum.
KERNEL(batch_stats)(int images, int c, int plane, float momentum, float eps, const float *x, float *stats, float *run_mean, float *run_var) {
	__shared__ double shared[WIDTH];
	int k = BLOCK, n = images * plane;
	double sum = 0;
	for (int i = THREAD; i < n; i += WIDTH) sum += x[(i / plane * c + k) * plane + i % plane];
	double mean = block_sum(sum, shared) / n;
	sum = 0;
	for (int i = THREAD; i < n; i += WIDTH) {
		double d = x[(i / plane * c + k) * plane + i % plane] - mean;
		sum += d * d;
	}
	double variance = block_sum(sum, shared) / n;
	if (THREAD == 0) {
		stats[k] = (float)mean;
		stats[c + k] = (float)(1 / root(variance + eps));
		run_mean[k] = (float)((1.0 - momentum) * run_mean[k] + momentum * mean);
		run_var[k] = (float)((1.0 - momentum) * run_var[k] + momentum * (variance * n / (n - 1)));
	}
}

KERNEL(running_stats)(int c, float eps, const float *mean, const float *variance, float *stats) {
	each(k, c) {
		stats[k] = mean[k];
		stats[c + k] = (float)(1 / root((double)variance[k] + eps));
	}
}

// What relu let through: where the normalised number is above 0.
static __device__ bool passed(float x, float mean, float istd, float gamma, float beta) {
	return (x - mean) * (gamma * istd) + beta > 0;
}

// The gradients to γ and β, (2, C): a block a channel.
KERNEL(norm_params_grad)(int images, int c, int plane, int relu, const float *x, const float *stats, const float *gamma, const float *beta, const float *dy, float *grads) {
	__shared__ double shared[WIDTH];
	int k = BLOCK, n = images * plane;
	float mean = stats[k], istd = stats[c + k];
	double dgamma = 0, dbeta = 0;
	for (int i = THREAD; i < n; i += WIDTH) {
		int at = (i / plane * c + k) * plane + i % plane;
		if (relu && !passed(x[at], mean, istd, gamma[k], beta[k])) continue;
		dgamma += (double)dy[at] * ((x[at] - mean) * istd);
		dbeta += dy[at];
	}
	dgamma = block_sum(dgamma, shared);
	dbeta = block_sum(dbeta, shared);
	if (THREAD == 0) {
		grads[k] = (float)dgamma;
		grads[c + k] = (float)dbeta;
	}
}

// The gradient to x; grads is null where the statistics do not depend on x.
KERNEL(norm_grad)(int n, int c, int plane, int images, int relu, const float *x, const float *stats, const float *gamma, const float *beta, const float *dy, const float *grads, float *dx) {
	each(i, n) {
		int k = i / plane % c;
		float mean = stats[k], istd = stats[c + k];
		float g = relu && !passed(x[i], mean, istd, gamma[k], beta[k]) ? 0 : dy[i];
		if (grads) {
			float m = 1 / ((float)images * plane);
			g -= (grads[c + k] + (x[i] - mean) * istd * grads[k]) * m;
		}
		dx[i] = gamma[k] * istd * g;
	}
}

// y (C) is the sum of x (N, C, plane) over images and places: a block a channel.
KERNEL(channel_sum)(int images, int c, int plane, const float *x, float *y) {
	__shared__ double shared[WIDTH];
	double sum = 0;
	for (int i = THREAD; i < images * plane; i += WIDTH) sum += x[(i / plane * c + BLOCK) * plane + i % plane];
	sum = block_sum(sum, shared);
	if (THREAD == 0) y[BLOCK] = (float)sum;
}

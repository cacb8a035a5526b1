// Batch normalisation of x (N, C, plane). Bound by memory. Channels are cut into parts, so that
// there are blocks enough to keep it busy.
#include "medusa.cuh"

// Channel is the elements of one channel, by their number among all of it; a block works on part
// BLOCK_Y of BLOCKS_Y.
struct Channel {
	Divisor plane;
	int c, k, from, to;
	__device__ Channel(int images, int channels, u64 size) : plane(size), c(channels), k(BLOCK) {
		int n = images * plane.d, each = (n + BLOCKS_Y - 1) / BLOCKS_Y;
		from = BLOCK_Y * each;
		to = min_of(n, from + each);
	}
	__device__ int at(int i) const {
		int image = plane.over(i);
		return (image * c + k) * plane.d + i - image * plane.d;
	}
};

#define of_channel(i, ch) for (int i = (ch).from + THREAD; i < (ch).to; i += WIDTH)

// Mean and sum of squared distances from it of a part of a channel, to parts (parts, 2, C), in
// two passes, so that a large mean does not cost digits. Grid (C, parts).
KERNEL(part_stats)(int images, int c, divisor plane, const float *x, double *parts) {
	__shared__ double shared[WIDTH];
	Channel ch(images, c, plane);
	double sum = 0, mean = 0;
	of_channel(i, ch) sum += x[ch.at(i)];
	sum = block_sum(sum, shared);
	if (ch.to > ch.from) mean = sum / (ch.to - ch.from);
	sum = 0;
	of_channel(i, ch) {
		double d = x[ch.at(i)] - mean;
		sum += d * d;
	}
	sum = block_sum(sum, shared);
	if (THREAD == 0) {
		parts[(2 * BLOCK_Y) * c + BLOCK] = mean;
		parts[(2 * BLOCK_Y + 1) * c + BLOCK] = sum;
	}
}

// The statistics of the channels from those of their parts (Chan, Golub and LeVeque 1979). The
// running ones are moved by momentum.
KERNEL(batch_stats)(int n, int c, int count, float momentum, float eps, const double *parts, float *stats, float *run_mean, float *run_var) {
	each(k, c) {
		double mean = 0, sum = 0, have = 0;
		int every = (n + count - 1) / count;
		for (int p = 0; p * every < n; p++) {
			double add = min_of(every, n - p * every), diff = parts[2 * p * c + k] - mean;
			mean += diff * add / (have + add);
			sum += parts[(2 * p + 1) * c + k] + diff * diff * have * add / (have + add);
			have += add;
		}
		double variance = sum / n;
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

// The gradients to γ and β, (C) each, or of parts (2, parts, C): see result. Grid (C, parts).
KERNEL(norm_params_grad)(int images, int c, divisor plane, flag relu, const float *x, const float *stats, const float *gamma, const float *beta, const float *dy, double *parts, float *to_gamma, float *to_beta) {
	__shared__ double shared[WIDTH];
	Channel ch(images, c, plane);
	int k = ch.k;
	float mean = stats[k], istd = stats[c + k];
	double dgamma = 0, dbeta = 0;
	of_channel(i, ch) {
		int at = ch.at(i);
		if (relu && !passed(x[at], mean, istd, gamma[k], beta[k])) continue;
		dgamma += (double)dy[at] * ((x[at] - mean) * istd);
		dbeta += dy[at];
	}
	dgamma = block_sum(dgamma, shared);
	dbeta = block_sum(dbeta, shared);
	if (THREAD == 0) {
		result(BLOCK_Y * c + k, dgamma, parts, to_gamma);
		result(BLOCK_Y * c + k, dbeta, parts + BLOCKS_Y * c, to_beta);
	}
}

// The gradient to x; those to γ and β are null where the statistics do not depend on x.
KERNEL(norm_grad)(int n, divisor channels, divisor plane, int images, flag relu, const float *x, const float *stats, const float *gamma, const float *beta, const float *dy, const float *to_gamma, const float *to_beta, float *dx) {
	Divisor cs(channels), size(plane);
	int c = cs.d;
	float m = 1 / ((float)images * size.d);
	each(i, n) {
		int k = cs.rest(size.over(i));
		float mean = stats[k], istd = stats[c + k];
		float g = relu && !passed(x[i], mean, istd, gamma[k], beta[k]) ? 0 : dy[i];
		if (to_gamma) g -= (to_beta[k] + (x[i] - mean) * istd * to_gamma[k]) * m;
		dx[i] = gamma[k] * istd * g;
	}
}

// Sums of a channel of x (N, C, plane) over images and places, (C), or of parts (parts, C). Grid (C, parts).
KERNEL(channel_sum)(int images, int c, divisor plane, const float *x, double *parts, float *y) {
	__shared__ double shared[WIDTH];
	Channel ch(images, c, plane);
	double sum = 0;
	of_channel(i, ch) sum += x[ch.at(i)];
	sum = block_sum(sum, shared);
	if (THREAD == 0) result(BLOCK_Y * c + BLOCK, sum, parts, y);
}

// Steps of the solvers, one launch for all tensors; the formulas are those of
// internal/device/cpu/solvers.go. A block works on a piece of one tensor. Bound by memory.
//
// control is what a step shares: [0] the factor of the gradients (clipping); [1] whether anything
// moves; [2] the learning rate; Adam's [3] 1/(1 − β₁ᵗ) and [4] √(1 − β₂ᵗ); [5] the largest norm of
// the gradient, 0 for none; [6] the share of the way that averages go; what comes of it: [7] the
// loss, [8] the square of the norm, [9] 1 if loss or gradient are not finite or a kernel complained,
// from then on until the host clears it; [10] the complaint, [11] its place. The host fills [2] to
// [6].
#include "medusa.cuh"

// Tensor is a learned tensor; rate is its learning rate ÷ that of the step, and adapt says whether
// LAMB scales its step.
struct Tensor {
	float *w, *g, *first, *second;
	int n, piece;
	double rate, decay;
	long long adapt;
	const float *rows; // the numbers of the rows that g is of, below 0 of none; null: g is of all weights
	long long cols;
};

// weight_of is the weight of number i of the gradient, below 0 where there is none.
static __device__ i64 weight_of(const Tensor *t, int i) {
	if (!t->rows) return i;
	int cols = (int)t->cols, place = i / cols;
	float row = t->rows[place];
	return row < 0 ? -1 : (i64)row * cols + (i - place * cols);
}

// step_of(i, at, t) goes through the numbers i of the gradient in the block's piece of t, and the weights
// at that they move.
#define step_of(i, at, t) piece_of(i, t) for (i64 at = weight_of(t, i), once_ = at >= 0; once_; once_ = 0)

// Σ g² of each piece.
KERNEL(sum_squares)(int tensors, const Tensor *all, double *parts) {
	__shared__ double shared[WIDTH];
	const Tensor *t = of_piece(all, tensors, BLOCK);
	double sum = 0;
	piece_of(i, t) sum += (double)t->g[i] * t->g[i];
	sum = block_sum(sum, shared);
	if (THREAD == 0) parts[BLOCK] = sum;
}

// One block. The sums of the first step that fails are kept in failed.
KERNEL(control_step)(int count, const double *parts, const float *loss, const int *report, double *control, double *failed) {
	__shared__ double shared[WIDTH];
	double sum = 0;
	for (int i = THREAD; i < count; i += WIDTH) sum += parts[i];
	sum = block_sum(sum, shared);
	bool before = control[9] != 0, good = sum - sum == 0 && is_finite(*loss) && report[0] == 0;
	if (!before && !good)
		for (int i = THREAD; i < count; i += WIDTH) failed[i] = parts[i];
	SYNC; // of all that read control[9]
	if (THREAD) return;
	double norm = root(sum), clip = control[5];
	control[0] = clip > 0 && norm > clip ? clip / norm : 1;
	control[1] = good && !before;
	control[7] = *loss;
	control[8] = sum;
	control[9] = before || !good;
	control[10] = report[0];
	control[11] = report[1];
}

KERNEL(sgd)(int tensors, const Tensor *all, float momentum, int nesterov, const double *control) {
	if (control[1] == 0) return;
	const Tensor *t = of_piece(all, tensors, BLOCK);
	float scale = (float)control[0], lr = (float)(control[2] * t->rate), decay = (float)t->decay, *w = t->w, *v = t->first;
	const float *g = t->g;
	step_of(i, at, t) {
		float d = g[i] * scale + decay * w[at];
		if (v) {
			v[at] = momentum * v[at] + d;
			d = nesterov ? d + momentum * v[at] : v[at];
		}
		w[at] -= lr * d;
	}
}

// The decay is within the gradient, or the weights' own with decoupled.
KERNEL(adam)(int tensors, const Tensor *all, int decoupled, float b1, float b2, float c2, float eps, const double *control) {
	if (control[1] == 0) return;
	const Tensor *t = of_piece(all, tensors, BLOCK);
	double rate = control[2] * t->rate;
	float scale = (float)control[0], step = (float)(rate * control[3]), root_of = (float)control[4];
	float keep = decoupled ? (float)(1 - rate * t->decay) : 1, share = decoupled ? 0 : (float)t->decay;
	float *w = t->w, *m = t->first, *v = t->second;
	const float *g = t->g;
	step_of(i, at, t) {
		float x = w[at] * keep, d = g[i] * scale + share * x;
		m[at] += b1 * (d - m[at]);
		v[at] = b2 * v[at] + c2 * (d * d);
		w[at] = x - step * m[at] / (root(v[at]) / root_of + eps);
	}
}

KERNEL(rmsprop)(int tensors, const Tensor *all, float momentum, float a, float c, float eps, const double *control) {
	if (control[1] == 0) return;
	const Tensor *t = of_piece(all, tensors, BLOCK);
	float scale = (float)control[0], lr = (float)(control[2] * t->rate), decay = (float)t->decay, *w = t->w, *v = t->second, *b = t->first;
	const float *g = t->g;
	step_of(i, at, t) {
		float d = g[i] * scale + decay * w[at];
		v[at] = a * v[at] + c * (d * d);
		d /= root(v[at]) + eps;
		if (b) d = b[at] = momentum * b[at] + d;
		w[at] -= lr * d;
	}
}

// The decay is the weights' own; b1 and b2 are 1 − β.
KERNEL(lion)(int tensors, const Tensor *all, float b1, float b2, const double *control) {
	if (control[1] == 0) return;
	const Tensor *t = of_piece(all, tensors, BLOCK);
	double rate = control[2] * t->rate;
	float scale = (float)control[0], lr = (float)rate, keep = (float)(1 - rate * t->decay), *w = t->w, *m = t->first;
	const float *g = t->g;
	step_of(i, at, t) {
		float d = g[i] * scale, c = m[at] + b1 * (d - m[at]);
		w[at] = w[at] * keep - lr * (float)((c > 0) - (c < 0));
		m[at] += b2 * (d - m[at]);
	}
}

// lamb_step is LAMB's step of a weight, before it is scaled.
static __device__ float lamb_step(const Tensor *t, i64 i, float eps, const double *control) {
	return (float)control[3] * t->first[i] / (root(t->second[i]) / (float)control[4] + eps) + (float)t->decay * t->w[i];
}

// The running means, and Σ w² and Σ step² of each piece.
KERNEL(lamb_means)(int tensors, const Tensor *all, float b1, float b2, float c2, float eps, const double *control, double *parts) {
	__shared__ double shared[WIDTH];
	if (control[1] == 0) return;
	const Tensor *t = of_piece(all, tensors, BLOCK);
	float scale = (float)control[0], *m = t->first, *v = t->second;
	const float *g = t->g, *w = t->w;
	double length = 0, step = 0;
	step_of(i, at, t) {
		float d = g[i] * scale;
		m[at] += b1 * (d - m[at]);
		v[at] = b2 * v[at] + c2 * (d * d);
		float u = lamb_step(t, at, eps, control);
		length += (double)w[at] * w[at];
		step += (double)u * u;
	}
	length = block_sum(length, shared);
	step = block_sum(step, shared);
	if (THREAD == 0) parts[2 * BLOCK] = length, parts[2 * BLOCK + 1] = step;
}

// A block a tensor: the length of its weights ÷ that of its step, 1 if one of them is 0.
KERNEL(lamb_ratios)(const Tensor *all, const double *parts, const double *control, double *ratios) {
	__shared__ double shared[WIDTH];
	if (control[1] == 0) return;
	const Tensor *t = all + BLOCK;
	double length = 0, step = 0;
	for (int i = t->piece + THREAD; i < t->piece + (t->n + PIECE - 1) / PIECE; i += WIDTH) length += parts[2 * i], step += parts[2 * i + 1];
	length = block_sum(length, shared);
	step = block_sum(step, shared);
	if (THREAD == 0) ratios[BLOCK] = t->adapt && length > 0 && step > 0 ? root(length / step) : 1;
}

KERNEL(lamb)(int tensors, const Tensor *all, float eps, const double *control, const double *ratios) {
	if (control[1] == 0) return;
	const Tensor *t = of_piece(all, tensors, BLOCK);
	float lr = (float)(control[2] * t->rate * ratios[t - all]), *w = t->w;
	step_of(i, at, t) w[at] -= lr * lamb_step(t, at, eps, control);
}

// The rows of a gradient as one to all weights, which holds 0 elsewhere; or 0 there again, with zero.
KERNEL(spread_rows)(int n, u64 width, const float *rows, const float *g, int zero, float *whole) {
	Divisor cols(width);
	each(i, n) {
		int place = cols.over(i);
		float row = rows[place];
		if (row >= 0) whole[(i64)row * cols.d + (i - place * cols.d)] = zero ? 0 : g[i];
	}
}

// Each number of a gradient is brought to a size of at most most; what is not finite stays so.
KERNEL(clip_values)(int pairs, const Pair *all, float most) {
	const Pair *p = of_piece(all, pairs, BLOCK);
	float *dst = p->dst;
	const float *src = p->src;
	piece_of(i, p) {
		float v = src[i];
		dst[i] = !is_finite(v) || absolute(v) <= most ? v : v > 0 ? most : -most;
	}
}

// Averages go a share of the way to what they are of.
KERNEL(move_averages)(int pairs, const Pair *all, const double *control) {
	if (control[1] == 0) return;
	const Pair *p = of_piece(all, pairs, BLOCK);
	float share = (float)control[6], *dst = p->dst;
	const float *src = p->src;
	piece_of(i, p) dst[i] += share * (src[i] - dst[i]);
}

// Steps of the solvers, one launch for all tensors; the formulas are those of
// internal/device/cpu/solvers.go. A block works on a piece of one tensor. Bound by memory.
//
// control is what a step shares: [0] the factor of the gradients (clipping); [1] whether anything
// moves; [2] the learning rate; Adam's [3] 1/(1 − β₁ᵗ) and [4] √(1 − β₂ᵗ); [5] the largest norm of
// the gradient, 0 for none; what comes of it: [6] the loss, [7] the square of the norm, [8] 1 if
// loss or gradient are not finite or a kernel complained, from then on until the host clears it;
// [9] the complaint, [10] its place. The host fills [2] to [5].
#include "medusa.cuh"

// Tensor is a learned tensor; rate is its learning rate ÷ that of the step.
struct Tensor {
	float *w, *g, *first, *second;
	int n, piece;
	double rate, decay;
};

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
	bool before = control[8] != 0, good = sum - sum == 0 && is_finite(*loss) && report[0] == 0;
	if (!before && !good)
		for (int i = THREAD; i < count; i += WIDTH) failed[i] = parts[i];
	SYNC; // of all that read control[8]
	if (THREAD) return;
	double norm = root(sum), clip = control[5];
	control[0] = clip > 0 && norm > clip ? clip / norm : 1;
	control[1] = good && !before;
	control[6] = *loss;
	control[7] = sum;
	control[8] = before || !good;
	control[9] = report[0];
	control[10] = report[1];
}

KERNEL(sgd)(int tensors, const Tensor *all, float momentum, int nesterov, const double *control) {
	if (control[1] == 0) return;
	const Tensor *t = of_piece(all, tensors, BLOCK);
	float scale = (float)control[0], lr = (float)(control[2] * t->rate), decay = (float)t->decay, *w = t->w, *v = t->first;
	const float *g = t->g;
	piece_of(i, t) {
		float d = g[i] * scale + decay * w[i];
		if (v) {
			v[i] = momentum * v[i] + d;
			d = nesterov ? d + momentum * v[i] : v[i];
		}
		w[i] -= lr * d;
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
	piece_of(i, t) {
		float x = w[i] * keep, d = g[i] * scale + share * x;
		m[i] += b1 * (d - m[i]);
		v[i] = b2 * v[i] + c2 * (d * d);
		w[i] = x - step * m[i] / (root(v[i]) / root_of + eps);
	}
}

KERNEL(rmsprop)(int tensors, const Tensor *all, float momentum, float a, float c, float eps, const double *control) {
	if (control[1] == 0) return;
	const Tensor *t = of_piece(all, tensors, BLOCK);
	float scale = (float)control[0], lr = (float)(control[2] * t->rate), decay = (float)t->decay, *w = t->w, *v = t->second, *b = t->first;
	const float *g = t->g;
	piece_of(i, t) {
		float d = g[i] * scale + decay * w[i];
		v[i] = a * v[i] + c * (d * d);
		d /= root(v[i]) + eps;
		if (b) d = b[i] = momentum * b[i] + d;
		w[i] -= lr * d;
	}
}

// Steps of the solvers: one launch a tensor, the formulas of internal/device/cpu/solvers.go.
// Bound by memory.
//
// control is what all tensors of a step share: [0] the factor of the gradients (clipping), [1] is
// 0 if loss or gradient are not finite or a kernel complained, and then nothing moves; [2] the
// learning rate; Adam's [3] 1/(1 − β₁ᵗ) and [4] √(1 − β₂ᵗ); [5] the largest norm of the gradient,
// 0 for none; what comes of it: [6] the loss, [7] the square of the norm. The host fills [2] to [5].
#include "medusa.cuh"

// Σ g² of up to 4096 elements a block, to parts.
KERNEL(sum_squares)(int n, const float *g, double *parts) {
	__shared__ double shared[WIDTH];
	double sum = 0;
	for (int i = BLOCK * 4096 + THREAD; i < n && i < (BLOCK + 1) * 4096; i += WIDTH) sum += (double)g[i] * g[i];
	sum = block_sum(sum, shared);
	if (THREAD == 0) parts[BLOCK] = sum;
}

KERNEL(control_step)(int count, const double *parts, const float *loss, const int *report, double *control) {
	__shared__ double shared[WIDTH];
	double sum = 0;
	for (int i = THREAD; i < count; i += WIDTH) sum += parts[i];
	sum = block_sum(sum, shared);
	if (THREAD) return;
	double norm = root(sum), clip = control[5];
	control[0] = clip > 0 && norm > clip ? clip / norm : 1;
	control[1] = sum - sum == 0 && is_finite(*loss) && report[0] == 0;
	control[6] = *loss;
	control[7] = sum;
}

KERNEL(sgd)(int n, double rate, float momentum, float decay, int nesterov, const double *control, const float *g, float *w, float *v) {
	if (control[1] == 0) return;
	float scale = (float)control[0], lr = (float)(control[2] * rate);
	each(i, n) {
		float d = g[i] * scale + decay * w[i];
		if (v) {
			v[i] = momentum * v[i] + d;
			d = nesterov ? d + momentum * v[i] : v[i];
		}
		w[i] -= lr * d;
	}
}

// decay is within the gradient, or the weights' own with decoupled.
KERNEL(adam)(int n, double rate, double decay, int decoupled, float b1, float b2, float c2, float eps, const double *control, const float *g, float *w, float *m, float *v) {
	if (control[1] == 0) return;
	float scale = (float)control[0], step = (float)(control[2] * rate * control[3]), root_of = (float)control[4];
	float keep = decoupled ? (float)(1 - control[2] * rate * decay) : 1, own = decoupled ? 0 : (float)decay;
	each(i, n) {
		float x = w[i] * keep, d = g[i] * scale + own * x;
		m[i] += b1 * (d - m[i]);
		v[i] = b2 * v[i] + c2 * (d * d);
		w[i] = x - step * m[i] / (root(v[i]) / root_of + eps);
	}
}

KERNEL(rmsprop)(int n, double rate, float momentum, float decay, float a, float c, float eps, const double *control, const float *g, float *w, float *v, float *b) {
	if (control[1] == 0) return;
	float scale = (float)control[0], lr = (float)(control[2] * rate);
	each(i, n) {
		float d = g[i] * scale + decay * w[i];
		v[i] = a * v[i] + c * (d * d);
		d /= root(v[i]) + eps;
		if (b) d = b[i] = momentum * b[i] + d;
		w[i] -= lr * d;
	}
}

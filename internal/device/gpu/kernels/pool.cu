// Pooling of planes (h, w) to (oh, ow). Bound by memory.
#include "medusa.cuh"

// The largest number of each window, a NaN if there is one, and the first place where it
// stands; cut at 0 with relu. arg may be null.
KERNEL(max_pool)(int n, int h, int w, int oh, int ow, int kh, int kw, int sh, int sw, int padh, int padw, int relu, const float *x, float *y, int *arg) {
	each(i, n) {
		const float *plane = x + i / (oh * ow) * h * w;
		int r0 = i / ow % oh * sh - padh, c0 = i % ow * sw - padw, at = -1;
		float best = -INFINITE;
		for (int r = r0 < 0 ? 0 : r0; r < r0 + kh && r < h; r++)
			for (int c = c0 < 0 ? 0 : c0; c < c0 + kw && c < w; c++) {
				float v = plane[r * w + c];
				if (at < 0 || v > best || is_nan(v) && !is_nan(best)) {
					best = v;
					at = r * w + c;
				}
			}
		y[i] = relu && best < 0 ? 0 : best;
		if (arg) arg[i] = at;
	}
}

// Each place of dx adds up the windows whose maximum it is.
KERNEL(max_pool_grad)(int n, int h, int w, int oh, int ow, int kh, int kw, int sh, int sw, int padh, int padw, const float *dy, const int *arg, float *dx) {
	each(i, n) {
		int place = i % (h * w), base = i / (h * w) * oh * ow, r = place / w + padh, c = place % w + padw;
		int from_r = r - kh + 1 > 0 ? (r - kh + sh) / sh : 0, from_c = c - kw + 1 > 0 ? (c - kw + sw) / sw : 0;
		float sum = 0;
		for (int p = from_r; p <= r / sh && p < oh; p++)
			for (int q = from_c; q <= c / sw && q < ow; q++) {
				int o = base + p * ow + q;
				if (arg[o] == place) sum += dy[o];
			}
		dx[i] = sum;
	}
}

// counted is how many places of a window count along one axis: those on the plane and, unless
// padding is excluded, in the padding; never those beyond it.
static __device__ int counted(int from, int k, int n, int pad, int exclude) {
	int to = from + k, end = exclude ? n : n + pad;
	if (to > end) to = end;
	return to - (exclude && from < 0 ? 0 : from);
}

KERNEL(avg_pool)(int n, int h, int w, int oh, int ow, int kh, int kw, int sh, int sw, int padh, int padw, int exclude, const float *x, float *y) {
	each(i, n) {
		const float *plane = x + i / (oh * ow) * h * w;
		int r0 = i / ow % oh * sh - padh, c0 = i % ow * sw - padw;
		float sum = 0;
		for (int r = r0 < 0 ? 0 : r0; r < r0 + kh && r < h; r++)
			for (int c = c0 < 0 ? 0 : c0; c < c0 + kw && c < w; c++) sum += plane[r * w + c];
		y[i] = sum / (float)(counted(r0, kh, h, padh, exclude) * counted(c0, kw, w, padw, exclude));
	}
}

KERNEL(avg_pool_grad)(int n, int h, int w, int oh, int ow, int kh, int kw, int sh, int sw, int padh, int padw, int exclude, const float *dy, float *dx) {
	each(i, n) {
		int place = i % (h * w), base = i / (h * w) * oh * ow, r = place / w + padh, c = place % w + padw;
		int from_r = r - kh + 1 > 0 ? (r - kh + sh) / sh : 0, from_c = c - kw + 1 > 0 ? (c - kw + sw) / sw : 0;
		float sum = 0;
		for (int p = from_r; p <= r / sh && p < oh; p++)
			for (int q = from_c; q <= c / sw && q < ow; q++)
				sum += dy[base + p * ow + q] / (float)(counted(p * sh - padh, kh, h, padh, exclude) * counted(q * sw - padw, kw, w, padw, exclude));
		dx[i] = sum;
	}
}

// Means of planes: a block a plane.
KERNEL(plane_mean)(int size, const float *x, float *y) {
	__shared__ float shared[WIDTH];
	float sum = 0;
	for (int i = THREAD; i < size; i += WIDTH) sum += x[BLOCK * size + i];
	sum = block_sum(sum, shared);
	if (THREAD == 0) y[BLOCK] = sum / size;
}

KERNEL(plane_mean_grad)(int n, int size, const float *dy, float *dx) {
	each(i, n) dx[i] = dy[i / size] / size;
}

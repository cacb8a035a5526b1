// Pooling of planes (h, w) to (oh, ow). Bound by memory.
#include "medusa.cuh"

// Place is where element i of planes of a size stands; the divisors are that of a plane's
// elements and its width.
struct Place {
	int plane, at, row, column;
	__device__ Place(int i, const Divisor &area, const Divisor &width) {
		plane = area.over(i);
		at = i - plane * area.d;
		row = width.over(at);
		column = at - row * width.d;
	}
};

// The largest number of each window, a NaN if there is one, and the first place where it
// stands; cut at 0 with relu. arg may be null. area and width are of the result.
KERNEL(max_pool)(int n, divisor area, divisor width, int h, int w, int kh, int kw, int sh, int sw, int padh, int padw, flag relu, const float *x, float *y, int *arg) {
	Divisor out(area), ow(width);
	each(i, n) {
		Place o(i, out, ow);
		const float *plane = x + o.plane * h * w;
		int r0 = o.row * sh - padh, c0 = o.column * sw - padw, at = -1;
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

// Windows is the range of windows along one axis that hold place i, padding included.
struct Windows {
	int from, to;
	__device__ Windows(int i, int k, const Divisor &stride, int most) {
		from = i - k + 1 > 0 ? stride.over(i - k + stride.d) : 0;
		to = min_of(stride.over(i) + 1, most);
	}
};

// Each place of dx adds up the windows whose maximum it is. area and width are of dx.
KERNEL(max_pool_grad)(int n, divisor area, divisor width, int oh, int ow, int kh, int kw, divisor sh, divisor sw, int padh, int padw, const float *dy, const int *arg, float *dx) {
	Divisor in(area), w(width), down(sh), across(sw);
	each(i, n) {
		Place p(i, in, w);
		Windows rows(p.row + padh, kh, down, oh), columns(p.column + padw, kw, across, ow);
		float sum = 0;
		for (int r = rows.from; r < rows.to; r++)
			for (int c = columns.from; c < columns.to; c++) {
				int o = (p.plane * oh + r) * ow + c;
				if (arg[o] == p.at) sum += dy[o];
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

KERNEL(avg_pool)(int n, divisor area, divisor width, int h, int w, int kh, int kw, int sh, int sw, int padh, int padw, flag exclude, const float *x, float *y) {
	Divisor out(area), ow(width);
	each(i, n) {
		Place o(i, out, ow);
		const float *plane = x + o.plane * h * w;
		int r0 = o.row * sh - padh, c0 = o.column * sw - padw;
		float sum = 0;
		for (int r = r0 < 0 ? 0 : r0; r < r0 + kh && r < h; r++)
			for (int c = c0 < 0 ? 0 : c0; c < c0 + kw && c < w; c++) sum += plane[r * w + c];
		y[i] = sum / (float)(counted(r0, kh, h, padh, exclude) * counted(c0, kw, w, padw, exclude));
	}
}

// area and width are of dx, h its height.
KERNEL(avg_pool_grad)(int n, divisor area, divisor width, int h, int oh, int ow, int kh, int kw, divisor sh, divisor sw, int padh, int padw, flag exclude, const float *dy, float *dx) {
	Divisor in(area), w(width), down(sh), across(sw);
	each(i, n) {
		Place p(i, in, w);
		Windows rows(p.row + padh, kh, down, oh), columns(p.column + padw, kw, across, ow);
		float sum = 0;
		for (int r = rows.from; r < rows.to; r++)
			for (int c = columns.from; c < columns.to; c++)
				sum += dy[(p.plane * oh + r) * ow + c] /
					(float)(counted(r * down.d - padh, kh, h, padh, exclude) * counted(c * across.d - padw, kw, w.d, padw, exclude));
		dx[i] = sum;
	}
}

// Means of planes: LANES threads a plane.
enum { LANES = 32 };
KERNEL(plane_mean)(int planes, int size, const float *x, float *y) {
	__shared__ float shared[WIDTH];
	int lane = THREAD % LANES, plane = BLOCK * (WIDTH / LANES) + THREAD / LANES;
	float sum = 0;
	for (int i = lane; plane < planes && i < size; i += LANES) sum += x[plane * size + i];
	shared[THREAD] = sum;
	SYNC;
	for (int half = LANES / 2; half > 0; half /= 2) {
		if (lane < half) shared[THREAD] += shared[THREAD + half];
		SYNC;
	}
	if (lane == 0 && plane < planes) y[plane] = shared[THREAD] / size;
}

KERNEL(plane_mean_grad)(int n, divisor area, const float *dy, float *dx) {
	Divisor size(area);
	each(i, n) dx[i] = dy[size.over(i)] / size.d;
}

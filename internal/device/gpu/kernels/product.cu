// Products of matrices, and convolutions as products whose factors are gathered on the way
// (implicit GEMM). cuBLAS and cuDNN do the large ones where they are; these need no library.
// They are bound by arithmetic of plain float32.
#include "tile.cuh"

// C (m, n) = alpha·A·B + beta·C + bias, cut at 0 with relu; A(i, k) stands at a[i·ai + k·ak], B(k, j) at
// b[k·bk + j·bj], bias (n) may be null. Grid (n/64, m/64).
KERNEL(gemm)(int m, int n, int k, float alpha, const float *a, int ai, int ak, const float *b, int bk, int bj, float beta, const float *bias, int relu, float *c) {
	__shared__ float as[DEPTH][TILE + 4], bs[DEPTH][TILE + 4];
	multiply(BLOCK_Y * TILE, BLOCK * TILE, m, n, 0, k,
		[=](int i, int d) { return a[i * ai + d * ak]; },
		[=](int d, int j) { return b[d * bk + j * bj]; },
		[=](int i, int j, float v) {
			v *= alpha;
			if (beta != 0) v += beta * c[i * n + j];
			if (bias) v += bias[j];
			c[i * n + j] = relu && v < 0 ? 0 : v;
		}, Product(), as, bs);
}

// y (N, OutC, OH, OW) = x ⋆ w + bias of one group of channels: c and outc are those of the
// group, xc and yc those of the tensors, x, w, bias and y begin at the group's first. Grid
// (N·OH·OW/64, outc/64).
KERNEL(conv_forward)(int images, int c, int h, int w, int outc, int kh, int kw, int oh, int ow, int padh, int padw, int sh, int sw, int dh, int dw, int xc, int yc,
	const float *x, const float *weight, const float *bias, int relu, float *y) {
	__shared__ float as[DEPTH][TILE + 4], bs[DEPTH][TILE + 4];
	int taps = kh * kw, pixels = oh * ow;
	multiply(BLOCK_Y * TILE, BLOCK * TILE, outc, images * pixels, 0, c * taps,
		[=](int o, int k) { return weight[o * c * taps + k]; },
		[=](int k, int p) {
			int channel = k / taps, tap = k % taps, at = p % pixels;
			int i = at / ow * sh - padh + tap / kw * dh, j = at % ow * sw - padw + tap % kw * dw;
			if (i < 0 || i >= h || j < 0 || j >= w) return 0.0f;
			return x[((p / pixels * xc + channel) * h + i) * w + j];
		},
		[=](int o, int p, float v) {
			if (bias) v += bias[o];
			y[(p / pixels * yc + o) * pixels + p % pixels] = relu && v < 0 ? 0 : v;
		}, Product(), as, bs);
}

// dx (N, C, H, W) from dy and w. Grid (N·H·W/64, c/64).
KERNEL(conv_to_input)(int images, int c, int h, int w, int outc, int kh, int kw, int oh, int ow, int padh, int padw, int sh, int sw, int dh, int dw, int xc, int yc,
	const float *dy, const float *weight, float *dx) {
	__shared__ float as[DEPTH][TILE + 4], bs[DEPTH][TILE + 4];
	int taps = kh * kw, pixels = h * w;
	multiply(BLOCK_Y * TILE, BLOCK * TILE, c, images * pixels, 0, outc * taps,
		[=](int channel, int k) { return weight[(k / taps * c + channel) * taps + k % taps]; },
		[=](int k, int p) {
			int tap = k % taps, at = p % pixels;
			int i = at / w + padh - tap / kw * dh, j = at % w + padw - tap % kw * dw;
			if (i < 0 || j < 0 || i % sh || j % sw) return 0.0f;
			i /= sh;
			j /= sw;
			if (i >= oh || j >= ow) return 0.0f;
			return dy[((p / pixels * yc + k / taps) * oh + i) * ow + j];
		},
		[=](int channel, int p, float v) { dx[(p / pixels * xc + channel) * pixels + p % pixels] = v; }, Product(), as, bs);
}

// dw (outc, c, KH, KW) from x and dy, by parts: part z of the places goes to parts[z], which
// sum_parts adds up. Grid (c·KH·KW/64, outc/64, parts).
KERNEL(conv_to_weight)(int images, int c, int h, int w, int outc, int kh, int kw, int oh, int ow, int padh, int padw, int sh, int sw, int dh, int dw, int xc, int yc,
	const float *x, const float *dy, int part, float *parts) {
	__shared__ float as[DEPTH][TILE + 4], bs[DEPTH][TILE + 4];
	int taps = kh * kw, pixels = oh * ow, n = c * taps, all = images * pixels;
	int k0 = BLOCK_Z * part, k1 = k0 + part < all ? k0 + part : all;
	float *out = parts + BLOCK_Z * outc * n;
	multiply(BLOCK_Y * TILE, BLOCK * TILE, outc, n, k0, k1,
		[=](int o, int k) { return dy[(k / pixels * yc + o) * pixels + k % pixels]; },
		[=](int k, int j) {
			int at = k % pixels, tap = j % taps;
			int i = at / ow * sh - padh + tap / kw * dh, l = at % ow * sw - padw + tap % kw * dw;
			if (i < 0 || i >= h || l < 0 || l >= w) return 0.0f;
			return x[((k / pixels * xc + j / taps) * h + i) * w + l];
		},
		[=](int o, int j, float v) { out[o * n + j] = v; }, Product(), as, bs);
}

// y (n) is the sum of parts (count, n).
KERNEL(sum_parts)(int n, int count, const float *parts, float *y) {
	each(i, n) {
		double sum = 0;
		for (int z = 0; z < count; z++) sum += parts[z * n + i];
		y[i] = (float)sum;
	}
}

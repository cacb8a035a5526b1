// Convolutions of each channel alone: x (N, C, H, W) with w (C, KH, KW). A product of matrices would
// have one row.
#include "medusa.cuh"

// y (N, C, OH, OW) = x ⋆ w + bias, cut at 0 with relu; bias may be null.
KERNEL(depth_forward)(int n, divisor channels, divisor plane, divisor width, int h, int w, int kh, int kw, int padh, int padw, int sh, int sw, int dh, int dw, const float *x, const float *filters, const float *bias, flag relu, float *y) {
	Divisor cs(channels), size(plane), ow(width);
	each(i, n) {
		int image = size.over(i), place = i - image * size.d, c = cs.rest(image), row = ow.over(place);
		int r0 = row * sh - padh, c0 = (place - row * ow.d) * sw - padw;
		const float *from = x + image * h * w, *filter = filters + c * kh * kw;
		float v = 0;
		for (int a = 0; a < kh; a++)
			for (int b = 0; b < kw; b++) {
				int r = r0 + a * dh, q = c0 + b * dw;
				v = fused(filter[a * kw + b], fetch(from + r * w + q, (unsigned)r < (unsigned)h && (unsigned)q < (unsigned)w), v);
			}
		if (bias) v += bias[c];
		y[i] = relu && v < 0 ? 0 : v;
	}
}

// dx (N, C, H, W) from dy and w.
KERNEL(depth_to_input)(int n, divisor channels, divisor plane, divisor width, int oh, int ow, int kh, int kw, int padh, int padw, divisor by_sh, divisor by_sw, int dh, int dw, const float *dy, const float *filters, float *dx) {
	Divisor cs(channels), size(plane), w(width), sh(by_sh), sw(by_sw);
	each(i, n) {
		int image = size.over(i), place = i - image * size.d, c = cs.rest(image), row = w.over(place), col = place - row * w.d;
		const float *from = dy + image * oh * ow, *filter = filters + c * kh * kw;
		float v = 0;
		for (int a = 0; a < kh; a++) {
			int r = row + padh - a * dh;
			if (r < 0) break;
			int y = sh.over(r);
			if (y * sh.d != r || y >= oh) continue;
			for (int b = 0; b < kw; b++) {
				int q = col + padw - b * dw;
				if (q < 0) break;
				int x = sw.over(q);
				if (x * sw.d == q && x < ow) v = fused(filter[a * kw + b], from[y * ow + x], v);
			}
		}
		dx[i] = v;
	}
}

// dw (C, KH, KW) from x and dy, or of parts of the places (parts, C, KH, KW): see result. Grid
// (C·KH·KW, parts).
KERNEL(depth_to_weight)(int images, int channels, divisor plane, divisor width, int h, int w, int kh, int kw, int padh, int padw, int sh, int sw, int dh, int dw, const float *x, const float *dy, double *parts, float *grads) {
	__shared__ double shared[WIDTH];
	Divisor size(plane), ow(width);
	int c = BLOCK / (kh * kw), tap = BLOCK % (kh * kw), n = images * size.d;
	int each = (n + BLOCKS_Y - 1) / BLOCKS_Y, from = BLOCK_Y * each, to = min_of(n, from + each);
	int down = tap / kw * dh - padh, across = tap % kw * dw - padw;
	double sum = 0;
	for (int i = from + THREAD; i < to; i += WIDTH) {
		int image = size.over(i), place = i - image * size.d, row = ow.over(place);
		int r = row * sh + down, q = (place - row * ow.d) * sw + across, at = image * channels + c;
		sum += (double)dy[at * size.d + place] * fetch(x + (at * h + r) * w + q, (unsigned)r < (unsigned)h && (unsigned)q < (unsigned)w);
	}
	sum = block_sum(sum, shared);
	if (THREAD == 0) result(BLOCK_Y * BLOCKS + BLOCK, sum, parts, grads);
}

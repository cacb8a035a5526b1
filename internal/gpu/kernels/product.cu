// Products of matrices, and convolutions as products whose factors are gathered on the way
// (implicit GEMM). cuBLAS and cuDNN do them where they are; these need no library. They are
// bound by arithmetic: of plain float32, or of tensor cores with factors rounded to TF32.
//
// Each can be cut in parts along k: part z of the results then goes to a tensor of its own, and
// sum_parts adds them up.
#include "tile.cuh"

// C (m, n) = A·B + bias, cut at 0 with relu; A(i, k) stands at a[i·ai + k·ak], B(k, j) at
// b[k·bk + j·bj], of each pair of strides one 1; bias (n) may be null; a part of k is of each. There are so many
// such products, whose factors stand next_a and next_b apart. Grid (tiles, 1, parts·products).
template <class T> static __device__ void gemm(int m, int n, int k, const float *a, int ai, int ak, int next_a, const float *b, int bk, int bj, int next_b, const float *bias, int relu, int products, int each, float *c) {
	SHARED_OF(T);
	Area<T> area(m, n);
	int part = BLOCK_Z / products, product = BLOCK_Z - part * products;
	a += (i64)product * next_a;
	b += (i64)product * next_b;
	int k0 = part * each, k1 = k - k0 < each ? k : k0 + each;
	c += (i64)BLOCK_Z * m * n;
	auto store = [=](int i, int j, float v) {
		if (bias) v += bias[j];
		c[(i64)i * n + j] = relu && v < 0 ? 0 : v;
	};
	Strided<T, true> deep_a(a, ai, 1, area.row, m), deep_b(b, bj, 1, area.col, n);
	Strided<T, false> flat_a(a, 1, ak, area.row, m), flat_b(b, 1, bk, area.col, n);
	if (ak == 1 && bj == 1) multiply(area, k0, k1, deep_a, flat_b, Product(), store, shared);
	else if (ak == 1) multiply(area, k0, k1, deep_a, deep_b, Product(), store, shared);
	else if (bj == 1) multiply(area, k0, k1, flat_a, flat_b, Product(), store, shared);
	else multiply(area, k0, k1, flat_a, deep_b, Product(), store, shared);
}

TILED(gemm, (int m, int n, int k, const float *a, int ai, int ak, int next_a, const float *b, int bk, int bj, int next_b, const float *bias, flag relu, int products, int each, float *c),
	(m, n, k, a, ai, ak, next_a, b, bk, bj, next_b, bias, relu, products, each, c))

// A convolution's sizes: c and outc are the channels of one of its groups. Tensors have less than
// 2³¹ numbers.
struct Sizes {
	int images, c, h, w, outc, kh, kw, oh, ow, padh, padw, sh, sw, dh, dw, groups;
};
#define SIZES int images, int c, int h, int w, int outc, int kh, int kw, int oh, int ow, int padh, int padw, int sh, int sw, int dh, int dw, int groups
#define OF_SIZES Sizes{images, c, h, w, outc, kh, kw, oh, ow, padh, padw, sh, sw, dh, dw, groups}

// Axis is where along one side the taps of a window lie: tap t at (first + t·step)/stride, and
// nowhere if that is no whole number. It is above −lift.
struct Axis {
	int first, step, lift;
	Divisor by;
	__device__ bool at(int t, int *o) const {
		int n = first + t * step + lift * by.d, q = by.over(n);
		*o = q - lift;
		return q * by.d == n;
	}
};

// Window is a factor of which (k, p) is what a window at place p of a tensor (…, deep, h, w) sees: of
// k = tap·deep + channel. With whole a tile of k lies within one tap.
template <class T> struct Window : Carrier<T, false> {
	typedef Carrier<T, false> C;
	const float *x; // where the first tap lies, of the first channel
	int i, j, h, w, deep, end;
	bool whole;
	Divisor by_deep, by_kw;
	Axis down, across;
	__device__ Window(int deep, int h, int w, int taps, Divisor by_deep, Divisor by_kw, Axis down, Axis across)
		: h(h), w(w), deep(deep), end(deep * taps), whole(deep % T::DEPTH == 0), by_deep(by_deep), by_kw(by_kw), down(down), across(across) {}
	// The pixel (i, j) of channels that begin at x is the one that the thread's windows begin at.
	__device__ void place(const float *x, int i, int j) {
		this->x = x + ((i64)i * w + j);
		this->i = i;
		this->j = j;
	}
	__device__ bool tap(int t, int *o, int *l) const {
		int row = by_kw.over(t);
		bool a = down.at(row, o), b = across.at(t - row * by_kw.d, l);
		return a && b;
	}
	__device__ bool sees(int t, int *at) const {
		int o, l;
		bool ok = tap(t, &o, &l);
		*at = o * w + l;
		return ok && (unsigned)(i + o) < (unsigned)h && (unsigned)(j + l) < (unsigned)w;
	}
	// skip leaves out taps that lie between the pixels.
	__device__ int skip(int k) const {
		int o, l;
		if (whole)
			while (k < end && !tap(by_deep.over(k), &o, &l)) k = (by_deep.over(k) + 1) * deep;
		return k;
	}
	__device__ void load(int k, int end) {
		int plane = h * w, at;
		if (whole) {
			int t = by_deep.over(k);
			bool ok = sees(t, &at) && k < end;
			const float *q = x + ((k - t * deep + C::depth()) * plane + at);
			#pragma unroll
			for (int e = 0; e < T::CARRIED; e++, q += T::PITCH * plane) this->v[e] = fetch(q, ok);
			return;
		}
		#pragma unroll
		for (int e = 0; e < T::CARRIED; e++) {
			int own = k + C::depth() + C::depth(e), t = by_deep.over(own);
			bool ok = sees(t, &at) && own < end;
			this->v[e] = fetch(x + ((own - t * deep) * plane + at), ok);
		}
	}
};

// y (N, OutC, OH, OW) = x ⋆ w + bias; the filters are in the order of conv_filters. Grid (tiles of
// outc × N·OH·OW, 1, groups·parts).
template <class T> static __device__ void conv_forward(Sizes s, u64 by_c, u64 by_kw, int parts, int each, const float *x, const float *filters, const float *bias, int relu, float *y) {
	SHARED_OF(T);
	int taps = s.kh * s.kw, pixels = s.oh * s.ow, deep = s.c * taps, group = BLOCK_Z / parts, part = BLOCK_Z % parts;
	int k0 = part * each, k1 = deep - k0 < each ? deep : k0 + each;
	Area<T> area(s.outc, s.images * pixels);
	Divisor one(1ull << 32 | 1u << 31);
	Window<T> b(s.c, s.h, s.w, taps, Divisor(by_c), Divisor(by_kw), Axis{0, s.dh, 0, one}, Axis{0, s.dw, 0, one});
	int p = area.col + b.row();
	if (p >= area.cols) p = area.cols - 1;
	int image = p / pixels, at = p % pixels;
	b.place(x + (i64)(image * s.groups + group) * s.c * s.h * s.w, at / s.ow * s.sh - s.padh, at % s.ow * s.sw - s.padw);
	y += ((i64)part * s.images * s.groups + group) * s.outc * pixels;
	if (bias) bias += group * s.outc;
	multiply(area, k0, k1, Strided<T, true>(filters + (i64)group * s.outc * deep, deep, 1, area.row, s.outc), b, Product(), [=](int o, int p, float v) {
		if (bias) v += bias[o];
		y[(i64)(p / pixels * s.groups * s.outc + o) * pixels + p % pixels] = relu && v < 0 ? 0 : v;
	}, shared);
}

TILED(conv_forward, (SIZES, divisor by_c, divisor by_kw, int parts, int each, const float *x, const float *filters, const float *bias, flag relu, float *y),
	(OF_SIZES, by_c, by_kw, parts, each, x, filters, bias, relu, y))

// dx (N, C, H, W) from dy and w; the filters are in the order of conv_filters with turn. Pixels that
// see the same taps, those of a phase of the strides, are a product of their own. Grid (tiles of
// c × N·H/sh·W/sw, rounded up, 1, groups·sh·sw·parts).
template <class T> static __device__ void conv_to_input(Sizes s, u64 by_outc, u64 by_kw, u64 by_sh, u64 by_sw, int parts, int each, const float *dy, const float *filters, float *dx) {
	SHARED_OF(T);
	int taps = s.kh * s.kw, deep = s.outc * taps, part = BLOCK_Z % parts, z = BLOCK_Z / parts;
	int fi = z / s.sw % s.sh, fj = z % s.sw, group = z / (s.sh * s.sw);
	int h = (s.h - fi + s.sh - 1) / s.sh, w = (s.w - fj + s.sw - 1) / s.sw, cols = s.images * h * w; // of the phase
	if (cols <= 0 || BLOCK >= (cols + T::SIDE - 1) / T::SIDE * ((s.c + T::SIDE - 1) / T::SIDE)) return;
	int k0 = part * each, k1 = deep - k0 < each ? deep : k0 + each;
	Area<T> area(s.c, cols);
	Axis down{fi + s.padh, -s.dh, (s.kh - 1) * s.dh, Divisor(by_sh)}, across{fj + s.padw, -s.dw, (s.kw - 1) * s.dw, Divisor(by_sw)};
	Window<T> b(s.outc, s.oh, s.ow, taps, Divisor(by_outc), Divisor(by_kw), down, across);
	int p = area.col + b.row();
	if (p >= cols) p = cols - 1;
	int image = p / (h * w), at = p % (h * w);
	b.place(dy + (i64)(image * s.groups + group) * s.outc * s.oh * s.ow, at / w, at % w);
	int plane = s.h * s.w;
	dx += ((i64)part * s.images * s.groups + group) * s.c * plane;
	multiply(area, k0, k1, Strided<T, true>(filters + (i64)group * s.c * deep, deep, 1, area.row, s.c), b, Product(), [=](int c, int p, float v) {
		int image = p / (h * w), at = p % (h * w);
		dx[(i64)(image * s.groups * s.c + c) * plane + (at / w * s.sh + fi) * s.w + at % w * s.sw + fj] = v;
	}, shared);
}

TILED(conv_to_input, (SIZES, divisor by_outc, divisor by_kw, divisor by_sh, divisor by_sw, int parts, int each, const float *dy, const float *filters, float *dx),
	(OF_SIZES, by_outc, by_kw, by_sh, by_sw, parts, each, dy, filters, dx))

// Grads is a factor of which (o, k) is dy of channel o at place k, of all images' places.
template <class T> struct Grads : Carrier<T, true> {
	typedef Carrier<T, true> C;
	const float *dy;
	int between, left; // numbers from one image's channels to the next one's, less a plane; rows from the thread's first on
	Divisor by_plane;
	__device__ Grads(const float *dy, int channels, int all, Divisor by_plane, int first)
		: dy(dy + ((first + C::row()) * by_plane.d + C::depth())), between((all - 1) * by_plane.d), left(channels - first - C::row()), by_plane(by_plane) {}
	__device__ void load(int k, int end) {
		#pragma unroll
		for (int f = 0; f < T::DEPTH; f += 8) {
			int place = k + f + C::depth();
			const float *q = dy + (k + f + by_plane.over(place) * between);
			#pragma unroll
			for (int r = 0; r < T::RUNS; r++, q += 32 * by_plane.d) this->v[f / 8 * T::RUNS + r] = fetch(q, place < end && r * 32 < left);
		}
	}
};

// Patches is a factor of which (k, j) is what tap and channel j, in the order of the filters, see from
// the result at place k.
template <class T> struct Patches : Carrier<T, true> {
	typedef Carrier<T, true> C;
	const float *x;
	int h, w, padh, padw, sh, sw, image; // image: numbers from one's channels to the next one's
	int i[T::RUNS], j[T::RUNS], at[T::RUNS];
	Divisor by_plane, by_ow;
	__device__ Patches(const float *x, const Sizes &s, Divisor by_plane, Divisor by_ow, int first)
		: x(x), h(s.h), w(s.w), padh(s.padh), padw(s.padw), sh(s.sh), sw(s.sw), image(s.groups * s.c * s.h * s.w), by_plane(by_plane), by_ow(by_ow) {
		int taps = s.kh * s.kw, last = s.c * taps - 1;
		#pragma unroll
		for (int r = 0; r < T::RUNS; r++) {
			int n = first + C::row() + r * 32;
			if (n > last) n = last;
			i[r] = n % taps / s.kw * s.dh;
			j[r] = n % taps % s.kw * s.dw;
			at[r] = (n / taps * s.h + i[r]) * s.w + j[r];
		}
	}
	__device__ void load(int k, int end) {
		#pragma unroll
		for (int f = 0; f < T::DEPTH; f += 8) {
			int place = k + f + C::depth(), n = by_plane.over(place), p = place - n * by_plane.d, row = by_ow.over(p);
			int y0 = row * sh - padh, x0 = (p - row * by_ow.d) * sw - padw;
			const float *q = x + (n * image + y0 * w + x0);
			#pragma unroll
			for (int r = 0; r < T::RUNS; r++) {
				bool ok = place < end && (unsigned)(y0 + i[r]) < (unsigned)h && (unsigned)(x0 + j[r]) < (unsigned)w;
				this->v[f / 8 * T::RUNS + r] = fetch(q + at[r], ok);
			}
		}
	}
};

// dw (OutC, c, KH, KW) from x and dy. Grid (tiles of outc × c·KH·KW, 1, groups·parts).
template <class T> static __device__ void conv_to_weight(Sizes s, u64 by_plane, u64 by_ow, int parts, int each, const float *x, const float *dy, float *grad) {
	SHARED_OF(T);
	int n = s.c * s.kh * s.kw, plane = s.oh * s.ow, all = s.images * plane, group = BLOCK_Z / parts, part = BLOCK_Z % parts;
	int k0 = part * each, k1 = all - k0 < each ? all : k0 + each;
	Area<T> area(s.outc, n);
	Divisor images(by_plane);
	Grads<T> a(dy + (i64)group * s.outc * plane, s.outc, s.groups * s.outc, images, area.row);
	Patches<T> b(x + (i64)group * s.c * s.h * s.w, s, images, Divisor(by_ow), area.col);
	grad += ((i64)part * s.groups + group) * s.outc * n;
	multiply(area, k0, k1, a, b, Product(), [=](int o, int j, float v) { grad[(i64)o * n + j] = v; }, shared);
}

TILED(conv_to_weight, (SIZES, divisor by_plane, divisor by_ow, int parts, int each, const float *x, const float *dy, float *grad),
	(OF_SIZES, by_plane, by_ow, parts, each, x, dy, grad))

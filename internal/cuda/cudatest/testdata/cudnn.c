// A libcudnn.so.9 on top of the fake driver: the convolutions of its legacy interface, with
// plain loops.
#include "fake.h"
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BAD_PARAM = 2000, NOT_SUPPORTED = 3000, EXECUTION_FAILED = 5000, NOT_INITIALIZED = 1001 };
enum { HANDLE = 0xd001, TENSOR, FILTER, CONVOLUTION };
typedef struct { int kind; void *stream; } handle;
typedef struct { int kind, format, v[4]; } shape; // NCHW or KCRS, whatever the format
typedef struct { int kind, ph, pw, sh, sw, dh, dw, groups, math; } convolution;
static long living;
long fake_dnn_objects(void) { return living; }

#define BEGIN(name) int code_; if (fake_injected(name, &code_)) return code_; if (!fake_context()) return NOT_INITIALIZED
#define NEED(p, k) do { if (!(p) || *(const int *)(p) != (k)) return BAD_PARAM; } while (0)

size_t cudnnGetVersion(void) { return 91301; }
const char *cudnnGetErrorString(int s) {
	switch (s) {
	case 0: return "CUDNN_STATUS_SUCCESS";
	case 1001: return "CUDNN_STATUS_NOT_INITIALIZED";
	case 2000: return "CUDNN_STATUS_BAD_PARAM";
	case 3000: return "CUDNN_STATUS_NOT_SUPPORTED";
	case 5000: return "CUDNN_STATUS_EXECUTION_FAILED";
	}
	return "CUDNN_UNKNOWN_STATUS";
}
static int make(void **out, int kind, size_t bytes) { *out = calloc(1, bytes); *(int *)*out = kind; living++; return 0; }
static int drop(void *p) { *(int *)p = 0; free(p); living--; return 0; }

int cudnnCreate(void **out) { BEGIN("cudnnCreate"); return make(out, HANDLE, sizeof(handle)); }
int cudnnDestroy(handle *h) { BEGIN("cudnnDestroy"); NEED(h, HANDLE); return drop(h); }
int cudnnSetStream(handle *h, void *s) {
	BEGIN("cudnnSetStream");
	NEED(h, HANDLE);
	if (!fake_valid_stream(s)) return BAD_PARAM;
	fake_logf("cudnnSetStream %p", s);
	h->stream = s;
	return 0;
}
int cudnnCreateTensorDescriptor(void **out) { BEGIN("cudnnCreateTensorDescriptor"); return make(out, TENSOR, sizeof(shape)); }
int cudnnDestroyTensorDescriptor(shape *d) { BEGIN("cudnnDestroyTensorDescriptor"); NEED(d, TENSOR); return drop(d); }
int cudnnCreateFilterDescriptor(void **out) { BEGIN("cudnnCreateFilterDescriptor"); return make(out, FILTER, sizeof(shape)); }
int cudnnDestroyFilterDescriptor(shape *d) { BEGIN("cudnnDestroyFilterDescriptor"); NEED(d, FILTER); return drop(d); }
int cudnnCreateConvolutionDescriptor(void **out) { BEGIN("cudnnCreateConvolutionDescriptor"); return make(out, CONVOLUTION, sizeof(convolution)); }
int cudnnDestroyConvolutionDescriptor(convolution *d) { BEGIN("cudnnDestroyConvolutionDescriptor"); NEED(d, CONVOLUTION); return drop(d); }

static int set(shape *d, int format, int type, int a, int b, int c, int e) {
	if (type || format < 0 || format > 1 || a < 1 || b < 1 || c < 1 || e < 1) return BAD_PARAM;
	d->format = format;
	d->v[0] = a, d->v[1] = b, d->v[2] = c, d->v[3] = e;
	return 0;
}
int cudnnSetTensor4dDescriptor(shape *d, int format, int type, int n, int c, int h, int w) {
	BEGIN("cudnnSetTensor4dDescriptor");
	NEED(d, TENSOR);
	fake_logf("cudnnSetTensor4dDescriptor %d %d %d %d %d %d", format, type, n, c, h, w);
	return set(d, format, type, n, c, h, w);
}
int cudnnSetFilter4dDescriptor(shape *d, int type, int format, int k, int c, int r, int s) {
	BEGIN("cudnnSetFilter4dDescriptor");
	NEED(d, FILTER);
	fake_logf("cudnnSetFilter4dDescriptor %d %d %d %d %d %d", type, format, k, c, r, s);
	return set(d, format, type, k, c, r, s);
}
int cudnnSetConvolution2dDescriptor(convolution *d, int ph, int pw, int sh, int sw, int dh, int dw, int mode, int type) {
	BEGIN("cudnnSetConvolution2dDescriptor");
	NEED(d, CONVOLUTION);
	fake_logf("cudnnSetConvolution2dDescriptor %d %d %d %d %d %d %d %d", ph, pw, sh, sw, dh, dw, mode, type);
	if (mode != 1 || type) return NOT_SUPPORTED;
	*d = (convolution){CONVOLUTION, ph, pw, sh, sw, dh, dw, 1, 0};
	return 0;
}
int cudnnSetConvolutionGroupCount(convolution *d, int n) { BEGIN("cudnnSetConvolutionGroupCount"); NEED(d, CONVOLUTION); fake_logf("cudnnSetConvolutionGroupCount %d", n); d->groups = n; return 0; }
int cudnnSetConvolutionMathType(convolution *d, int m) { BEGIN("cudnnSetConvolutionMathType"); NEED(d, CONVOLUTION); fake_logf("cudnnSetConvolutionMathType %d", m); d->math = m; return 0; }

// The list that a choice is made from: a fast one whose order of sums is free, one with a
// large workspace, one that failed, and a plain one.
typedef struct { int algo, status; float time; size_t memory; int determinism, math, reserved[3]; } perf;
enum { LARGE = 1 << 20, SMALL = 1 << 10 };

static int list(int requested, int *n, perf *out, int free_order, int large, int broken, int plain) {
	perf all[] = {{free_order, 0, 0.1f, 0, 0, 0, {0}}, {broken, NOT_SUPPORTED, -1, 0, 1, 0, {0}},
		{large, 0, 0.2f, LARGE, 1, 0, {0}}, {plain, 0, 0.3f, SMALL, 1, 0, {0}}};
	*n = requested < 4 ? requested : 4;
	memcpy(out, all, *n * sizeof *out);
	return 0;
}
static size_t workspace(int algo, int large, int plain) { return algo == large ? LARGE : algo == plain ? SMALL : 0; }

#define CHOICE(name, A, B, C, free_order, large, broken, plain) \
	int cudnnGetConvolution##name##Algorithm_v7(handle *h, shape *a, shape *b, convolution *c, shape *r, int requested, int *n, perf *out) { \
		BEGIN("cudnnGetConvolution" #name "Algorithm_v7"); \
		NEED(h, HANDLE); NEED(a, A); NEED(b, B); NEED(c, CONVOLUTION); NEED(r, C); \
		return list(requested, n, out, free_order, large, broken, plain); \
	} \
	int cudnnGetConvolution##name##WorkspaceSize(handle *h, shape *a, shape *b, convolution *c, shape *r, int algo, size_t *bytes) { \
		BEGIN("cudnnGetConvolution" #name "WorkspaceSize"); \
		NEED(h, HANDLE); NEED(a, A); NEED(b, B); NEED(c, CONVOLUTION); NEED(r, C); \
		*bytes = workspace(algo, large, plain); \
		return 0; \
	}
CHOICE(Forward, TENSOR, FILTER, TENSOR, 2, 4, 5, 1)
CHOICE(BackwardData, FILTER, TENSOR, TENSOR, 0, 5, 4, 3)
CHOICE(BackwardFilter, TENSOR, TENSOR, FILTER, 0, 3, 4, 5)

typedef struct { int pass; float alpha, beta; shape x, w, y; convolution c; uint64_t px, pw, py; } work;

static size_t at(const shape *s, int a, int b, int c, int d) {
	return s->format ? (((size_t)a * s->v[2] + c) * s->v[3] + d) * s->v[1] + b : (((size_t)a * s->v[1] + b) * s->v[2] + c) * s->v[3] + d;
}
static size_t elements(const shape *s) { return (size_t)s->v[0] * s->v[1] * s->v[2] * s->v[3]; }

static int run(void *data) {
	work *k = data;
	float *x = fake_shadow(k->px, 4 * elements(&k->x)), *w = fake_shadow(k->pw, 4 * elements(&k->w)), *y = fake_shadow(k->py, 4 * elements(&k->y));
	if (!x || !w || !y) return 700;
	shape *result = k->pass == 0 ? &k->y : k->pass == 1 ? &k->x : &k->w;
	float *out = k->pass == 0 ? y : k->pass == 1 ? x : w;
	double *sum = calloc(elements(result), sizeof *sum);
	int per = k->y.v[1] / k->c.groups;
	for (int n = 0; n < k->y.v[0]; n++)
		for (int o = 0; o < k->y.v[1]; o++)
			for (int i = 0; i < k->y.v[2]; i++)
				for (int j = 0; j < k->y.v[3]; j++) {
					size_t yi = at(&k->y, n, o, i, j);
					for (int c = 0; c < k->w.v[1]; c++)
						for (int r = 0; r < k->w.v[2]; r++) {
							int h = i * k->c.sh - k->c.ph + r * k->c.dh;
							if (h < 0 || h >= k->x.v[2]) continue;
							size_t row = at(&k->x, n, o / per * k->w.v[1] + c, h, 0), pixel = k->x.format ? k->x.v[1] : 1;
							size_t taps = at(&k->w, o, c, r, 0), tap = k->w.format ? k->w.v[1] : 1;
							for (int s = 0; s < k->w.v[3]; s++) {
								int v = j * k->c.sw - k->c.pw + s * k->c.dw;
								if (v < 0 || v >= k->x.v[3]) continue;
								size_t xi = row + v * pixel, wi = taps + s * tap;
								if (k->pass == 0) sum[yi] += (double)x[xi] * w[wi];
								if (k->pass == 1) sum[xi] += (double)y[yi] * w[wi];
								if (k->pass == 2) sum[wi] += (double)y[yi] * x[xi];
							}
						}
				}
	for (size_t i = 0; i < elements(result); i++) out[i] = k->alpha * (float)sum[i] + (k->beta == 0 ? 0 : k->beta * out[i]);
	free(sum);
	return 0;
}

static int submit(handle *h, work *k, size_t need, uint64_t space, size_t bytes) {
	if (bytes < need || (need && !fake_shadow(space, bytes))) return BAD_PARAM;
	for (int i = 2; i < 4; i++) { // the sides must belong together
		int pad = i == 2 ? k->c.ph : k->c.pw, stride = i == 2 ? k->c.sh : k->c.sw, dilate = i == 2 ? k->c.dh : k->c.dw;
		if (k->y.v[i] != (k->x.v[i] + 2 * pad - (dilate * (k->w.v[i] - 1) + 1)) / stride + 1) return BAD_PARAM;
	}
	if (k->x.v[0] != k->y.v[0] || k->x.v[1] != k->w.v[1] * k->c.groups || k->y.v[1] != k->w.v[0]) return BAD_PARAM;
	return fake_submit(h->stream, run, k, sizeof *k) ? EXECUTION_FAILED : 0;
}
#define LOG(name) fake_logf(name " %g %#lx %#lx %d %#lx %zu %g %#lx", *alpha, pa, pb, algo, space, bytes, *beta, pr)

int cudnnConvolutionForward(handle *h, const float *alpha, shape *x, uint64_t pa, shape *w, uint64_t pb, convolution *c, int algo,
	uint64_t space, size_t bytes, const float *beta, shape *y, uint64_t pr) {
	BEGIN("cudnnConvolutionForward");
	NEED(h, HANDLE); NEED(x, TENSOR); NEED(w, FILTER); NEED(c, CONVOLUTION); NEED(y, TENSOR);
	LOG("cudnnConvolutionForward");
	work k = {0, *alpha, *beta, *x, *w, *y, *c, pa, pb, pr};
	return submit(h, &k, workspace(algo, 4, 1), space, bytes);
}
int cudnnConvolutionBackwardData(handle *h, const float *alpha, shape *w, uint64_t pa, shape *dy, uint64_t pb, convolution *c, int algo,
	uint64_t space, size_t bytes, const float *beta, shape *dx, uint64_t pr) {
	BEGIN("cudnnConvolutionBackwardData");
	NEED(h, HANDLE); NEED(w, FILTER); NEED(dy, TENSOR); NEED(c, CONVOLUTION); NEED(dx, TENSOR);
	LOG("cudnnConvolutionBackwardData");
	work k = {1, *alpha, *beta, *dx, *w, *dy, *c, pr, pa, pb};
	return submit(h, &k, workspace(algo, 5, 3), space, bytes);
}
int cudnnConvolutionBackwardFilter(handle *h, const float *alpha, shape *x, uint64_t pa, shape *dy, uint64_t pb, convolution *c, int algo,
	uint64_t space, size_t bytes, const float *beta, shape *dw, uint64_t pr) {
	BEGIN("cudnnConvolutionBackwardFilter");
	NEED(h, HANDLE); NEED(x, TENSOR); NEED(dy, TENSOR); NEED(c, CONVOLUTION); NEED(dw, FILTER);
	LOG("cudnnConvolutionBackwardFilter");
	work k = {2, *alpha, *beta, *x, *dw, *dy, *c, pa, pr, pb};
	return submit(h, &k, workspace(algo, 3, 5), space, bytes);
}

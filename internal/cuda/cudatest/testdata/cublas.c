// A libcublas.so.12 on top of the fake driver: it really multiplies, with plain loops.
#include "fake.h"
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NOT_INITIALIZED = 1, INVALID_VALUE = 7, EXECUTION_FAILED = 13, NOT_SUPPORTED = 15 };
typedef struct { int magic; void *stream; int math; uint64_t workspace; size_t workspace_bytes; } handle;
enum { MAGIC = 0xb1a5 };
static long handles;
long fake_blas_handles(void) { return handles; }

#define BEGIN(name) int code_; if (fake_injected(name, &code_)) return code_; if (!fake_context()) return NOT_INITIALIZED
#define NEED(h) do { if (!(h) || (h)->magic != MAGIC) return NOT_INITIALIZED; } while (0)

int cublasCreate_v2(handle **out) {
	BEGIN("cublasCreate_v2");
	fake_logf("cublasCreate_v2");
	*out = calloc(1, sizeof **out);
	(*out)->magic = MAGIC;
	handles++;
	return 0;
}
int cublasDestroy_v2(handle *h) { BEGIN("cublasDestroy_v2"); NEED(h); handles--; h->magic = 0; free(h); return 0; }
int cublasSetStream_v2(handle *h, void *s) {
	BEGIN("cublasSetStream_v2");
	NEED(h);
	if (!fake_valid_stream(s)) return INVALID_VALUE;
	fake_logf("cublasSetStream_v2 %p", s);
	h->stream = s;
	h->workspace = 0; // as documented: the default workspace again
	return 0;
}
int cublasSetWorkspace_v2(handle *h, uint64_t p, size_t n) {
	BEGIN("cublasSetWorkspace_v2");
	NEED(h);
	if (p % 256 || !fake_shadow(p, n)) return INVALID_VALUE;
	fake_logf("cublasSetWorkspace_v2 %#lx %zu", p, n);
	h->workspace = p;
	h->workspace_bytes = n;
	return 0;
}
int cublasSetMathMode(handle *h, int mode) { BEGIN("cublasSetMathMode"); NEED(h); fake_logf("cublasSetMathMode %d", mode); h->math = mode; return 0; }
int cublasGetVersion_v2(handle *h, int *v) { NEED(h); *v = 120405; return 0; }
int cublasGetProperty(int which, int *v) {
	int version[] = {12, 4, 5};
	if (which < 0 || which > 2) return INVALID_VALUE;
	*v = version[which];
	return 0;
}
const char *cublasGetStatusName(int s) {
	switch (s) {
	case 0: return "CUBLAS_STATUS_SUCCESS";
	case 1: return "CUBLAS_STATUS_NOT_INITIALIZED";
	case 7: return "CUBLAS_STATUS_INVALID_VALUE";
	case 13: return "CUBLAS_STATUS_EXECUTION_FAILED";
	case 15: return "CUBLAS_STATUS_NOT_SUPPORTED";
	}
	return "CUBLAS_STATUS_OTHER";
}

typedef struct {
	int ta, tb, m, n, k, lda, ldb, ldc, batch, tf32;
	long long sa, sb, sc;
	float alpha, beta;
	uint64_t a, b, c;
} product;

static float tf32(float x) { // to 10 bits after the point, to the nearest
	uint32_t u;
	memcpy(&u, &x, 4);
	if ((u & 0x7f800000) == 0x7f800000) return x;
	u = (u + 0x1000) & ~0x1fffu;
	memcpy(&x, &u, 4);
	return x;
}

static size_t span(int rows, int columns, int ld, long long stride, int batch) {
	return 4 * ((size_t)(columns - 1) * ld + rows + (size_t)(batch - 1) * stride);
}

static int multiply(void *data) {
	product *p = data;
	const float *a = fake_shadow(p->a, span(p->ta ? p->k : p->m, p->ta ? p->m : p->k, p->lda, p->sa, p->batch));
	const float *b = fake_shadow(p->b, span(p->tb ? p->n : p->k, p->tb ? p->k : p->n, p->ldb, p->sb, p->batch));
	float *c = fake_shadow(p->c, span(p->m, p->n, p->ldc, p->sc, p->batch));
	if (!a || !b || !c) return 700;
	for (int t = 0; t < p->batch; t++, a += p->sa, b += p->sb, c += p->sc)
		for (int j = 0; j < p->n; j++)
			for (int i = 0; i < p->m; i++) {
				double sum = 0;
				for (int l = 0; l < p->k; l++) {
					float x = p->ta ? a[l + (size_t)i * p->lda] : a[i + (size_t)l * p->lda];
					float y = p->tb ? b[j + (size_t)l * p->ldb] : b[l + (size_t)j * p->ldb];
					sum += p->tf32 ? (double)tf32(x) * tf32(y) : (double)x * y;
				}
				float *o = &c[i + (size_t)j * p->ldc];
				*o = p->alpha * (float)sum + (p->beta == 0 ? 0 : p->beta * *o);
			}
	return 0;
}

static int submit(handle *h, product *p) {
	if (p->m < 0 || p->n < 0 || p->k < 0 || p->ta < 0 || p->ta > 2 || p->tb < 0 || p->tb > 2) return INVALID_VALUE;
	if (p->lda < (p->ta ? p->k : p->m) || p->ldb < (p->tb ? p->n : p->k) || p->ldc < p->m) return INVALID_VALUE;
	if (h->math == 3) p->tf32 = 1;
	return fake_submit(h->stream, multiply, p, sizeof *p) ? EXECUTION_FAILED : 0;
}

int cublasSgemm_v2(handle *h, int ta, int tb, int m, int n, int k, const float *alpha, uint64_t a, int lda,
	uint64_t b, int ldb, const float *beta, uint64_t c, int ldc) {
	BEGIN("cublasSgemm_v2");
	NEED(h);
	fake_logf("cublasSgemm_v2 %d %d %d %d %d %g %#lx %d %#lx %d %g %#lx %d", ta, tb, m, n, k, *alpha, a, lda, b, ldb, *beta, c, ldc);
	product p = {ta, tb, m, n, k, lda, ldb, ldc, 1, 0, 0, 0, 0, *alpha, *beta, a, b, c};
	return submit(h, &p);
}

int cublasSgemmStridedBatched(handle *h, int ta, int tb, int m, int n, int k, const float *alpha, uint64_t a, int lda,
	long long sa, uint64_t b, int ldb, long long sb, const float *beta, uint64_t c, int ldc, long long sc, int batch) {
	BEGIN("cublasSgemmStridedBatched");
	NEED(h);
	fake_logf("cublasSgemmStridedBatched %d %d %d %d %d %g %#lx %d %lld %#lx %d %lld %g %#lx %d %lld %d",
		ta, tb, m, n, k, *alpha, a, lda, sa, b, ldb, sb, *beta, c, ldc, sc, batch);
	product p = {ta, tb, m, n, k, lda, ldb, ldc, batch, 0, sa, sb, sc, *alpha, *beta, a, b, c};
	return submit(h, &p);
}

int cublasGemmEx(handle *h, int ta, int tb, int m, int n, int k, const void *alpha, uint64_t a, int atype, int lda,
	uint64_t b, int btype, int ldb, const void *beta, uint64_t c, int ctype, int ldc, int compute, int algo) {
	BEGIN("cublasGemmEx");
	NEED(h);
	float al = *(const float *)alpha, be = *(const float *)beta;
	fake_logf("cublasGemmEx %d %d %d %d %d %g %#lx %d %d %#lx %d %d %g %#lx %d %d %d %d",
		ta, tb, m, n, k, al, a, atype, lda, b, btype, ldb, be, c, ctype, ldc, compute, algo);
	if (atype || btype || ctype || (compute != 68 && compute != 77) || algo != -1) return NOT_SUPPORTED;
	product p = {ta, tb, m, n, k, lda, ldb, ldc, 1, compute == 77, 0, 0, 0, al, be, a, b, c};
	return submit(h, &p);
}

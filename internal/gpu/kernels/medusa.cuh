// What all kernels share. The same sources are compiled to PTX for the GPU and, with
// MEDUSA_HOST, to plain C++ that a test runs on the host (host.h).
//
// Conventions: tensors are float32, contiguous, row-major. A kernel without a word about its
// grid takes any: its threads stride over the elements. Sums are made in an order that
// depends on the sizes alone, and only whole numbers are added by atomics: equal input, equal
// bits, but of scatter_add.
#pragma once

// Numbers that the host has, too: make/launches.go makes Go of enumerations that have a name.
enum Size {
	WIDTH = 256,          // threads of a block, of every kernel
	PIECE = 4096,         // numbers of a tensor that a block works on, where a launch goes through several tensors
	DROPOUT_PIECE = 4096, // numbers that share a generator
};

#ifdef MEDUSA_HOST
#include "host.h"
#else
#define __global__ __attribute__((global))
#define __device__ __attribute__((device, always_inline)) // a call would put arrays into slow memory
#define __shared__ __attribute__((shared))
#define __launch_bounds__(n) __attribute__((launch_bounds(n)))
#define KERNEL(name) extern "C" __global__ void __launch_bounds__(WIDTH) name
#define KERNEL_IN_PAIRS(name) extern "C" __global__ void __attribute__((launch_bounds(WIDTH, 2))) name // two blocks share a multiprocessor
#define THREAD ((int)(__nvvm_read_ptx_sreg_tid_x() & 1023)) // not negative, for the compiler
#define THREADS ((int)__nvvm_read_ptx_sreg_ntid_x())
#define BLOCK ((int)__nvvm_read_ptx_sreg_ctaid_x())
#define BLOCK_Y ((int)__nvvm_read_ptx_sreg_ctaid_y())
#define BLOCK_Z ((int)__nvvm_read_ptx_sreg_ctaid_z())
#define BLOCKS ((int)__nvvm_read_ptx_sreg_nctaid_x())
#define BLOCKS_Y ((int)__nvvm_read_ptx_sreg_nctaid_y())
#define SYNC __syncthreads()
extern "C" __attribute__((device)) void __syncthreads();
static __device__ float root(float x) { return __nvvm_sqrt_rn_f(x); }
static __device__ float fused(float a, float b, float c) { return __nvvm_fma_rn_f(a, b, c); }
static __device__ double root(double x) { return __nvvm_sqrt_rn_d(x); }
static __device__ double times(double a, double b) { return __nvvm_mul_rn_d(a, b); } // never fused with a sum
static __device__ double plus(double a, double b) { return __nvvm_add_rn_d(a, b); }
static __device__ float bits_float(unsigned u) { return __builtin_bit_cast(float, u); }
static __device__ unsigned float_bits(float f) { return __builtin_bit_cast(unsigned, f); }
static __device__ void add_int(int *p, int v) { __nvvm_atom_add_gen_i(p, v); } // of shared memory
static __device__ void add_long(long long *p, long long v) { __nvvm_atom_add_gen_ll(p, v); } // of shared memory
static __device__ void add_float(float *p, float v) { __nvvm_atom_add_gen_f(p, v); } // in any order

// fetch is *p, 0 and no access without ok. A predicate by hand: the compiler would branch.
static __device__ float fetch(const float *p, bool ok) {
	float v;
	asm volatile("{\n\t.reg .pred p;\n\tsetp.ne.b32 p, %2, 0;\n\tmov.f32 %0, 0f00000000;\n\t@p ld.global.f32 %0, [%1];\n\t}" : "=&f"(v) : "l"((const __attribute__((address_space(1))) float *)p), "r"((int)ok));
	return v;
}

// to_tf32 is the nearest number with 10 bits after the point, of two the one away from 0.
static __device__ float to_tf32(float x) {
	unsigned u;
	asm("cvt.rna.tf32.f32 %0, %1;" : "=r"(u) : "f"(x));
	return bits_float(u);
}

// mma adds to C (16, 8) the product of A (16, 8) and B (8, 8), all of whose numbers the
// threads of a warp hold in pieces: with g = lane/4 and t = lane%4, a is A at (g, t),
// (g+8, t), (g, t+4), (g+8, t+4), b is B at (t, g), (t+4, g), and c is C at (g, 2t),
// (g, 2t+1), (g+8, 2t), (g+8, 2t+1).
static __device__ void mma(float *c, const float *a, const float *b) {
	asm volatile("mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
		: "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
		: "r"(float_bits(a[0])), "r"(float_bits(a[1])), "r"(float_bits(a[2])), "r"(float_bits(a[3])), "r"(float_bits(b[0])), "r"(float_bits(b[1])));
}
#endif

typedef unsigned long long u64;
typedef long long i64;

// What parameters of kernels are, for those who launch them: make/launches.go makes Go of them.
typedef u64 divisor; // as Divisor takes it
typedef int flag;    // 0 or 1

// Divisor divides by a number that the host knows by a product with 2^(31+s)/d, rounded up, of
// which the host gives the 32 bits below d: exact for what is less than 2³¹, in few
// instructions, where a division takes so many that they, not memory, would bound a kernel.
struct Divisor {
	int d;
	unsigned m;
	int s;
	__device__ explicit Divisor(u64 packed) : d((int)(packed >> 32)), m((unsigned)packed), s(d > 1 ? 32 - __builtin_clz(d - 1) : 0) {}
	__device__ int over(int n) const { return (int)((unsigned)((u64)(2u * (unsigned)n) * m >> 32) >> s); }
	__device__ int rest(int n) const { return n - over(n) * d; }
};

// each(i, n) goes through 0 … n−1 with all threads of a one-dimensional grid.
#define each(i, n) for (int i = BLOCK * THREADS + THREAD; i < (n); i += BLOCKS * THREADS)

#define INFINITE __builtin_inff()
#define NOT_A_NUMBER __builtin_nanf("")

static __device__ float absolute(float x) { return bits_float(float_bits(x) & 0x7fffffffu); }
static __device__ bool is_nan(float x) { return x != x; }
static __device__ bool is_finite(float x) { return absolute(x) < INFINITE; }

// x − m, 0 where both are one infinity.
static __device__ float below(float x, float m) { return x == m ? 0 : x - m; }

// eˣ within 2 units in the last place (S. Moshier, Cephes, expf).
static __device__ float exponential(float x) {
	if (!(x > -104)) return is_nan(x) ? x : 0;
	if (x > 89) return INFINITE;
	float t = x * 1.44269504088896341f;
	int n = (int)(t + (t < 0 ? -0.5f : 0.5f));
	x = fused(-0.693359375f, (float)n, x);
	x = fused(2.12194440e-4f, (float)n, x);
	float y = 1.9875691500e-4f;
	y = fused(y, x, 1.3981999507e-3f);
	y = fused(y, x, 8.3334519073e-3f);
	y = fused(y, x, 4.1665795894e-2f);
	y = fused(y, x, 1.6666665459e-1f);
	y = fused(y, x, 5.0000001201e-1f);
	y = fused(y, x * x, x) + 1;
	int first = n >> 1; // 2ⁿ in two factors: one alone cannot make a denormal number
	return y * bits_float((unsigned)(first + 127) << 23) * bits_float((unsigned)(n - first + 127) << 23);
}

// ln x within 2 units in the last place (S. Moshier, Cephes, logf).
static __device__ float logarithm(float x) {
	if (!(x > 0)) return x == 0 ? -INFINITE : NOT_A_NUMBER;
	if (x == INFINITE) return x;
	float e = -126;
	if (x < 1.17549435e-38f) {
		x *= 8388608.0f;
		e -= 23;
	}
	unsigned u = float_bits(x);
	e += (float)(u >> 23);
	float m = bits_float((u & 0x007fffffu) | 0x3f000000u);
	if (m < 0.707106781186547524f) {
		e -= 1;
		m += m;
	}
	m -= 1;
	float y = 7.0376836292e-2f;
	y = fused(y, m, -1.1514610310e-1f);
	y = fused(y, m, 1.1676998740e-1f);
	y = fused(y, m, -1.2420140846e-1f);
	y = fused(y, m, 1.4249322787e-1f);
	y = fused(y, m, -1.6668057665e-1f);
	y = fused(y, m, 2.0000714765e-1f);
	y = fused(y, m, -2.4999993993e-1f);
	y = fused(y, m, 3.3333331174e-1f);
	float z = m * m;
	y = y * m * z;
	y = fused(-2.12194440e-4f, e, y);
	y = fused(-0.5f, z, y);
	return fused(0.693359375f, e, m + y);
}

// ln(1 + eˣ) and its derivative 1/(1 + e⁻ˣ), for every x.
static __device__ float log_one_plus(float t) { // ln(1 + t), 0 ≤ t ≤ 1
	float u = 1 + t;
	return u == 1 ? t : logarithm(u) * (t / (u - 1));
}
static __device__ float softplus(float x) { return (x > 0 ? x : is_nan(x) ? x : 0) + log_one_plus(exponential(-absolute(x))); }
static __device__ float sigmoid(float x) {
	float e = exponential(-absolute(x));
	return (x < 0 ? e : 1) / (1 + e);
}

// block_sum is the sum of one number from each of the block's WIDTH threads, for all of
// them. shared holds WIDTH numbers; all threads must call it.
template <class T> static __device__ T block_sum(T v, T *shared) {
	SYNC; // of what was read before
	shared[THREAD] = v;
	SYNC;
	for (int half = WIDTH / 2; half > 0; half /= 2) {
		if (THREAD < half) shared[THREAD] += shared[THREAD + half];
		SYNC;
	}
	return shared[0];
}

// block_max is the largest number, of NaN none.
static __device__ float block_max(float v, float *shared) {
	SYNC;
	shared[THREAD] = v;
	SYNC;
	for (int half = WIDTH / 2; half > 0; half /= 2) {
		if (THREAD < half && shared[THREAD + half] > shared[THREAD]) shared[THREAD] = shared[THREAD + half];
		SYNC;
	}
	return shared[0];
}

// complain says which check failed and at which element, unless another did before; the host
// reads it at the end of a run. report holds three numbers.
static __device__ void complain(int *report, int check, int place) {
	if (report[0] == 0) {
		report[1] = place;
		report[0] = check;
	}
}

// put writes number i of an output, which is null where nobody reads it.
static __device__ void put(float *y, int i, double v) {
	if (y) y[i] = (float)v;
}

// result is number i of parts (parts, n), or of y (n) where there is one part alone: then
// nothing needs to add up. y may be null, which nobody reads.
static __device__ void result(int i, double v, double *parts, float *y) {
	if (BLOCKS_Y > 1) parts[i] = v;
	else put(y, i, v);
}

// Work on many tensors in one launch: a block takes a piece of PIECE elements of one of them. A
// table lists the tensors; n is the elements of one, piece the number of its first piece.

// of_piece is the last tensor whose first piece is not behind p.
template <class T> static __device__ const T *of_piece(const T *all, int count, int p) {
	int lo = 0, hi = count;
	while (hi - lo > 1) {
		int mid = (lo + hi) / 2;
		if (all[mid].piece <= p) lo = mid;
		else hi = mid;
	}
	return all + lo;
}

static __device__ int min_of(int a, int b) { return a < b ? a : b; }

// piece_of(i, t) goes through the elements of the block's piece of t.
#define piece_of(i, t) for (int i = (BLOCK - (t)->piece) * PIECE + THREAD, end_ = min_of((t)->n, (BLOCK - (t)->piece + 1) * PIECE); i < end_; i += WIDTH)

// How many candidates a block lists at once, and each of its threads.
enum { CHUNK = 2048, EACH = CHUNK / WIDTH };

// block_scan is the sum of v of the threads up to this one; shared holds WIDTH numbers.
template <class T> static __device__ T block_scan(T v, T *shared) {
	SYNC; // of what was read before
	shared[THREAD] = v;
	SYNC;
	for (int d = 1; d < WIDTH; d *= 2) {
		T other = THREAD >= d ? shared[THREAD - d] : 0;
		SYNC;
		shared[THREAD] += other;
		SYNC;
	}
	return shared[THREAD];
}

// list_of lists those of the candidates from … from+CHUNK−1 below n that are taken, in their order,
// and returns their number.
template <class Take> static __device__ int list_of(int from, int n, Take taken, int *list, int *shared) {
	int first = from + THREAD * EACH, mine = 0;
	for (int k = 0; k < EACH; k++) mine += first + k < n && taken(first + k);
	int at = block_scan(mine, shared) - mine, total = shared[WIDTH - 1];
	for (int k = 0; k < EACH; k++)
		if (first + k < n && taken(first + k)) list[at++] = first + k;
	SYNC;
	return total;
}

// chosen tells whether pair (r, j) counts: by a matrix with cols columns, or by labels. Where
// pairs says so the columns have labels of their own, behind those of the rows.
enum Pairs { GIVEN, POSITIVE, NEGATIVE }; // where a mask comes from, in the lower two bits

static __device__ bool chosen(int pairs, const float *in, int r, int j, int cols) {
	int columns = pairs >> 2;
	pairs &= 3;
	if (pairs == GIVEN) return in[r * cols + j] != 0;
	bool same = in[r] == in[columns + j];
	return pairs == POSITIVE ? same && (columns || r != j) : !same;
}

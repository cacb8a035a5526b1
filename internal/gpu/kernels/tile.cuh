// Products of matrices by tiles, with whatever stands for the product of two numbers, or by
// tensor cores.
#pragma once
#include "medusa.cuh"

typedef float quad __attribute__((vector_size(16)));
typedef float couple __attribute__((vector_size(8)));

// Tile is how a block makes S×S results. Its eight warps have DOWN×ACROSS places in the tile;
// where these are fewer, SLICES warps share a place, each with its own part of k, and add up
// in the end: then a thread still has enough results to be worth its reads of shared memory,
// and a small product, which waits for memory, asks for more of it at a time.
//
// Both factors lie in shared memory twice, one tile being filled while the other is used, k
// first: element (k, i) at k·STRIDE + (i ^ (k & 4)). STRIDE is 8 banks more than a whole number of turns,
// and the quads of a row change places in pairs where k has bit 2. So no two lanes of a warp
// meet in a bank: where 8 values of k by 4 of i, or 32 of i, are written; where a quad is read
// (k fixed, i in quads); where a fragment is read (4 values of k by 8 of i).
template <int S, bool T> struct Tile {
	enum {
		SIDE = S, CORES = T,
		DOWN = S == 128 ? 4 : 2, ACROSS = S == 32 ? 1 : 2,
		ROWS = S / DOWN, COLS = S / ACROSS, // of a warp
		SLICES = 8 / (DOWN * ACROSS),
		SLICE = S == 128 && T ? 16 : 8, // of k, between two SYNC
		DEPTH = SLICE * SLICES,
		STRIDE = S + 8,
		FACTOR = DEPTH * STRIDE, // numbers of one factor's tile
		SHARED = 4 * FACTOR,
		CARRIED = S * DEPTH / WIDTH, // numbers of a factor's tile, by each thread
		RUNS = S / 32, PITCH = WIDTH / S // see Carrier
	};
	// Where a warp's results begin, and its slice.
	static __device__ int row() { return THREAD / 32 / ACROSS % DOWN * ROWS; }
	static __device__ int col() { return THREAD / 32 % ACROSS * COLS; }
	static __device__ int slice() { return THREAD / 32 / (ACROSS * DOWN); }
};

// Area is the block's tile of rows×cols results: it begins at row, col. Blocks that follow each
// other go down bands of 8 tiles, so that those at work at a time share both factors.
template <class T> struct Area {
	int rows, cols, row, col;
	__device__ Area(int rows, int cols) : rows(rows), cols(cols) {
		int down = (rows + T::SIDE - 1) / T::SIDE, across = (cols + T::SIDE - 1) / T::SIDE;
		int first = BLOCK / (8 * across) * 8, height = down - first < 8 ? down - first : 8, at = BLOCK % (8 * across);
		row = (first + at % height) * T::SIDE;
		col = at / height * T::SIDE;
	}
};

// Carrier is the part of a factor's tile that a thread takes to shared memory: v, of which
// element e is row(e) of the tile at depth(e) of k. Neighbouring lanes run along k, 8 at a time,
// if DEEP, and else along rows: as the factor lies in memory.
template <class T, bool DEEP> struct Carrier {
	float v[T::CARRIED];
	static __device__ int row() { return DEEP ? THREAD / 8 : THREAD % T::SIDE; }
	static __device__ int depth() { return DEEP ? THREAD % 8 : THREAD / T::SIDE; }
	static __device__ int row(int e) { return DEEP ? e % T::RUNS * 32 : 0; }
	static __device__ int depth(int e) { return DEEP ? e / T::RUNS * 8 : e * T::PITCH; }
	__device__ void put(float *to) const {
		// place, with all that depends on e as a constant: what depth(e) adds to bit 2 of k
		// carries nothing over.
		int i = row() ^ (depth() & 4), turned = i ^ 4;
		to += depth() * T::STRIDE;
		#pragma unroll
		for (int e = 0; e < T::CARRIED; e++)
			to[(depth(e) & 4 ? turned : i) + depth(e) * T::STRIDE + row(e)] = T::CORES ? to_tf32(v[e]) : v[e];
	}
	// skip is the first k from here on whose tile is not all zeros.
	static __device__ int skip(int k) { return k; }
};

// Strided is a factor of which (i, k) stands at p[i·si + k·sk]; of the two strides sk is 1 if DEEP,
// and else si.
template <class T, bool DEEP> struct Strided : Carrier<T, DEEP> {
	typedef Carrier<T, DEEP> C;
	const float *p;
	i64 sk, step;
	int left; // rows from the thread's first on
	__device__ Strided(const float *p, int si, int sk, int first, int rows)
		: p(p + (i64)(first + C::row()) * si + (i64)C::depth() * sk), sk(sk), step(DEEP ? (i64)si * 32 : (i64)sk * T::PITCH), left(rows - first - C::row()) {}
	__device__ void load(int k, int end) {
		const float *q = p + k * sk;
		k += C::depth();
		#pragma unroll
		for (int e = 0; e < T::CARRIED; e++, q += step) { // one after the other: addresses cost registers
			if (DEEP && e > 0 && e % T::RUNS == 0) q += 8 - T::RUNS * step;
			this->v[e] = fetch(q, k + C::depth(e) < end && C::row(e) < left);
		}
	}
};

// Worked is a factor of which (i, k) is f(i, k).
template <class T, bool DEEP, class F> struct Worked : Carrier<T, DEEP> {
	typedef Carrier<T, DEEP> C;
	F f;
	int first, last;
	__device__ Worked(F f, int first, int rows) : f(f), first(first + C::row()), last(rows - 1) {}
	__device__ void load(int k, int end) {
		#pragma unroll
		for (int e = 0; e < T::CARRIED; e++) {
			int i = first + C::row(e), at = k + C::depth() + C::depth(e);
			this->v[e] = at < end && i <= last ? f(i, at) : 0;
		}
	}
};

// Product is the step of an ordinary product: c + a·b.
struct Product {
	static __device__ float own(int, int) { return 0; }
	static __device__ float step(float c, float a, float b, float) { return fused(a, b, c); }
};

// Core is a thread's share of a tile's results. s.step(c, a, b, s.own(m, n)) adds one product
// to c. A warp's lanes stand 4 down by 8 across, each with quads of results 16 rows and 32
// columns apart: a warp reads few different quads.
template <class T, class Step, bool TENSOR> struct Core {
	enum { M = T::ROWS / 4, N = T::COLS / 8 };
	Step s;
	float c[M][N], own[M][N];
	static __device__ int row(int i) { return T::row() + THREAD % 32 / 8 * 4 + i / 4 * 16 + i % 4; }
	static __device__ int col(int j) { return T::col() + THREAD % 8 * 4 + j / 4 * 32 + j % 4; }
	__device__ Core(Step s, const Area<T> &area) : s(s) {
		#pragma unroll
		for (int i = 0; i < M; i++)
			#pragma unroll
			for (int j = 0; j < N; j++) {
				int m = area.row + row(i), n = area.col + col(j);
				c[i][j] = 0;
				own[i][j] = s.own(m < area.rows ? m : area.rows - 1, n < area.cols ? n : area.cols - 1);
			}
	}
	// add takes a tile of the factors: 4·(M + N) bytes read for M·N steps.
	__device__ void add(const float *as, const float *bs) {
		int skipped = T::slice() * T::SLICE * T::STRIDE, m = row(0), n = col(0);
		as += skipped;
		bs += skipped;
		#pragma unroll
		for (int k = 0; k < T::SLICE; k++) {
			quad a[M / 4], b[N / 4];
			#pragma unroll
			for (int i = 0; i < M; i += 4) a[i / 4] = *(const quad *)(as + (k & 4 ? m ^ 4 : m) + k * T::STRIDE + i * 4);
			#pragma unroll
			for (int j = 0; j < N; j += 4) b[j / 4] = *(const quad *)(bs + (k & 4 ? n ^ 4 : n) + k * T::STRIDE + j * 8);
			#pragma unroll
			for (int i = 0; i < M; i++)
				#pragma unroll
				for (int j = 0; j < N; j++) c[i][j] = s.step(c[i][j], a[i / 4][i % 4], b[j / 4][j % 4], own[i][j]);
		}
	}
	// put writes the results to a tile that begins at row first, or adds them to it.
	__device__ void put(float *to, int first, bool more) const {
		#pragma unroll
		for (int i = 0; i < M; i++)
			#pragma unroll
			for (int j = 0; j < N; j += 4) {
				quad *q = (quad *)(to + (row(i) - first) * T::STRIDE + col(j)), v = {c[i][j], c[i][j + 1], c[i][j + 2], c[i][j + 3]};
				*q = more ? *q + v : v;
			}
	}
};

// With tensor cores a thread's results are those of mma's fragments, 16 rows by 8 columns each
// for the warp.
template <class T> struct Core<T, Product, true> {
	enum { M = T::ROWS / 16, N = T::COLS / 8 };
	float c[M][N][4];
	__device__ Core(Product, const Area<T> &) {
		#pragma unroll
		for (int i = 0; i < M * N * 4; i++) c[i / 4 / N][i / 4 % N][i % 4] = 0;
	}
	// add reads 4·M + 2·N numbers for M·N times mma.
	__device__ void add(const float *as, const float *bs) {
		int g = THREAD % 32 / 4, t = THREAD % 4;
		int low = (T::slice() * T::SLICE + t) * T::STRIDE + g, high = low + 4 * T::STRIDE - g + (g ^ 4); // k from 0 to 3 and from 4 to 7
		const float *al = as + T::row() + low, *ah = as + T::row() + high, *bl = bs + T::col() + low, *bh = bs + T::col() + high;
		#pragma unroll
		for (int k = 0; k < T::SLICE; k += 8) {
			float a[M][4], b[N][2];
			#pragma unroll
			for (int i = 0; i < M; i++) {
				a[i][0] = al[k * T::STRIDE + i * 16];
				a[i][1] = al[k * T::STRIDE + i * 16 + 8];
				a[i][2] = ah[k * T::STRIDE + i * 16];
				a[i][3] = ah[k * T::STRIDE + i * 16 + 8];
			}
			#pragma unroll
			for (int j = 0; j < N; j++) {
				b[j][0] = bl[k * T::STRIDE + j * 8];
				b[j][1] = bh[k * T::STRIDE + j * 8];
			}
			#pragma unroll
			for (int i = 0; i < M; i++)
				#pragma unroll
				for (int j = 0; j < N; j++) mma(c[i][j], a[i], b[j]);
		}
	}
	__device__ void put(float *to, int first, bool more) const {
		int g = THREAD % 32 / 4, t = THREAD % 4;
		#pragma unroll
		for (int i = 0; i < M; i++)
			#pragma unroll
			for (int j = 0; j < N; j++)
				#pragma unroll
				for (int half = 0; half < 2; half++) {
					couple *q = (couple *)(to + (T::row() + i * 16 + half * 8 + g - first) * T::STRIDE + T::col() + j * 8 + t * 2);
					couple v = {c[i][j][2 * half], c[i][j][2 * half + 1]};
					*q = more ? *q + v : v;
				}
	}
};

// multiply makes the area's results of the factors a and b, k from k0 to k1: store(m, n, v) takes
// each. shared holds SHARED numbers. The next tile is on its way from memory while the present
// one is used. Results go through shared memory, too, so that a warp writes whole rows; of the
// largest tile a warp's rows at a time, which is what there is room for.
template <class T, class Step, class A, class B, class Store>
static __device__ void multiply(const Area<T> &area, int k0, int k1, A a, B b, Step s, Store store, float *shared) {
	Core<T, Step, T::CORES> core(s, area);
	float *now = shared, *next = shared + 2 * T::FACTOR;
	SYNC; // of what was read before
	int k = b.skip(k0);
	if (k < k1) {
		a.load(k, k1);
		b.load(k, k1);
		a.put(now);
		b.put(now + T::FACTOR);
	}
	SYNC;
	while (k < k1) {
		k = b.skip(k + T::DEPTH);
		a.load(k, k1);
		b.load(k, k1);
		core.add(now, now + T::FACTOR);
		a.put(next);
		b.put(next + T::FACTOR);
		float *used = now;
		now = next;
		next = used;
		SYNC;
	}
	enum { BAND = T::SIDE == 128 ? (int)T::ROWS : (int)T::SIDE };
	for (int first = 0; first < T::SIDE; first += BAND) {
		for (int slice = 0; slice < T::SLICES; slice++) {
			if (T::row() / BAND * BAND == first && T::slice() == slice) core.put(shared, first, slice > 0);
			SYNC;
		}
		int n = THREAD % T::SIDE;
		for (int m = THREAD / T::SIDE; m < BAND; m += T::PITCH)
			if (area.row + first + m < area.rows && area.col + n < area.cols) store(area.row + first + m, area.col + n, shared[m * T::STRIDE + n]);
		SYNC;
	}
}

// TILED makes the kernels name_128, name_64 and name_32 of the template name, and the same with
// _tf32.
#define PLAIN(name, params, args) \
	KERNEL_IN_PAIRS(name##_128) params { name<Tile<128, false>> args; } \
	KERNEL(name##_64) params { name<Tile<64, false>> args; } \
	KERNEL(name##_32) params { name<Tile<32, false>> args; }
#define TENSOR(name, params, args) \
	KERNEL_IN_PAIRS(name##_128_tf32) params { name<Tile<128, true>> args; } \
	KERNEL(name##_64_tf32) params { name<Tile<64, true>> args; } \
	KERNEL(name##_32_tf32) params { name<Tile<32, true>> args; }
#if !defined(PART)
#define TILED(name, params, args) PLAIN(name, params, args) TENSOR(name, params, args)
#elif PART == 1
#define TILED PLAIN
#else
#define TILED TENSOR
#endif

#define SHARED_OF(T) __shared__ __attribute__((aligned(16))) float shared[T::SHARED]

// Products of matrices by tiles, with whatever stands for the product of two numbers.
#pragma once
#include "medusa.cuh"

enum { TILE = 64, DEPTH = 16 };

// Product is the step of an ordinary product: c + a·b.
struct Product {
	static __device__ float own(int, int) { return 0; }
	static __device__ float step(float c, float a, float b, float) { return fused(a, b, c); }
};

// multiply computes a tile of 64×64 of C = A·B, k from k0 to k1, by 256 threads with 4×4
// results each. a(m, k) and b(k, n) read the factors, 0 beyond the ends; store(m, n, v) takes a
// result. s.step(c, a, b, s.own(m, n)) adds one product to c.
template <class A, class B, class Store, class Step>
static __device__ void multiply(int m0, int n0, int rows, int cols, int k0, int k1, A a, B b, Store store, Step s, float (*as)[TILE + 4], float (*bs)[TILE + 4]) {
	int tm = THREAD / 16 * 4, tn = THREAD % 16 * 4;
	float c[4][4], own[4][4];
	for (int i = 0; i < 4; i++)
		for (int j = 0; j < 4; j++) {
			c[i][j] = 0;
			own[i][j] = m0 + tm + i < rows && n0 + tn + j < cols ? s.own(m0 + tm + i, n0 + tn + j) : 0;
		}
	for (int k = k0; k < k1; k += DEPTH) {
		SYNC;
		for (int e = THREAD; e < DEPTH * TILE; e += WIDTH) {
			int i = e / DEPTH, d = e % DEPTH; // A is mostly contiguous along k
			as[d][i] = m0 + i < rows && k + d < k1 ? a(m0 + i, k + d) : 0;
		}
		for (int e = THREAD; e < DEPTH * TILE; e += WIDTH) {
			int d = e / TILE, j = e % TILE; // and B along n
			bs[d][j] = n0 + j < cols && k + d < k1 ? b(k + d, n0 + j) : 0;
		}
		SYNC;
		for (int d = 0; d < DEPTH; d++)
			for (int i = 0; i < 4; i++)
				for (int j = 0; j < 4; j++) c[i][j] = s.step(c[i][j], as[d][tm + i], bs[d][tn + j], own[i][j]);
	}
	for (int i = 0; i < 4; i++)
		for (int j = 0; j < 4; j++)
			if (m0 + tm + i < rows && n0 + tn + j < cols) store(m0 + tm + i, n0 + tn + j, c[i][j]);
}

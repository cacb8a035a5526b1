// Ranks that are smooth in the distances: a block an anchor.
#include "medusa.cuh"

// y (n, m): of each pair (a, i) that `of` holds how many pairs (a, j) of `over` come before it;
// see spec.SoftRanks.
KERNEL(soft_ranks)(int m, float inverse, int of_pairs, int over_pairs, const float *d, const float *of, const float *over, float *y) {
	__shared__ int list[CHUNK], counts[WIDTH];
	__shared__ double shared[WIDTH];
	int a = BLOCK;
	const float *row = d + a * m;
	for (int j = THREAD; j < m; j += WIDTH) y[a * m + j] = 0;
	for (int from = 0; from < m; from += CHUNK) {
		int count = list_of(from, m, [=](int p) { return chosen(of_pairs, of, a, p, m); }, list, counts);
		for (int i = 0; i < count; i++) {
			double sum = 0;
			for (int j = THREAD; j < m; j += WIDTH)
				if (j != list[i] && chosen(over_pairs, over, a, j, m)) sum += sigmoid((row[list[i]] - row[j]) * inverse);
			sum = block_sum(sum, shared);
			if (THREAD == 0) y[a * m + list[i]] = (float)sum;
		}
		SYNC;
	}
}

KERNEL(soft_ranks_grad)(int m, float inverse, int of_pairs, int over_pairs, const float *d, const float *of, const float *over, const float *up, float *dx) {
	__shared__ int list[CHUNK], counts[WIDTH];
	__shared__ double shared[WIDTH];
	int a = BLOCK;
	const float *row = d + a * m, *own = up + a * m;
	auto slope = [=](int i, int j) {
		float v = sigmoid((row[i] - row[j]) * inverse);
		return i == j ? 0 : own[i] * inverse * v * (1 - v);
	};
	for (int j = THREAD; j < m; j += WIDTH) dx[a * m + j] = 0;
	for (int from = 0; from < m; from += CHUNK) {
		int count = list_of(from, m, [=](int p) { return own[p] != 0 && chosen(of_pairs, of, a, p, m); }, list, counts);
		for (int j = THREAD; j < m; j += WIDTH) { // as one that comes before
			if (!chosen(over_pairs, over, a, j, m)) continue;
			double g = 0;
			for (int i = 0; i < count; i++) g += slope(list[i], j);
			dx[a * m + j] -= (float)g;
		}
		for (int i = 0; i < count; i++) { // as one that is ranked
			double g = 0;
			for (int j = THREAD; j < m; j += WIDTH)
				if (chosen(over_pairs, over, a, j, m)) g += slope(list[i], j);
			g = block_sum(g, shared);
			if (THREAD == 0) dx[a * m + list[i]] += (float)g;
		}
		SYNC;
	}
}

// Axes in another order.
#include "medusa.cuh"

// y[i] is x at the sum of i's places along the result's axes times their strides in x. There
// are six axes; sizes of the last five.
KERNEL(permute)(int n, divisor size1, divisor size2, divisor size3, divisor size4, divisor size5, int s0, int s1, int s2, int s3, int s4, int s5, const float *x, float *y) {
	Divisor d1(size1), d2(size2), d3(size3), d4(size4), d5(size5);
	each(i, n) {
		int r5 = d5.over(i), at = (i - r5 * d5.d) * s5;
		int r4 = d4.over(r5);
		at += (r5 - r4 * d4.d) * s4;
		int r3 = d3.over(r4);
		at += (r4 - r3 * d3.d) * s3;
		int r2 = d2.over(r3);
		at += (r3 - r2 * d2.d) * s2;
		int r1 = d1.over(r2);
		at += (r2 - r1 * d1.d) * s1 + r1 * s0;
		y[i] = x[at];
	}
}

// Transposes of matrices (rows, cols) that follow each other, by tiles of 32×32 through shared memory;
// grid (columns/32, rows/32, matrices).
KERNEL(transpose_each)(int rows, int cols, const float *x, float *y) {
	__shared__ float tile[32][33];
	int c0 = BLOCK * 32, r0 = BLOCK_Y * 32, c = THREAD % 32, at = BLOCK_Z * rows * cols;
	for (int r = THREAD / 32; r < 32; r += 8)
		if (r0 + r < rows && c0 + c < cols) tile[r][c] = x[at + (r0 + r) * cols + c0 + c];
	SYNC;
	for (int r = THREAD / 32; r < 32; r += 8)
		if (c0 + r < cols && r0 + c < rows) y[at + (c0 + r) * rows + r0 + c] = tile[c][r];
}

// The largest number and the soft maximum of groups of neighbours, and their gradients: a thread a
// group, of size numbers. See spec.GroupMax and spec.GroupSoftMax.
#include "medusa.cuh"

static __device__ float group_most(const float *x, int size) {
	float most = x[0];
	for (int j = 1; j < size; j++)
		if (x[j] > most || is_nan(x[j])) most = is_nan(most) ? most : x[j];
	return most;
}

KERNEL(group_max)(int n, int size, const float *x, float *y) {
	each(i, n) y[i] = group_most(x + i * size, size);
}

KERNEL(group_max_grad)(int n, int size, const float *x, const float *y, const float *dy, float *dx) {
	each(i, n) {
		bool open = true;
		for (int j = i * size; j < (i + 1) * size; j++) {
			bool first = open && (x[j] == y[i] || is_nan(x[j]));
			dx[j] = first ? dy[i] : 0;
			open = open && !first;
		}
	}
}

KERNEL(group_soft_max)(int n, int size, float temperature, const float *x, float *y) {
	each(i, n) {
		const float *group = x + i * size;
		float most = group_most(group, size);
		double sum = 0, total = 0;
		for (int j = 0; j < size; j++) {
			double e = exponential((group[j] - most) / temperature);
			total += e;
			sum += e * group[j];
		}
		y[i] = (float)(sum / total);
	}
}

KERNEL(group_soft_max_grad)(int n, int size, float temperature, const float *x, const float *y, const float *dy, float *dx) {
	each(i, n) {
		const float *group = x + i * size;
		float most = group_most(group, size);
		double total = 0;
		for (int j = 0; j < size; j++) total += exponential((group[j] - most) / temperature);
		double scale = dy[i] / total;
		for (int j = 0; j < size; j++)
			dx[i * size + j] = (float)(scale * exponential((group[j] - most) / temperature) * (1 + ((double)group[j] - y[i]) / temperature));
	}
}

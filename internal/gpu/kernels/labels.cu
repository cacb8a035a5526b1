// What is done with labels before anything is made of them.
#include "medusa.cuh"

// Labels that are whole numbers which a float tells apart; others are complained of.
KERNEL(labels)(int n, const float *x, float *y, int *report, int check) {
	each(i, n) {
		if (!(absolute(x[i]) < 16777216) || x[i] != (float)(int)x[i]) complain(report, check, i);
		y[i] = x[i];
	}
}

// Numbers of columns, of which there are cols, or −1; others are complained of.
KERNEL(places)(int n, int cols, const float *x, float *y, int *report, int check) {
	each(i, n) {
		if (!(x[i] >= -1 && x[i] < cols) || x[i] != (float)(int)x[i]) complain(report, check, i);
		y[i] = x[i];
	}
}

// Batches of pictures, made of 8-bit ones that lie on the device. The arithmetic is that of
// package datasets (augment.go, warp.go, elastic.go) to the bit: whole numbers, and doubles that are not
// fused.
#include "medusa.cuh"

// Recipe is device.Recipe; flags are those below.
struct Recipe {
	double map[6], bright, contrast;
	u64 seed; // of the elastic grid
	i64 reach;
	int item, flags, x, y, width, height, cells;
	int unused;
};
enum RecipeFlag { DETAIL = 1, MOVE = 2, BILINEAR = 4, TONED = 8, CENTRED = 16 };
enum Picture {
	PICTURE_CHANNELS = 3, // at most
	RECIPE_WORDS = 28,    // of 32 bits
};
static_assert(sizeof(Recipe) == 4 * RECIPE_WORDS, "the host writes as many");

typedef unsigned char u8;

static __device__ int within(int v, int n) { return v < 0 ? 0 : v < n ? v : n - 1; }

// x with 16 binary places, halves away from 0.
static __device__ i64 fixed_point(double x) {
	x = times(x, 65536);
	i64 n = (i64)x;
	double rest = x - (double)n;
	return rest >= 0.5 ? n + 1 : rest <= -0.5 ? n - 1 : n;
}

// Where pixel (i, y) of the result lies along one axis of the stored picture, by three numbers of the map.
static __device__ i64 place(const double *m, int i, int y) {
	double cy = (double)y + 0.5;
	return fixed_point(plus(plus(plus(times(m[0], 0.5), times(m[1], cy)), m[2]), -0.5)) + 128 + i * fixed_point(m[0]);
}

// The step of SplitMix64.
static __device__ u64 mix(u64 z) {
	z += 0x9e3779b97f4a7c15ull;
	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ z >> 27) * 0x94d049bb133111ebull;
	return z ^ z >> 31;
}

// Where a pixel lies along one axis of the elastic grid: its cell, and the weights of the knots from there on.
struct Spline {
	int cell;
	i64 weights[4];
	__device__ Spline(int pixel, int pixels, int cells) {
		i64 at = ((i64)(2 * pixel + 1) * cells << 16) / (2 * pixels), unit = 6ll << 32;
		cell = (int)(at >> 16);
		i64 t = at & 65535, u = 65536 - t;
		weights[0] = u * u * u / unit;
		weights[1] = ((4ll << 48) - (6ll << 16) * t * t + 3 * t * t * t) / unit;
		weights[2] = ((4ll << 48) - (6ll << 16) * u * u + 3 * u * u * u) / unit;
		weights[3] = t * t * t / unit;
	}
};

// How far the elastic grid moves a place along one axis, 0 for x and 1 for y.
static __device__ i64 bend(const Recipe *r, int axis, const Spline &across, const Spline &down) {
	int side = r->cells + 3;
	i64 sum = 0;
	for (int i = 0; i < 4; i++) {
		i64 line = 0;
		for (int j = 0; j < 4; j++) {
			u64 n = 2 * (u64)((down.cell + j) * side + across.cell + i) + axis;
			line += down.weights[j] * ((i64)((mix(r->seed + n) >> 40) * (u64)(2 * r->reach + 1) >> 24) - r->reach);
		}
		sum += across.weights[i] * (line >> 16);
	}
	return sum >> 16;
}

// Four neighbours, weighed; fx and fy have 8 binary places.
static __device__ int blend(int p00, int p01, int p10, int p11, int fx, int fy) {
	int top = (p00 << 8) + (p01 - p00) * fx, low = (p10 << 8) + (p11 - p10) * fx;
	return ((top << 8) + (low - top) * fy + (1 << 15)) >> 16 & 255;
}

struct Source {
	const u8 *picture;
	int h, w;       // of the stored picture
	int rows, cols; // of the result
	const Recipe *r;
	__device__ int value(int channel, int y, int x) const {
		const u8 *plane = picture + channel * h * w;
		if (r->flags & MOVE) {
			int dx = (int)r->map[0], dy = (int)r->map[4];
			int x0 = (int)r->map[2] - (dx < 0), y0 = (int)r->map[5] - (dy < 0);
			return plane[within(y0 + dy * y, rows) * cols + within(x0 + dx * x, cols)];
		}
		if (!(r->flags & BILINEAR)) return plane[y * w + x];
		i64 u = place(r->map, x, y), v = place(r->map + 3, x, y);
		if (r->reach) {
			Spline across(x, cols, r->cells), down(y, rows, r->cells);
			i64 dx = bend(r, 0, across, down), dy = bend(r, 1, across, down);
			u += (fixed_point(r->map[0]) * dx + fixed_point(r->map[1]) * dy) >> 16;
			v += (fixed_point(r->map[3]) * dx + fixed_point(r->map[4]) * dy) >> 16;
		}
		int a = (int)(u >> 16), b = (int)(v >> 16);
		int x0 = within(a, w), x1 = within(a + 1, w), y0 = within(b, h) * w, y1 = within(b + 1, h) * w;
		return blend(plane[y0 + x0], plane[y0 + x1], plane[y1 + x0], plane[y1 + x1], (int)(u >> 8) & 255, (int)(v >> 8) & 255);
	}
};

static __device__ double least(double a, double b) { return a < b ? a : b; }
static __device__ double most(double a, double b) { return a > b ? a : b; }


// y (B, C, H, W), a block a picture; tables (C, 256) is the normalisation.
KERNEL(make_pictures)(int channels, divisor area, divisor across, int dh, int dw, const u8 *stored, const u8 *detail, const Recipe *recipes, const float *tables, float *y) {
	__shared__ float table[PICTURE_CHANNELS][256];
	__shared__ int shared[WIDTH];
	const Recipe *r = recipes + BLOCK;
	Divisor plane(area), width(across);
	int rows = plane.d / width.d, n = channels * plane.d;
	bool large = (r->flags & DETAIL) != 0;
	Source s = {large ? detail + (i64)r->item * channels * dh * dw : stored + (i64)r->item * n, large ? dh : rows, large ? dw : width.d, rows, width.d, r};
	double mean = 0;
	if (r->flags & CENTRED) {
		double weights[PICTURE_CHANNELS] = {channels == 1 ? 1 : 0.299, 0.587, 0.114};
		for (int c = 0; c < channels; c++) {
			int sum = 0;
			for (int i = THREAD; i < plane.d; i += WIDTH) {
				int row = width.over(i);
				sum += s.value(c, row, i - row * width.d);
			}
			mean = plus(mean, times(weights[c], (double)block_sum(sum, shared)) / (double)plane.d);
		}
		mean = least(times(mean, r->bright), 255);
	}
	for (int c = 0; c < channels; c++) {
		int v = THREAD; // of WIDTH values
		if (r->flags & TONED) {
			double x = least(times((double)v, r->bright), 255);
			x = least(most(plus(mean, times(r->contrast, plus(x, -mean))), 0), 255);
			v = (int)plus(x, 0.5);
		}
		table[c][THREAD] = tables[c * 256 + v];
	}
	SYNC;
	for (int i = THREAD; i < n; i += WIDTH) {
		int c = plane.over(i), at = i - c * plane.d, row = width.over(at), col = at - row * width.d;
		bool erased = col >= r->x && col < r->x + r->width && row >= r->y && row < r->y + r->height;
		y[(i64)BLOCK * n + i] = erased ? 0 : table[c][s.value(c, row, col)];
	}
}

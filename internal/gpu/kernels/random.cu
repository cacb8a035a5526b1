// Random numbers by position, and queues of what earlier runs made: specs Uniform, Normal,
// Bernoulli, DrawnColumns, DrawnPartners, Levelled and Enqueue. Every operation in double is rounded by itself, as on the CPU
// (cpu/random.go), so that the bits are the same.
#include "medusa.cuh"

struct Words {
	unsigned w[4];
};

// Philox4x32-10 (J. Salmon et al., SC 2011): block number b of a stream in the run of draw, which
// is seed and number of the run, two digits to the base 2²⁰ each.
static __device__ Words philox(const float *draw, unsigned stream, unsigned b) {
	u64 seed = (u64)draw[0] + 1048576 * (u64)draw[1], run = (u64)draw[2] + 1048576 * (u64)draw[3];
	unsigned k0 = (unsigned)seed, k1 = (unsigned)(seed >> 32);
	unsigned c0 = b, c1 = stream, c2 = (unsigned)run, c3 = (unsigned)(run >> 32);
	for (int round = 0; round < 10; round++) {
		u64 x = 0xD2511F53ull * c0, y = 0xCD9E8D57ull * c2;
		unsigned n0 = (unsigned)(y >> 32) ^ c1 ^ k0, n2 = (unsigned)(x >> 32) ^ c3 ^ k1;
		c1 = (unsigned)y;
		c3 = (unsigned)x;
		c0 = n0;
		c2 = n2;
		k0 += 0x9E3779B9u;
		k1 += 0xBB67AE85u;
	}
	return Words{{c0, c1, c2, c3}};
}

static __device__ double fraction(unsigned w) { return times((double)w + 0.5, 0x1p-32); }

static __device__ u64 double_bits(double d) { return __builtin_bit_cast(u64, d); }
static __device__ double bits_double(u64 u) { return __builtin_bit_cast(double, u); }

// ln x, as logarithm of cpu/random.go.
static __device__ double log_of(double x) {
	u64 bits = double_bits(x);
	double e = (double)((int)(bits >> 52) - 1022);
	double m = bits_double((bits & ((1ull << 52) - 1)) | 1022ull << 52);
	if (m < 0.70710678118654752440) {
		m = times(m, 2);
		e = plus(e, -1);
	}
	double s = plus(m, -1) / plus(m, 1), z = times(s, s), y = 1.0 / 21;
	for (int k = 19; k >= 1; k -= 2) y = plus(times(y, z), 1.0 / k);
	return plus(times(2, times(s, y)), times(e, 0.693147180559945309417));
}

static __device__ double ratio(double x, double a0, double a1, double a2, double a3, double a4, double a5, double a6, double a7,
	double b0, double b1, double b2, double b3, double b4, double b5, double b6, double b7, double factor) {
	double a = a7, b = b7;
	a = plus(times(a, x), a6), b = plus(times(b, x), b6);
	a = plus(times(a, x), a5), b = plus(times(b, x), b5);
	a = plus(times(a, x), a4), b = plus(times(b, x), b4);
	a = plus(times(a, x), a3), b = plus(times(b, x), b3);
	a = plus(times(a, x), a2), b = plus(times(b, x), b2);
	a = plus(times(a, x), a1), b = plus(times(b, x), b1);
	a = plus(times(a, x), a0), b = plus(times(b, x), b0);
	return times(factor, a) / b;
}

// Normal of cpu/random.go (M. Wichura, AS 241).
static __device__ double normal_of(unsigned w) {
	double q = times(plus((double)w, -2147483647.5), 0x1p-32);
	if (q >= -0.425 && q <= 0.425)
		return ratio(plus(0.180625, -times(q, q)),
			3.3871328727963666080, 1.3314166789178437745e+2, 1.9715909503065514427e+3, 1.3731693765509461125e+4,
			4.5921953931549871457e+4, 6.7265770927008700853e+4, 3.3430575583588128105e+4, 2.5090809287301226727e+3,
			1, 4.2313330701600911252e+1, 6.8718700749205790830e+2, 5.3941960214247511077e+3,
			2.1213794301586595867e+4, 3.9307895800092710610e+4, 2.8729085735721942674e+4, 5.2264952788528545610e+3, q);
	double p = fraction(w);
	if (q > 0) p = plus(1, -p);
	double x = ratio(plus(root(-log_of(p)), -1.6),
		1.42343711074968357734, 4.63033784615654529590, 5.76949722146069140550, 3.64784832476320460504,
		1.27045825245236838258, 2.41780725177450611770e-1, 2.27238449892691845833e-2, 7.74545014278341407640e-4,
		1, 2.05319162663775882187, 1.67638483018380384940, 6.89767334985100004550e-1,
		1.48103976427480074590e-1, 1.51986665636164571966e-2, 5.47593808499534494600e-4, 1.05075007164441684324e-9, 1);
	return q < 0 ? -x : x;
}

// drawn(i, w, n, …) goes through the n words of a stream, a block of four a thread.
#define drawn(i, w, n, draw, stream) \
	each(four_, ((n) + 3) / 4) \
		for (Words words_ = philox(draw, stream, (unsigned)four_), *once_ = &words_; once_; once_ = 0) \
			for (int i = 4 * four_, w; i < 4 * four_ + 4 && i < (n) && (w = (int)words_.w[i - 4 * four_], true); i++)

KERNEL(uniform)(int n, u64 stream, const float *draw, float *y) {
	drawn(i, w, n, draw, (unsigned)stream) y[i] = (float)((unsigned)w >> 8) * 0x1p-24f;
}

KERNEL(normal)(int n, u64 stream, const float *draw, float *y) {
	drawn(i, w, n, draw, (unsigned)stream) y[i] = (float)normal_of((unsigned)w);
}

KERNEL(bernoulli)(int n, u64 stream, u64 limit, const float *draw, float *y) {
	drawn(i, w, n, draw, (unsigned)stream) y[i] = (u64)(unsigned)w < limit ? 1 : 0;
}

// What the weights of the block's row add up to, to the end of each of WIDTH parts, as ChoiceSums of
// cpu/random.go; sums holds WIDTH numbers.
static __device__ void choice_sums(int cols, const float *row, double *sums, int *report, int check) {
	int width = (cols + WIDTH - 1) / WIDTH, end = min_of((THREAD + 1) * width, cols);
	double part = 0;
	for (int j = THREAD * width; j < end; j++) {
		if (!(row[j] >= 0 && row[j] < INFINITE)) complain(report, check, BLOCK * cols + j);
		part = plus(part, row[j]);
	}
	sums[THREAD] = part;
	SYNC;
	if (THREAD == 0)
		for (int p = 1; p < WIDTH; p++) sums[p] = plus(sums[p - 1], sums[p]);
	SYNC;
}

// The column that word number at of a stream chooses of a row, −1 if all weights are 0.
static __device__ float choice(int at, const float *draw, u64 stream, int cols, const float *row, const double *sums) {
	int width = (cols + WIDTH - 1) / WIDTH;
	double target = times(fraction(philox(draw, (unsigned)stream, (unsigned)(at / 4)).w[at % 4]), sums[WIDTH - 1]), before = 0, sum = 0;
	int p = 0, last = -1;
	for (; p < WIDTH && !(sums[p] > target); p++) before = sums[p];
	for (int j = p * width; p < WIDTH && j < min_of((p + 1) * width, cols); j++) {
		if (row[j] == 0) continue;
		last = j;
		sum = plus(sum, row[j]);
		if (plus(before, sum) > target) break;
	}
	return (float)last;
}

// Choose of cpu/random.go, a row a block: a thread sums a part, then each draws by itself.
KERNEL(choose)(int cols, int k, u64 stream, const float *draw, const float *weights, float *y, int *report, int check) {
	__shared__ double sums[WIDTH];
	const float *row = weights + BLOCK * cols;
	choice_sums(cols, row, sums, report, check);
	for (int i = THREAD; i < k; i += WIDTH) y[BLOCK * k + i] = choice(BLOCK * k + i, draw, stream, cols, row, sums);
}

// A column for each entry of the mask: DrawnPartners.
KERNEL(choose_partners)(int cols, u64 stream, int pairs, const float *draw, const float *weights, const float *mask, float *y, int *report, int check) {
	__shared__ double sums[WIDTH];
	const float *row = weights + BLOCK * cols;
	choice_sums(cols, row, sums, report, check);
	for (int j = THREAD; j < cols; j += WIDTH)
		y[BLOCK * cols + j] = chosen(pairs, mask, BLOCK, j, cols) ? choice(BLOCK * cols + j, draw, stream, cols, row, sums) : -1;
}

// The bins of Levelled, of which the last holds its upper edge too.
struct Levels {
	double low, top;
	int count;
	__device__ double edge(int b) const { return plus(low, times(plus(top, -low), b) / count); }
	__device__ int of(double v) const {
		if (!(top > low)) return count - 1;
		double guess = plus(v, -low) / plus(top, -low) * count;
		int b = guess > 0 ? min_of((int)guess, count - 1) : 0;
		while (b < count - 1 && v >= edge(b + 1)) b++;
		while (b > 0 && v < edge(b)) b--;
		return b;
	}
};

// How often each entry of x (n) is drawn: Levelled. One block goes through the entries in their order,
// for each must know how many of its bin came before. held and passed hold the numbers of each bin's
// entries, and of those gone through.
KERNEL(levelled)(int n, int cols, int bins, int draws, u64 stream, int pairs, const float *draw, const float *x, const float *in, int *held, int *passed, float *y, int *report, int check) {
	__shared__ float shared[WIDTH];
	__shared__ int bin_of[WIDTH];
	float low = INFINITE, top = -INFINITE;
	for (int i = THREAD; i < n; i += WIDTH) {
		if (!chosen(pairs, in, i / cols, i % cols, cols)) continue;
		if (!is_finite(x[i])) complain(report, check, i);
		if (x[i] < low) low = x[i];
		if (x[i] > top) top = x[i];
	}
	low = -block_max(-low, shared);
	top = block_max(top, shared);
	Levels level = {low, top, bins};
	for (int b = THREAD; b < bins; b += WIDTH) held[b] = passed[b] = 0;
	SYNC;
	for (int i = THREAD; i < n; i += WIDTH)
		if (is_finite(x[i]) && chosen(pairs, in, i / cols, i % cols, cols)) add_int(held + level.of(x[i]), 1);
	SYNC;
	for (int from = 0; from < n; from += WIDTH) {
		int i = from + THREAD, b = -1, rank = 0;
		bool last = true;
		if (i < n && is_finite(x[i]) && chosen(pairs, in, i / cols, i % cols, cols)) b = level.of(x[i]);
		bin_of[THREAD] = b;
		SYNC;
		if (b >= 0) {
			rank = passed[b];
			for (int t = 0; t < WIDTH; t++)
				if (t != THREAD && bin_of[t] == b) {
					if (t < THREAD) rank++;
					else last = false;
				}
		}
		int count = 0;
		for (int k = 0; b >= 0 && k < draws; k++) {
			int at = b * draws + k;
			unsigned w = philox(draw, (unsigned)stream, (unsigned)(at / 4)).w[at % 4];
			count += (int)((u64)w * (u64)held[b] >> 32) == rank;
		}
		if (i < n) y[i] = (float)count;
		SYNC;
		if (b >= 0 && last) passed[b] = rank + 1;
		SYNC;
	}
}

// Rows x into a queue from its position on; n is all numbers of x.
KERNEL(enqueue)(int n, divisor cols, int slots, const float *x, const float *position, float *queue, int *report, int check) {
	Divisor by(cols);
	float p = position[0];
	bool ok = p >= 0 && p < (float)slots && p == (float)(int)p;
	if (!ok && BLOCK == 0 && THREAD == 0) complain(report, check, 0);
	each(i, n) {
		int r = by.over(i), slot = (ok ? (int)p : 0) + r;
		queue[(slot < slots ? slot : slot - slots) * by.d + by.rest(i)] = x[i];
	}
}

// The position moves on by so many rows.
KERNEL(enqueue_count)(int rows, int slots, float *position) {
	if (BLOCK || THREAD) return;
	int p = (int)position[0] + rows;
	position[0] = (float)(p < slots ? p : p - slots);
}

// The GPU's threads on the host, for tests: the threads of a block are fibers that run one
// after the other, each up to the next SYNC, the blocks one after the other. Every other launch
// goes through threads and blocks backwards: a kernel that lacks a SYNC, or whose blocks
// depend on each other, is right one way at most. A launch fails whose threads do not all come
// to the same SYNC.
#pragma once
#include <csetjmp>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <ucontext.h>
#include <utility>

#define __device__
#define __shared__ static
#define KERNEL(name) void name
#define KERNEL_IN_PAIRS(name) void name
#define THREAD (emulated.thread)
#define THREADS (emulated.threads)
#define BLOCK (emulated.block[0])
#define BLOCK_Y (emulated.block[1])
#define BLOCK_Z (emulated.block[2])
#define BLOCKS (emulated.blocks[0])
#define BLOCKS_Y (emulated.blocks[1])
#define SYNC pause(__LINE__)

struct emulation {
	int thread, threads, block[3], blocks[3];
	void (*body)(void *);
	void *data;
	jmp_buf scheduler, fibers[1024];
	bool started[1024], done[1024];
	int line[1024]; // of the SYNC at which a thread waits
};
static emulation emulated;

static float root(float x) { return sqrtf(x); }
static double root(double x) { return sqrt(x); }
static float fused(float a, float b, float c) { return fmaf(a, b, c); }
static float bits_float(unsigned u) { float f; memcpy(&f, &u, 4); return f; }
static unsigned float_bits(float f) { unsigned u; memcpy(&u, &f, 4); return u; }

static double times(double a, double b) {
	volatile double p = a * b; // never fused with a sum
	return p;
}
static double plus(double a, double b) { return a + b; }
static void add_int(int *p, int v) { *p += v; }
static void add_long(long long *p, long long v) { *p += v; }
static void add_float(float *p, float v) { *p += v; }

static void pause(int line) {
	int me = emulated.thread;
	emulated.line[me] = line;
	if (!_setjmp(emulated.fibers[me])) _longjmp(emulated.scheduler, 1);
}

// fiber runs the body for its thread again and again, a block at a time.
static void fiber() {
	for (;;) {
		emulated.body(emulated.data);
		emulated.done[emulated.thread] = true;
		pause(0);
	}
}

static void resume(int i) {
	static ucontext_t fresh, unused;
	enum { STACK = 1 << 16 };
	if (_setjmp(emulated.scheduler)) return;
	emulated.thread = i;
	if (emulated.started[i]) _longjmp(emulated.fibers[i], 1);
	emulated.started[i] = true;
	getcontext(&fresh);
	fresh.uc_stack.ss_sp = malloc(STACK);
	fresh.uc_stack.ss_size = STACK;
	fresh.uc_link = 0;
	makecontext(&fresh, fiber, 0);
	swapcontext(&unused, &fresh);
}

static float fetch(const float *p, bool ok) { return ok ? *p : 0; }

static float to_tf32(float x) {
	unsigned u = float_bits(x);
	if ((u & 0x7f800000u) == 0x7f800000u) return x; // no number to round
	return bits_float((u + 0x1000u) & 0xffffe000u);
}

// The fragments of the block's warps, as matrices.
static struct { float a[16][8], b[8][8]; } fragments[32];

// mma is mma.sync.m16n8k8 of .tf32 as the PTX ISA 7.0 tells it (9.7.13.4.7): all threads of
// the block must call it. As on the GPU, bits beyond TF32's are not looked at.
static void mma(float *c, const float *a, const float *b) {
	auto &warp = fragments[emulated.thread / 32];
	int laneid = emulated.thread % 32, group = laneid >> 2, in_group = laneid % 4;
	for (int i = 0; i < 4; i++) {
		int row = i == 0 || i == 2 ? group : group + 8, col = i < 2 ? in_group : in_group + 4;
		warp.a[row][col] = bits_float(float_bits(a[i]) & 0xffffe000u);
	}
	for (int i = 0; i < 2; i++) {
		int row = i == 0 ? in_group : in_group + 4, col = group;
		warp.b[row][col] = bits_float(float_bits(b[i]) & 0xffffe000u);
	}
	SYNC;
	for (int i = 0; i < 4; i++) {
		int row = i < 2 ? group : group + 8, col = in_group * 2 + (i & 1);
		for (int k = 0; k < 8; k++) c[i] += warp.a[row][k] * warp.b[k][col];
	}
	SYNC;
}

// run_block runs the block's threads to their end; false if they part.
static bool run_block(bool back) {
	unsigned threads = (unsigned)emulated.threads;
	memset(emulated.done, 0, sizeof emulated.done);
	for (bool busy = true; busy;) {
		busy = false;
		int at = -1; // where they all come to, 0 for the end
		for (unsigned i = 0; i < threads; i++) {
			unsigned t = back ? threads - 1 - i : i;
			if (emulated.done[t]) continue;
			resume((int)t);
			busy = true;
			if (at >= 0 && emulated.line[t] != at) return false;
			at = emulated.line[t];
		}
	}
	return true;
}

static int run_grid(const unsigned *grid, unsigned threads, void (*body)(void *), void *data) {
	static bool back;
	back = !back;
	emulated.threads = (int)threads;
	emulated.body = body;
	emulated.data = data;
	for (int i = 0; i < 3; i++) emulated.blocks[i] = (int)grid[i];
	unsigned long long blocks = (unsigned long long)grid[0] * grid[1] * grid[2];
	for (unsigned long long i = 0; i < blocks; i++) {
		unsigned long long at = back ? blocks - 1 - i : i;
		emulated.block[0] = (int)(at % grid[0]);
		emulated.block[1] = (int)(at / grid[0] % grid[1]);
		emulated.block[2] = (int)(at / grid[0] / grid[1]);
		if (!run_block(back)) return 1;
	}
	return 0;
}

template <class... A, std::size_t... I>
static int run_kernel(void (*f)(A...), const unsigned *grid, unsigned threads, void **params, std::index_sequence<I...>) {
	auto body = [=] { f(*(std::remove_const_t<A> *)params[I]...); };
	return run_grid(grid, threads, [](void *data) { (*(decltype(body) *)data)(); }, (void *)&body);
}

template <class... A> static int run_kernel(void (*f)(A...), const unsigned *grid, unsigned threads, void **params) {
	return run_kernel(f, grid, threads, params, std::index_sequence_for<A...>());
}

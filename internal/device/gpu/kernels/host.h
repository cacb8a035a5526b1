// The GPU's threads on the host, for tests: the threads of a block are fibers that run one
// after the other, each up to the next SYNC, the blocks one after the other.
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
#define THREAD (emulated.thread)
#define THREADS (emulated.threads)
#define BLOCK (emulated.block[0])
#define BLOCK_Y (emulated.block[1])
#define BLOCK_Z (emulated.block[2])
#define BLOCKS (emulated.blocks[0])
#define BLOCKS_Y (emulated.blocks[1])
#define SYNC pause()

struct emulation {
	int thread, threads, block[3], blocks[3];
	void (*body)(void *);
	void *data;
	jmp_buf scheduler, fibers[1024];
	bool started[1024], done[1024];
};
static emulation emulated;

static float root(float x) { return sqrtf(x); }
static double root(double x) { return sqrt(x); }
static float fused(float a, float b, float c) { return fmaf(a, b, c); }
static float bits_float(unsigned u) { float f; memcpy(&f, &u, 4); return f; }
static unsigned float_bits(float f) { unsigned u; memcpy(&u, &f, 4); return u; }

static void add_int(int *p, int v) { *p += v; }
static void add_float(float *p, float v) { *p += v; }

static void pause() {
	int me = emulated.thread;
	if (!_setjmp(emulated.fibers[me])) _longjmp(emulated.scheduler, 1);
}

// fiber runs the body for its thread again and again, a block at a time.
static void fiber() {
	for (;;) {
		emulated.body(emulated.data);
		emulated.done[emulated.thread] = true;
		pause();
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

static void run_grid(const unsigned *grid, unsigned threads, void (*body)(void *), void *data) {
	emulated.threads = (int)threads;
	emulated.body = body;
	emulated.data = data;
	for (int i = 0; i < 3; i++) emulated.blocks[i] = (int)grid[i];
	for (unsigned z = 0; z < grid[2]; z++)
		for (unsigned y = 0; y < grid[1]; y++)
			for (unsigned x = 0; x < grid[0]; x++) {
				emulated.block[0] = (int)x, emulated.block[1] = (int)y, emulated.block[2] = (int)z;
				memset(emulated.done, 0, sizeof emulated.done);
				for (bool busy = true; busy;) {
					busy = false;
					for (unsigned t = 0; t < threads; t++)
						if (!emulated.done[t]) {
							resume((int)t);
							busy = true;
						}
				}
			}
}

template <class... A, std::size_t... I>
static int run_kernel(void (*f)(A...), const unsigned *grid, unsigned threads, void **params, std::index_sequence<I...>) {
	auto body = [=] { f(*(std::remove_const_t<A> *)params[I]...); };
	run_grid(grid, threads, [](void *data) { (*(decltype(body) *)data)(); }, (void *)&body);
	return 0;
}

template <class... A> static int run_kernel(void (*f)(A...), const unsigned *grid, unsigned threads, void **params) {
	return run_kernel(f, grid, threads, params, std::index_sequence_for<A...>());
}

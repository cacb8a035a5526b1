// The GPU's threads on the host, for tests: the threads of a block run one after the other, each
// up to the next SYNC, the blocks one after the other. A thread that waits at a SYNC does so on a
// stack of its own, a fiber; threads that meet none share one fiber. Every other launch
// goes through threads and blocks backwards: a kernel that lacks a SYNC, or whose blocks
// depend on each other, is right one way at most. A launch fails whose threads do not all come
// to the same SYNC.
#pragma once
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <tuple>
#include <type_traits>
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

// Where one goes on that has left for another. The compiler's own jumps save what it uses; those
// of the C library are several times slower.
#if defined(__GNUC__) && !defined(__clang__)
typedef void *resumption[5];
#define LEAVES(p) __builtin_setjmp(p)
static __attribute__((noipa)) void go_on(resumption &p) { __builtin_longjmp(p, 1); }
#else
#include <csetjmp>
typedef jmp_buf resumption;
#define LEAVES(p) _setjmp(p)
static void go_on(resumption &p) { _longjmp(p, 1); }
#endif

enum { NONE = -1 };

struct fiber {
	resumption at;
	int thread; // that waits on it
};

struct emulation {
	int thread, threads, block[3], blocks[3];
	void (*body)(void *);
	void *data;
	resumption scheduler;
	fiber *running;
	fiber *idle[1024], *waiting[1024];
	int idle_count, waiting_count;
	int next, last; // of the fibers that waited at the SYNC before, those that have not gone on
	bool back;   // threads and blocks go backwards
	int begun;   // threads of the block
	int line;    // of the SYNC that the threads come to, 0 for their end, NONE before the first has come
	bool parted; // they came to different ones
};
static emulation emulated;

// Where that stands which has an address of the device, and what lets the addresses themselves be
// used, or no more; the fake driver sets both.
extern "C" {
void *(*medusa_host_memory)(void *addr);
void (*medusa_host_open)(int open);
}

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

static void come_to(int line) {
	if (emulated.line >= 0 && emulated.line != line) emulated.parted = true;
	emulated.line = line;
}

// leave puts the running fiber aside for the next of its round, or for the scheduler after the
// last: from fiber to fiber is one jump, and always to the same place, as processors like it.
static __attribute__((noinline)) void leave() {
	fiber *f = emulated.running;
	if (f->thread == NONE) emulated.idle[emulated.idle_count++] = f;
	else emulated.waiting[emulated.waiting_count++] = f;
	if (LEAVES(f->at)) return;
	if (emulated.next == emulated.last) go_on(emulated.scheduler);
	f = emulated.running = emulated.waiting[emulated.next++];
	emulated.thread = f->thread;
	go_on(f->at);
}

static void pause(int line) {
	emulated.running->thread = emulated.thread;
	come_to(line);
	leave();
}

// run_fiber begins the threads that have not, until one waits; the others are up to other fibers.
static void run_fiber() {
	for (;; leave())
		while (emulated.begun < emulated.threads) {
			int i = emulated.begun++;
			emulated.thread = emulated.back ? emulated.threads - 1 - i : i;
			emulated.body(emulated.data);
			emulated.running->thread = NONE;
			come_to(0);
		}
}

static __attribute__((noinline)) void resume(fiber *f) {
	if (LEAVES(emulated.scheduler)) return;
	emulated.running = f;
	emulated.thread = f->thread;
	go_on(f->at);
}

static __attribute__((noinline)) void make_fiber() {
	static ucontext_t fresh, unused;
	enum { STACK = 1 << 16 };
	getcontext(&fresh);
	fresh.uc_stack.ss_sp = malloc(STACK);
	fresh.uc_stack.ss_size = STACK;
	fresh.uc_link = 0;
	emulated.running = new fiber{{}, NONE};
	makecontext(&fresh, [] { leave(); run_fiber(); }, 0);
	if (!LEAVES(emulated.scheduler)) swapcontext(&unused, &fresh);
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
static bool run_block() {
	emulated.begun = emulated.waiting_count = 0;
	emulated.line = NONE;
	while (emulated.begun < emulated.threads) {
		if (!emulated.idle_count) make_fiber();
		resume(emulated.idle[--emulated.idle_count]);
	}
	while (emulated.waiting_count && !emulated.parted) {
		emulated.last = emulated.waiting_count;
		emulated.next = 1; // which leave() moves on
		emulated.waiting_count = 0;
		emulated.line = NONE;
		resume(emulated.waiting[0]);
	}
	emulated.next = emulated.last = 0;
	return !emulated.parted; // fibers that still wait then are lost
}

static int run_grid(const unsigned *grid, unsigned threads, void (*body)(void *), void *data) {
	emulated.back = !emulated.back;
	emulated.parted = false;
	emulated.threads = (int)threads;
	emulated.body = body;
	emulated.data = data;
	for (int i = 0; i < 3; i++) emulated.blocks[i] = (int)grid[i];
	unsigned long long blocks = (unsigned long long)grid[0] * grid[1] * grid[2];
	for (unsigned long long i = 0; i < blocks; i++) {
		unsigned long long at = emulated.back ? blocks - 1 - i : i;
		emulated.block[0] = (int)(at % grid[0]);
		emulated.block[1] = (int)(at / grid[0] % grid[1]);
		emulated.block[2] = (int)(at / grid[0] / grid[1]);
		if (!run_block()) return 1;
	}
	return 0;
}

// argument is what a launch gives for a parameter; a pointer is an address of the device.
template <class A> static A argument(void *given) {
	A a = *(std::remove_const_t<A> *)given;
	if constexpr (std::is_pointer_v<A>) return (A)medusa_host_memory((void *)a);
	else return a;
}

template <class... A, std::size_t... I>
static int run_kernel(void (*f)(A...), const unsigned *grid, unsigned threads, void **params, std::index_sequence<I...>) {
	auto all = std::make_tuple(argument<A>(params[I])...);
	auto body = [&] { f(std::get<I>(all)...); };
	constexpr bool addresses = (std::is_class_v<std::remove_pointer_t<A>> || ...); // may be in a struct
	if (addresses) medusa_host_open(1);
	int failed = run_grid(grid, threads, [](void *data) { (*(decltype(body) *)data)(); }, (void *)&body);
	if (addresses) medusa_host_open(0);
	return failed;
}

template <class... A> static int run_kernel(void (*f)(A...), const unsigned *grid, unsigned threads, void **params) {
	return run_kernel(f, grid, threads, params, std::index_sequence_for<A...>());
}

// A libcuda.so.1 without a GPU, for tests. Memory of the device is mapped twice: at the
// address that the program gets nobody may read or write (PROT_NONE), so that a host access
// is a SIGSEGV; copies go through the second mapping. Streams are lazy: work is done when
// something waits for it, so that a forgotten wait shows itself. Every call writes a line
// into a log.
#define _GNU_SOURCE
#include "fake.h"
#include <dlfcn.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

typedef int CUresult;
typedef uint64_t CUdeviceptr;

enum { OK = 0, INVALID_VALUE = 1, NO_MEMORY = 2, NOT_INITIALIZED = 3, INVALID_DEVICE = 101, INVALID_CONTEXT = 201,
       INVALID_PTX = 218, INVALID_HANDLE = 400, NOT_FOUND = 500, NOT_READY = 600, CAPTURE_INVALID = 901 };

static pthread_mutex_t lock;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static void make_lock(void) {
	pthread_mutexattr_t a;
	pthread_mutexattr_init(&a);
	pthread_mutexattr_settype(&a, PTHREAD_MUTEX_RECURSIVE);
	pthread_mutex_init(&lock, &a);
}
static void enter(void) { pthread_once(&once, make_lock); pthread_mutex_lock(&lock); }
static int leave(int r) { pthread_mutex_unlock(&lock); return r; }

// ---- the log

static char *log_text;
static size_t log_size, log_room;
static int log_off;

static void log_append(const char *s, size_t n) {
	if (log_size + n + 1 > log_room) {
		log_room = 2 * (log_size + n + 1);
		log_text = realloc(log_text, log_room);
	}
	memcpy(log_text + log_size, s, n);
	log_text[log_size += n] = 0;
}

void fake_logf(const char *format, ...) {
	if (log_off) return;
	char line[8192];
	va_list args;
	va_start(args, format);
	int n = vsnprintf(line, sizeof line - 1, format, args);
	va_end(args);
	if (n > (int)sizeof line - 2) n = sizeof line - 2;
	line[n++] = '\n';
	enter();
	log_append(line, n);
	leave(0);
}

size_t fake_log(char *out, size_t room) { // copies what fits and returns the size of all
	enter();
	size_t n = log_size < room ? log_size : room;
	if (n) memcpy(out, log_text, n);
	size_t all = log_size;
	leave(0);
	return all;
}
void fake_clear_log(void) { enter(); log_size = 0; leave(0); }

// ---- what a test sets

static long long devices = 1, memory = 1ll << 30, version = 12040, major = 9, minor = 0, lazy = 1, slow;

int fake_set(const char *key, long long value) {
	struct { const char *key; long long *v; } all[] = {{"devices", &devices}, {"memory", &memory}, {"version", &version},
		{"major", &major}, {"minor", &minor}, {"lazy", &lazy}, {"slow", &slow}};
	if (!strcmp(key, "quiet")) { log_off = value != 0; return 0; }
	for (size_t i = 0; i < sizeof all / sizeof *all; i++)
		if (!strcmp(all[i].key, key)) { *all[i].v = value; return 0; }
	return -1;
}

static struct { char call[64]; long nth; int code; } injections[16];
static int injected_count;
static int sticky; // an error of asynchronous work: of every later call, too

int fake_inject(const char *call, long nth, int code) { // the nth call from now on fails, once
	enter();
	if (injected_count == 16) return leave(-1);
	snprintf(injections[injected_count].call, 64, "%s", call);
	injections[injected_count].nth = nth;
	injections[injected_count++].code = code;
	return leave(0);
}

int fake_injected(const char *call, int *code) {
	enter();
	int hit = 0;
	for (int i = 0; i < injected_count; i++) // all of them count this call
		if (!strcmp(injections[i].call, call) && --injections[i].nth == 0) {
			*code = injections[i].code;
			hit = 1;
		}
	return leave(hit);
}

static int initialized;
void fake_reset(void) { // everything but what was allocated
	enter();
	injected_count = sticky = initialized = log_off = 0;
	log_size = 0;
	devices = 1, memory = 1ll << 30, version = 12040, major = 9, minor = 0, lazy = 1, slow = 0;
	leave(0);
}

// ---- objects

typedef struct object { int kind; struct object *next; } object;
enum { CONTEXT = 0x5a01, STREAM, EVENT, MODULE, FUNCTION, GRAPH, EXEC };
static object *objects;

static void *create(int kind, size_t bytes) {
	object *o = calloc(1, bytes);
	o->kind = kind;
	o->next = objects;
	objects = o;
	return o;
}
static int valid(void *p, int kind) { // without touching what may be freed
	for (object *o = objects; o; o = o->next)
		if (o == p) return o->kind == kind;
	return 0;
}
static void destroy(void *p) {
	for (object **o = &objects; *o; o = &(*o)->next)
		if (*o == p) { *o = (*o)->next; free(p); return; }
}
long fake_count(int kind) {
	enter();
	long n = 0;
	for (object *o = objects; o; o = o->next) n += o->kind == kind;
	leave(0);
	return n;
}

typedef struct node { struct node *next; fake_work run; size_t bytes; char data[] __attribute__((aligned(16))); } node;
typedef struct { object o; node *first, **last; int count; } graph;
typedef struct { object o; void *context; graph *capture; pthread_t thread; int mode; } stream;
typedef struct { object o; int timed, done; double time; } event;
typedef struct { object o; int retained; } context;
typedef struct { object o; char *ptx; } module;
typedef struct { object o; char name[256]; int n; unsigned size[128]; int shared; } function;

static __thread void *current;
static context *primary[64]; // of each device
int fake_context(void) { enter(); return leave(current && valid(current, CONTEXT)); }
int fake_valid_stream(void *s) { enter(); return leave(valid(s, STREAM)); }

// ---- the device's memory

typedef struct block { struct block *next; char *base; char *shadow; size_t pages; char *start; size_t bytes; } block;
static block *blocks;
static long long used;
static long corrupt;
enum { ALIGN = 256, CANARY = 0xc5 };

static size_t page(void) { return sysconf(_SC_PAGESIZE); }
static size_t tail(block *b) { return b->base + b->pages - (b->start + b->bytes); }
static char *in_shadow(block *b, char *p) { return b->shadow + (p - b->base); }

long fake_blocks(void) { enter(); long n = 0; for (block *b = blocks; b; b = b->next) n++; leave(0); return n; }
long fake_corrupt(void) { enter(); long n = corrupt; leave(0); return n; }

void *fake_shadow(uint64_t addr, size_t bytes) {
	for (block *b = blocks; b; b = b->next) {
		uint64_t lo = (uint64_t)b->start;
		if (addr >= lo && addr <= lo + b->bytes && bytes <= lo + b->bytes - addr) return in_shadow(b, (char *)addr);
	}
	return NULL;
}

static CUresult allocate(CUdeviceptr *out, size_t bytes) {
	if (used + (long long)bytes > memory) return NO_MEMORY;
	size_t room = (bytes + ALIGN - 1) / ALIGN * ALIGN, pages = (room + page() - 1) / page() * page();
	int fd = memfd_create("fake device", 0);
	if (fd < 0 || ftruncate(fd, pages)) { if (fd >= 0) close(fd); return NO_MEMORY; }
	// One page more on each side, which nobody ever may touch; the memory ends with its page.
	char *base = mmap(NULL, pages + 2 * page(), PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (base == MAP_FAILED) { close(fd); return NO_MEMORY; }
	base += page();
	char *shadow = mmap(NULL, pages, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (shadow == MAP_FAILED || mmap(base, pages, PROT_NONE, MAP_SHARED | MAP_FIXED, fd, 0) == MAP_FAILED) { close(fd); return NO_MEMORY; }
	close(fd);
	block *b = malloc(sizeof *b);
	*b = (block){blocks, base, shadow, pages, base + pages - room, bytes};
	memset(shadow, CANARY, pages); // what is read before it is written is no zero either
	blocks = b;
	used += bytes;
	*out = (CUdeviceptr)b->start;
	return OK;
}

static CUresult release(CUdeviceptr p) {
	for (block **at = &blocks; *at; at = &(*at)->next) {
		block *b = *at;
		if ((CUdeviceptr)b->start != p) continue;
		unsigned char *t = (unsigned char *)in_shadow(b, b->start + b->bytes);
		for (size_t i = 0; i < tail(b); i++)
			if (t[i] != CANARY) { corrupt++; break; }
		for (char *c = b->base; c < b->start; c++)
			if (*(unsigned char *)in_shadow(b, c) != CANARY) { corrupt++; break; }
		*at = b->next;
		used -= b->bytes;
		munmap(b->base - page(), b->pages + 2 * page());
		munmap(b->shadow, b->pages);
		free(b);
		return OK;
	}
	return INVALID_VALUE;
}

static void protect(int how) { for (block *b = blocks; b; b = b->next) mprotect(b->base, b->pages, how); }

typedef struct pinned { struct pinned *next; char *p; size_t bytes; } pinned;
static pinned *pins;
static int is_pinned(const void *p, size_t n) {
	for (pinned *q = pins; q; q = q->next)
		if ((char *)p >= q->p && (char *)p + n <= q->p + q->bytes) return 1;
	return 0;
}
long fake_pinned(void) { enter(); long n = 0; for (pinned *q = pins; q; q = q->next) n++; leave(0); return n; }

// ---- the queue

static node *queue, **queue_end = &queue;

static node *make_node(fake_work run, const void *data, size_t bytes) {
	node *n = malloc(sizeof *n + bytes);
	*n = (node){NULL, run, bytes};
	memcpy(n->data, data, bytes);
	return n;
}
static void run_node(node *n) {
	int code = OK;
	if (!sticky && !fake_injected("work", &code)) code = n->run(n->data);
	if (code && !sticky) sticky = code;
}
static int flush(void) {
	while (queue) {
		node *n = queue;
		queue = n->next;
		if (!queue) queue_end = &queue;
		run_node(n);
		free(n);
	}
	return sticky;
}
static int enqueue(fake_work run, const void *data, size_t bytes) {
	node *n = make_node(run, data, bytes);
	*queue_end = n;
	queue_end = &n->next;
	return lazy ? OK : flush();
}
int fake_submit(void *s, fake_work run, const void *data, size_t bytes) {
	enter();
	if (!valid(s, STREAM) || ((stream *)s)->context != current) return leave(INVALID_HANDLE); // also of another context
	graph *g = ((stream *)s)->capture;
	if (!g) return leave(enqueue(run, data, bytes));
	node *n = make_node(run, data, bytes);
	*g->last = n;
	g->last = &n->next;
	g->count++;
	return leave(OK);
}

// BEGIN opens every call that needs a context: what is injected, what broke before, and the
// context of this thread.
#define CALL(name) do { int code_; enter(); if (fake_injected(name, &code_)) return leave(code_); } while (0)
#define BEGIN(name) CALL(name); do { if (sticky) return leave(sticky); \
	if (!current || !valid(current, CONTEXT)) return leave(INVALID_CONTEXT); } while (0)

// ---- the driver and its devices

CUresult cuInit(unsigned flags) {
	CALL("cuInit");
	fake_logf("cuInit %u", flags);
	if (!devices) return leave(100);
	initialized = 1;
	return leave(OK);
}
CUresult cuDriverGetVersion(int *v) { CALL("cuDriverGetVersion"); *v = version; return leave(OK); }

static const struct { int code; const char *name, *text; } results[] = {
	{0, "CUDA_SUCCESS", "no error"}, {1, "CUDA_ERROR_INVALID_VALUE", "invalid argument"},
	{2, "CUDA_ERROR_OUT_OF_MEMORY", "out of memory"}, {3, "CUDA_ERROR_NOT_INITIALIZED", "initialization error"},
	{100, "CUDA_ERROR_NO_DEVICE", "no CUDA-capable device is detected"},
	{101, "CUDA_ERROR_INVALID_DEVICE", "invalid device ordinal"},
	{201, "CUDA_ERROR_INVALID_CONTEXT", "invalid device context"},
	{218, "CUDA_ERROR_INVALID_PTX", "a PTX JIT compilation failed"},
	{400, "CUDA_ERROR_INVALID_HANDLE", "invalid resource handle"}, {500, "CUDA_ERROR_NOT_FOUND", "named symbol not found"},
	{600, "CUDA_ERROR_NOT_READY", "device not ready"},
	{700, "CUDA_ERROR_ILLEGAL_ADDRESS", "an illegal memory access was encountered"},
	{719, "CUDA_ERROR_LAUNCH_FAILED", "unspecified launch failure"},
	{901, "CUDA_ERROR_STREAM_CAPTURE_INVALIDATED", "operation failed due to a previous error during capture"}};
static CUresult describe(int code, const char **out, int text) {
	for (size_t i = 0; i < sizeof results / sizeof *results; i++)
		if (results[i].code == code) { *out = text ? results[i].text : results[i].name; return OK; }
	*out = NULL;
	return INVALID_VALUE;
}
CUresult cuGetErrorName(int code, const char **out) { return describe(code, out, 0); }
CUresult cuGetErrorString(int code, const char **out) { return describe(code, out, 1); }

#define DEVICE(name, d) CALL(name); do { if (!initialized) return leave(NOT_INITIALIZED); \
	if ((d) < 40 || (d) >= 40 + devices) return leave(INVALID_DEVICE); } while (0)

CUresult cuDeviceGetCount(int *n) {
	CALL("cuDeviceGetCount");
	if (!initialized) return leave(NOT_INITIALIZED);
	*n = devices;
	return leave(OK);
}
CUresult cuDeviceGet(int *d, int ordinal) {
	CALL("cuDeviceGet");
	if (!initialized) return leave(NOT_INITIALIZED);
	if (ordinal < 0 || ordinal >= devices) return leave(INVALID_DEVICE);
	*d = 40 + ordinal; // a handle need not be the ordinal
	return leave(OK);
}
CUresult cuDeviceGetName(char *name, int room, int d) { DEVICE("cuDeviceGetName", d); snprintf(name, room, "Fake GPU %d", d - 40); return leave(OK); }
CUresult cuDeviceTotalMem_v2(size_t *n, int d) { DEVICE("cuDeviceTotalMem_v2", d); *n = memory; return leave(OK); }
CUresult cuDeviceGetAttribute(int *v, int a, int d) {
	DEVICE("cuDeviceGetAttribute", d);
	switch (a) {
	case 1: *v = 1024; break;
	case 8: *v = 49152; break;
	case 10: *v = 32; break;
	case 16: *v = 132; break;
	case 75: *v = major; break;
	case 76: *v = minor; break;
	case 97: *v = 232448; break;
	default: return leave(INVALID_VALUE);
	}
	return leave(OK);
}

CUresult cuDevicePrimaryCtxRetain(void **out, int d) {
	DEVICE("cuDevicePrimaryCtxRetain", d);
	fake_logf("cuDevicePrimaryCtxRetain %d", d);
	context **p = &primary[(d - 40) % 64];
	if (!*p) *p = create(CONTEXT, sizeof **p);
	(*p)->retained++;
	*out = *p;
	return leave(OK);
}
CUresult cuDevicePrimaryCtxRelease_v2(int d) {
	DEVICE("cuDevicePrimaryCtxRelease_v2", d);
	fake_logf("cuDevicePrimaryCtxRelease_v2 %d", d);
	context **p = &primary[(d - 40) % 64];
	if (!*p) return leave(INVALID_CONTEXT);
	if (--(*p)->retained == 0) { flush(); destroy(*p); *p = NULL; }
	return leave(OK);
}
CUresult cuCtxSetCurrent(void *c) {
	CALL("cuCtxSetCurrent");
	if (c && !valid(c, CONTEXT)) return leave(INVALID_CONTEXT);
	current = c;
	leave(OK);
	if (slow) usleep(slow); // long enough for a goroutine to lose its thread
	return OK;
}
CUresult cuCtxSynchronize(void) { BEGIN("cuCtxSynchronize"); fake_logf("cuCtxSynchronize"); return leave(flush()); }

// ---- streams and events

#define NEED(p, kind) do { if (!valid(p, kind)) return leave(INVALID_HANDLE); } while (0)
#define NOT_CAPTURED(s) do { if (((stream *)(s))->capture) return leave(CAPTURE_INVALID); } while (0)

CUresult cuStreamCreate(void **out, unsigned flags) {
	BEGIN("cuStreamCreate");
	fake_logf("cuStreamCreate %u", flags);
	stream *s = create(STREAM, sizeof *s);
	s->context = current;
	*out = s;
	return leave(OK);
}
CUresult cuStreamDestroy_v2(void *s) { BEGIN("cuStreamDestroy_v2"); NEED(s, STREAM); flush(); destroy(s); return leave(OK); }
CUresult cuStreamSynchronize(void *s) {
	BEGIN("cuStreamSynchronize");
	NEED(s, STREAM);
	NOT_CAPTURED(s);
	fake_logf("cuStreamSynchronize %p", s);
	return leave(flush());
}
CUresult cuStreamQuery(void *s) { BEGIN("cuStreamQuery"); NEED(s, STREAM); NOT_CAPTURED(s); return leave(queue ? NOT_READY : OK); }
CUresult cuStreamWaitEvent(void *s, void *e, unsigned flags) {
	BEGIN("cuStreamWaitEvent");
	NEED(s, STREAM);
	NEED(e, EVENT);
	fake_logf("cuStreamWaitEvent %p %p %u", s, e, flags); // one queue: the order is kept anyhow
	return leave(OK);
}

CUresult cuEventCreate(void **out, unsigned flags) {
	BEGIN("cuEventCreate");
	fake_logf("cuEventCreate %u", flags);
	event *e = create(EVENT, sizeof *e);
	e->timed = !(flags & 2);
	*out = e;
	return leave(OK);
}
CUresult cuEventDestroy_v2(void *e) { BEGIN("cuEventDestroy_v2"); NEED(e, EVENT); flush(); destroy(e); return leave(OK); }
static int clock_ms;
static int do_record(void *data) { event *e = *(event **)data; e->done = 1; e->time = ++clock_ms; return OK; }
CUresult cuEventRecord(void *e, void *s) {
	BEGIN("cuEventRecord");
	NEED(e, EVENT);
	NEED(s, STREAM);
	fake_logf("cuEventRecord %p %p", e, s);
	((event *)e)->done = 0;
	return leave(fake_submit(s, do_record, &e, sizeof e));
}
CUresult cuEventSynchronize(void *e) { BEGIN("cuEventSynchronize"); NEED(e, EVENT); fake_logf("cuEventSynchronize %p", e); return leave(flush()); }
CUresult cuEventQuery(void *e) { BEGIN("cuEventQuery"); NEED(e, EVENT); return leave(((event *)e)->done ? OK : NOT_READY); }
CUresult cuEventElapsedTime(float *ms, void *start, void *end) {
	BEGIN("cuEventElapsedTime");
	NEED(start, EVENT);
	NEED(end, EVENT);
	event *a = start, *b = end;
	if (!a->timed || !b->timed) return leave(INVALID_HANDLE);
	if (!a->done || !b->done) return leave(NOT_READY);
	*ms = b->time - a->time; // each recorded event is a millisecond after the one before
	return leave(OK);
}

// ---- memory

CUresult cuMemAlloc_v2(CUdeviceptr *p, size_t n) {
	BEGIN("cuMemAlloc_v2");
	fake_logf("cuMemAlloc_v2 %zu", n);
	return leave(n ? allocate(p, n) : INVALID_VALUE);
}
CUresult cuMemFree_v2(CUdeviceptr p) { BEGIN("cuMemFree_v2"); fake_logf("cuMemFree_v2 %#lx", p); flush(); return leave(release(p)); }
CUresult cuMemAllocHost_v2(void **out, size_t n) {
	BEGIN("cuMemAllocHost_v2");
	fake_logf("cuMemAllocHost_v2 %zu", n);
	pinned *p = malloc(sizeof *p);
	*p = (pinned){pins, NULL, n};
	if (posix_memalign((void **)&p->p, 4096, n)) { free(p); return leave(NO_MEMORY); }
	pins = p;
	*out = p->p;
	return leave(OK);
}
CUresult cuMemFreeHost(void *addr) {
	BEGIN("cuMemFreeHost");
	fake_logf("cuMemFreeHost %p", addr);
	flush();
	for (pinned **p = &pins; *p; p = &(*p)->next)
		if ((*p)->p == addr) { pinned *q = *p; *p = q->next; free(q->p); free(q); return leave(OK); }
	return leave(INVALID_VALUE);
}
CUresult cuMemGetInfo_v2(size_t *available, size_t *total) {
	BEGIN("cuMemGetInfo_v2");
	*total = memory;
	*available = memory - used;
	return leave(OK);
}

// Copies of memory that is not pinned are as lazy as all others: whether the driver is, its
// documentation leaves open.
typedef struct { uint64_t dst, src; size_t n; unsigned value; int kind; } move;
enum { IN, OUT, WITHIN, FILL8, FILL32 };
static int do_move(void *data) {
	move *m = data;
	char *d = m->kind == OUT ? (char *)m->dst : fake_shadow(m->dst, m->kind == FILL32 ? 4 * m->n : m->n);
	const char *s = m->kind == IN ? (char *)m->src
		: m->kind == OUT || m->kind == WITHIN ? fake_shadow(m->src, m->n) : "";
	if (!d || !s) return 700; // freed before it was done
	if (m->kind == FILL8) memset(d, (int)m->value, m->n);
	else if (m->kind == FILL32) for (size_t i = 0; i < m->n; i++) memcpy(d + 4 * i, &m->value, 4);
	else memcpy(d, s, m->n);
	return OK;
}
static CUresult submit_move(void *s, uint64_t dst, uint64_t src, size_t n, unsigned value, int kind) {
	move m = {dst, src, n, value, kind};
	return fake_submit(s, do_move, &m, sizeof m);
}
CUresult cuMemcpyHtoDAsync_v2(CUdeviceptr d, const void *h, size_t n, void *s) {
	BEGIN("cuMemcpyHtoDAsync_v2");
	fake_logf("cuMemcpyHtoDAsync_v2 %#lx %p %zu %p", d, h, n, s);
	NEED(s, STREAM);
	if (!fake_shadow(d, n)) return leave(INVALID_VALUE);
	if (!is_pinned(h, n)) NOT_CAPTURED(s); // a graph would keep the address of memory that is not its own
	return leave(submit_move(s, d, (uint64_t)h, n, 0, IN));
}
CUresult cuMemcpyDtoHAsync_v2(void *h, CUdeviceptr d, size_t n, void *s) {
	BEGIN("cuMemcpyDtoHAsync_v2");
	fake_logf("cuMemcpyDtoHAsync_v2 %p %#lx %zu %p", h, d, n, s);
	NEED(s, STREAM);
	if (!fake_shadow(d, n)) return leave(INVALID_VALUE);
	if (!is_pinned(h, n)) NOT_CAPTURED(s);
	return leave(submit_move(s, (uint64_t)h, d, n, 0, OUT));
}
CUresult cuMemcpyDtoDAsync_v2(CUdeviceptr d, CUdeviceptr from, size_t n, void *s) {
	BEGIN("cuMemcpyDtoDAsync_v2");
	fake_logf("cuMemcpyDtoDAsync_v2 %#lx %#lx %zu %p", d, from, n, s);
	if (!fake_shadow(d, n) || !fake_shadow(from, n)) return leave(INVALID_VALUE);
	return leave(submit_move(s, d, from, n, 0, WITHIN));
}
CUresult cuMemsetD8Async(CUdeviceptr d, unsigned char v, size_t n, void *s) {
	BEGIN("cuMemsetD8Async");
	fake_logf("cuMemsetD8Async %#lx %u %zu %p", d, v, n, s);
	if (!fake_shadow(d, n)) return leave(INVALID_VALUE);
	return leave(submit_move(s, d, 0, n, v, FILL8));
}
CUresult cuMemsetD32Async(CUdeviceptr d, unsigned v, size_t n, void *s) {
	BEGIN("cuMemsetD32Async");
	fake_logf("cuMemsetD32Async %#lx %u %zu %p", d, v, n, s);
	if (!fake_shadow(d, 4 * n)) return leave(INVALID_VALUE);
	return leave(submit_move(s, d, 0, n, v, FILL32));
}

void fake_forget(void) { // all that a test has left, so that the next one begins with nothing
	enter();
	flush();
	while (blocks) release((CUdeviceptr)blocks->start);
	while (pins) { pinned *q = pins; pins = q->next; free(q->p); free(q); }
	while (objects) destroy(objects);
	memset(primary, 0, sizeof primary);
	corrupt = 0;
	leave(0);
}

// ---- modules and launches

CUresult cuModuleLoadDataEx(void **out, const char *image, unsigned n, int *options, void **values) {
	BEGIN("cuModuleLoadDataEx");
	fake_logf("cuModuleLoadDataEx %zu bytes %u options", strlen(image), n);
	char *text = NULL;
	uint64_t room = 0, *written = NULL;
	for (unsigned i = 0; i < n; i++) {
		if (options[i] == 5) text = values[i];
		if (options[i] == 6) { written = (uint64_t *)&values[i]; room = (uint32_t)*written; }
	}
	if (!strstr(image, ".version") || !strstr(image, ".target")) {
		if (text) *written = snprintf(text, room, "ptxas fake, line 1; fatal   : Missing .version directive at start of file '%.20s'\n", image) + 1;
		return leave(INVALID_PTX);
	}
	module *m = create(MODULE, sizeof *m);
	m->ptx = strdup(image);
	*out = m;
	return leave(OK);
}
CUresult cuModuleUnload(void *m) { BEGIN("cuModuleUnload"); NEED(m, MODULE); flush(); free(((module *)m)->ptx); destroy(m); return leave(OK); }

static unsigned type_bytes(const char *type) { // of .u64 and the like
	int bits = atoi(type + 2);
	return bits / 8;
}
// parameters reads the list behind an entry: ".param .u64 a, .param .align 8 .b8 b[16]".
static int parameters(const char *p, unsigned *size) {
	int n = 0;
	const char *end = strchr(p, ')'), *open = strchr(p, '('), *body = strchr(p, '{');
	if (!open || !end || end < open || (body && body < open)) return 0;
	while ((p = strstr(p, ".param")) && p < end && n < 128) {
		p += 6;
		unsigned bytes = 0;
		for (; *p && *p != ',' && p < end; p++) {
			if (*p == '.' && strchr("usfb", p[1]) && p[2] >= '0' && p[2] <= '9') bytes = type_bytes(p);
			if (*p == '[') bytes *= atoi(p + 1);
		}
		size[n++] = bytes;
	}
	return n;
}
CUresult cuModuleGetFunction(void **out, void *mod, const char *name) {
	BEGIN("cuModuleGetFunction");
	NEED(mod, MODULE);
	fake_logf("cuModuleGetFunction %s", name);
	for (const char *p = ((module *)mod)->ptx; (p = strstr(p, ".entry")); p++) {
		const char *q = p + 6;
		while (*q == ' ' || *q == '\t' || *q == '\n') q++;
		size_t n = strlen(name);
		if (strncmp(q, name, n) || !strchr(" \t\n({", q[n])) continue;
		function *f = create(FUNCTION, sizeof *f);
		snprintf(f->name, sizeof f->name, "%s", name);
		f->n = parameters(q, f->size);
		*out = f;
		return leave(OK);
	}
	return leave(NOT_FOUND);
}
CUresult cuFuncGetAttribute(int *v, int a, void *f) {
	BEGIN("cuFuncGetAttribute");
	NEED(f, FUNCTION);
	switch (a) {
	case 0: *v = 1024; break;
	case 4: *v = 37; break;
	case 8: *v = ((function *)f)->shared; break;
	default: return leave(INVALID_VALUE);
	}
	return leave(OK);
}
CUresult cuFuncSetAttribute(void *f, int a, int v) {
	BEGIN("cuFuncSetAttribute");
	NEED(f, FUNCTION);
	fake_logf("cuFuncSetAttribute %d %d", a, v);
	if (a != 8) return leave(INVALID_VALUE);
	((function *)f)->shared = v;
	return leave(OK);
}
CUresult cuFuncGetParamInfo(void *fn, size_t i, size_t *offset, size_t *size) {
	BEGIN("cuFuncGetParamInfo");
	NEED(fn, FUNCTION);
	function *f = fn;
	if (i >= (size_t)f->n) return leave(INVALID_VALUE);
	*offset = 0;
	for (size_t k = 0; k <= i; k++) { // each at a multiple of its size
		if (f->size[k] && f->size[k] <= 8) *offset = (*offset + f->size[k] - 1) / f->size[k] * f->size[k];
		if (k < i) *offset += f->size[k];
	}
	*size = f->size[i];
	return leave(OK);
}

typedef int (*host_launch)(const char *, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, void **);
static host_launch host;

// fake_host_library names a library of kernels compiled for the host, which then really
// compute; null takes it away.
const char *fake_host_library(const char *path) {
	enter();
	host = NULL;
	if (!path || !*path) { leave(0); return NULL; }
	void *h = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (!h) { leave(0); return dlerror(); }
	host = (host_launch)dlsym(h, "medusa_host_launch");
	leave(0);
	return host ? NULL : "no medusa_host_launch in this library";
}
__attribute__((constructor)) static void from_environment(void) {
	const char *path = getenv("MEDUSA_FAKE_CUDA_HOST"), *why = path ? fake_host_library(path) : NULL;
	if (why) fprintf(stderr, "fake libcuda: %s\n", why);
}

typedef struct { char name[256]; unsigned g[3], b[3], shared; int n; unsigned size[128]; char value[128][16]; } launch;
static int do_launch(void *data) {
	launch *l = data;
	if (!host) return OK;
	void *params[129];
	for (int i = 0; i < l->n; i++) params[i] = l->value[i];
	params[l->n] = NULL;
	protect(PROT_READ | PROT_WRITE); // for the length of the launch, kernels see the device
	int r = host(l->name, l->g[0], l->g[1], l->g[2], l->b[0], l->b[1], l->b[2], l->shared, params);
	protect(PROT_NONE);
	return r ? 719 : OK;
}
CUresult cuLaunchKernel(void *fn, unsigned gx, unsigned gy, unsigned gz, unsigned bx, unsigned by, unsigned bz,
	unsigned shared, void *s, void **params, void **extra) {
	BEGIN("cuLaunchKernel");
	NEED(fn, FUNCTION);
	NEED(s, STREAM);
	function *f = fn;
	if (!gx || !gy || !gz || !bx || !by || !bz || extra) return leave(INVALID_VALUE);
	if ((uint64_t)bx * by * bz > 1024 || gy > 65535 || gz > 65535) return leave(INVALID_VALUE);
	if (shared > 49152 && (int)shared > f->shared) return leave(INVALID_VALUE);
	launch l = {.g = {gx, gy, gz}, .b = {bx, by, bz}, .shared = shared, .n = f->n};
	memcpy(l.name, f->name, sizeof l.name);
	char text[4096] = "";
	size_t at = 0;
	for (int i = 0; i < f->n; i++) {
		if (f->size[i] > 16) return leave(INVALID_VALUE);
		l.size[i] = f->size[i];
		memcpy(l.value[i], params[i], f->size[i]);
		at += snprintf(text + at, sizeof text - at, " ");
		for (unsigned k = 0; k < f->size[i]; k++) at += snprintf(text + at, sizeof text - at, "%02x", (unsigned char)l.value[i][k]);
	}
	fake_logf("cuLaunchKernel %s %u,%u,%u %u,%u,%u %u %p%s", f->name, gx, gy, gz, bx, by, bz, shared, s, text);
	return leave(fake_submit(s, do_launch, &l, sizeof l));
}

// ---- graphs

static void free_nodes(node *n) { while (n) { node *next = n->next; free(n); n = next; } }

static void drop_capture(stream *s) {
	if (!valid(s, STREAM) || !s->capture) return;
	free_nodes(s->capture->first);
	destroy(s->capture);
	s->capture = NULL;
}

CUresult cuStreamBeginCapture_v2(stream *s, int mode) {
	BEGIN("cuStreamBeginCapture_v2");
	NEED(s, STREAM);
	fake_logf("cuStreamBeginCapture_v2 %p %d", (void *)s, mode);
	if (s->capture) return leave(INVALID_VALUE);
	s->capture = create(GRAPH, sizeof(graph));
	s->capture->last = &s->capture->first;
	s->thread = pthread_self();
	s->mode = mode;
	return leave(OK);
}
CUresult cuStreamEndCapture(stream *s, void **out) {
	int code;
	enter();
	if (fake_injected("cuStreamEndCapture", &code)) { // the capture is over all the same
		drop_capture(s);
		return leave(code);
	}
	leave(0);
	BEGIN("");
	NEED(s, STREAM);
	fake_logf("cuStreamEndCapture %p", (void *)s);
	if (!s->capture) return leave(INVALID_VALUE);
	if (s->mode != 2 && !pthread_equal(s->thread, pthread_self())) return leave(908); // WRONG_THREAD
	*out = s->capture;
	s->capture = NULL;
	return leave(OK);
}
CUresult cuGraphGetNodes(graph *g, void **nodes, size_t *n) {
	BEGIN("cuGraphGetNodes");
	NEED(g, GRAPH);
	if (nodes) return leave(INVALID_VALUE); // only the number is served
	*n = g->count;
	return leave(OK);
}
CUresult cuGraphInstantiateWithFlags(void **out, graph *g, unsigned long long flags) {
	BEGIN("cuGraphInstantiateWithFlags");
	NEED(g, GRAPH);
	fake_logf("cuGraphInstantiateWithFlags %llu", flags);
	graph *e = create(EXEC, sizeof *e);
	node **last = &e->first;
	for (node *n = g->first; n; n = n->next) {
		*last = make_node(n->run, n->data, n->bytes);
		last = &(*last)->next;
	}
	*out = e;
	return leave(OK);
}
CUresult cuGraphInstantiate_v2(void **out, graph *g, void **failed, char *log, size_t room) {
	fake_logf("cuGraphInstantiate_v2 %p %p %zu", (void *)failed, log, room);
	return cuGraphInstantiateWithFlags(out, g, 0);
}
CUresult cuGraphUpload(graph *e, void *s) { BEGIN("cuGraphUpload"); NEED(e, EXEC); NEED(s, STREAM); fake_logf("cuGraphUpload %p", s); return leave(OK); }
CUresult cuGraphLaunch(graph *e, void *s) {
	BEGIN("cuGraphLaunch");
	NEED(e, EXEC);
	NEED(s, STREAM);
	fake_logf("cuGraphLaunch %p", s);
	for (node *n = e->first; n; n = n->next) {
		int r = fake_submit(s, n->run, n->data, n->bytes);
		if (r) return leave(r);
	}
	return leave(OK);
}
CUresult cuGraphExecDestroy(graph *e) { BEGIN("cuGraphExecDestroy"); NEED(e, EXEC); flush(); free_nodes(e->first); destroy(e); return leave(OK); }
CUresult cuGraphDestroy(graph *g) { BEGIN("cuGraphDestroy"); NEED(g, GRAPH); free_nodes(g->first); destroy(g); return leave(OK); }

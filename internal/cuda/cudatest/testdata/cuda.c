// A libcuda.so.1 without a GPU, for tests. Memory of the device has two addresses: at that
// which the program gets nobody may read or write (PROT_NONE), so that a host access is a
// SIGSEGV; copies and kernels use the other, its shadow. Streams are lazy: work is done when
// something waits for it, so that a forgotten wait shows itself. A call that does
// something writes a line into a log; one that only asks does not.
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

#include "cuda_control.h"
#include "cuda_memory.h"

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
	return leave(run_stream(s, NULL, 0));
}
CUresult cuStreamQuery(void *s) {
	BEGIN("cuStreamQuery");
	NEED(s, STREAM);
	NOT_CAPTURED(s);
	for (node *n = queue; n; n = n->next)
		if (n->stream == s) return leave(NOT_READY);
	return leave(OK);
}
CUresult cuStreamWaitEvent(void *s, void *e, unsigned flags) {
	BEGIN("cuStreamWaitEvent");
	NEED(s, STREAM);
	NEED(e, EVENT);
	NOT_CAPTURED(s); // is not served
	fake_logf("cuStreamWaitEvent %p %p %u", s, e, flags);
	return leave(mark(s, e, 0));
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
CUresult cuEventRecord(void *e, void *s) {
	BEGIN("cuEventRecord");
	NEED(e, EVENT);
	NEED(s, STREAM);
	fake_logf("cuEventRecord %p %p", e, s);
	NOT_CAPTURED(s);
	if (((stream *)s)->context != current) return leave(INVALID_HANDLE);
	((event *)e)->issued++;
	return leave(mark(s, e, 1));
}
CUresult cuEventSynchronize(void *e) { BEGIN("cuEventSynchronize"); NEED(e, EVENT); fake_logf("cuEventSynchronize %p", e); return leave(await(e, ((event *)e)->issued)); }
static int came(event *e) { return e->reached == e->issued; }
CUresult cuEventQuery(void *e) { BEGIN("cuEventQuery"); NEED(e, EVENT); return leave(came(e) ? OK : NOT_READY); }
CUresult cuEventElapsedTime(float *ms, void *start, void *end) {
	BEGIN("cuEventElapsedTime");
	NEED(start, EVENT);
	NEED(end, EVENT);
	event *a = start, *b = end;
	if (!a->timed || !b->timed) return leave(INVALID_HANDLE);
	if (!came(a) || !came(b) || !a->issued || !b->issued) return leave(NOT_READY);
	*ms = b->time - a->time;
	return leave(OK);
}

#include "cuda_copy.h"
#include "cuda_module.h"
#include "cuda_graph.h"

// Part of cuda.c: allocations, copies and fills.

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

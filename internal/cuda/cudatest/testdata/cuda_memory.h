// Part of cuda.c: the memory of the device and the queue of its work.

// ---- the device's memory

// Of the bytes of a block, base is the address that the program gets, and shadow where they are.
typedef struct block { struct block *next; char *base; char *shadow; size_t pages; char *start; size_t bytes; } block;
static block *blocks;
static long long used;
static long corrupt;
enum { ALIGN = 256, CANARY = 0xc5, FILLED = 1 << 18 };

static size_t page(void) {
	static size_t bytes;
	return bytes ? bytes : (bytes = sysconf(_SC_PAGESIZE));
}
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

// memory_of is where a kernel that runs on the host finds what it knows by an address of the
// device. Another address is left as it is: who uses it touches what nobody may.
static void *memory_of(void *addr) {
	void *p = fake_shadow((uint64_t)addr, 0);
	return p ? p : addr;
}

static CUresult allocate(CUdeviceptr *out, size_t bytes) {
	if (used + (long long)bytes > memory) return NO_MEMORY;
	size_t room = (bytes + ALIGN - 1) / ALIGN * ALIGN, pages = (room + page() - 1) / page() * page();
	int fd = memfd_create("fake device", 0);
	if (fd < 0 || ftruncate(fd, pages)) { if (fd >= 0) close(fd); return NO_MEMORY; }
	// Both addresses have a page more on each side, which nobody ever may touch; the memory ends
	// with its page.
	char *base = mmap(NULL, 2 * pages + 3 * page(), PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (base == MAP_FAILED) { close(fd); return NO_MEMORY; }
	base += page();
	char *shadow = base + pages + page();
	if (mmap(shadow, pages, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0) == MAP_FAILED
		|| mmap(base, pages, PROT_NONE, MAP_SHARED | MAP_FIXED, fd, 0) == MAP_FAILED) {
		munmap(base - page(), 2 * pages + 3 * page());
		close(fd);
		return NO_MEMORY;
	}
	close(fd);
	block *b = malloc(sizeof *b);
	*b = (block){blocks, base, shadow, pages, base + pages - room, bytes};
	// What is read before it is written is no zero either, in a small block or at the ends of a large
	// one: the workspace of a library is of 32 MiB that are hardly used, and each page costs a fault.
	memset(shadow, CANARY, pages < 2 * FILLED ? pages : FILLED);
	if (pages >= 2 * FILLED) memset(shadow + pages - FILLED, CANARY, FILLED);
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
		munmap(b->base - page(), 2 * b->pages + 3 * page());
		free(b);
		return OK;
	}
	return INVALID_VALUE;
}

// open_memory lets a kernel use the addresses that the program has, for as long as it runs; it
// needs two calls of the system for each block.
static void open_memory(int open) {
	for (block *b = blocks; b; b = b->next) mprotect(b->base, b->pages, open ? PROT_READ | PROT_WRITE : PROT_NONE);
}

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
static int clock_ms; // each recorded event is a millisecond after the one before

static node *make_node(fake_work run, const void *data, size_t bytes) {
	node *n = malloc(sizeof *n + bytes);
	*n = (node){.run = run, .bytes = bytes};
	memcpy(n->data, data, bytes);
	return n;
}
static void run_node(node *n) {
	int code = OK;
	if (!sticky && !fake_injected("work", &code)) code = n->run(n->data);
	if (code && !sticky) sticky = code;
}

// take is the first node of a stream, out of the queue.
static node *take(void *s) {
	for (node **at = &queue; *at; at = &(*at)->next) {
		node *n = *at;
		if (n->stream != s) continue;
		*at = n->next;
		if (!n->next) queue_end = at;
		return n;
	}
	return NULL;
}

// run_stream does a stream's work, up to that record of the event if e is not null. Other
// streams do what it waits for, and no more.
static int run_stream(void *s, event *e, unsigned record);
static int await(event *e, unsigned record) {
	for (node *n = queue; n && e->reached < record; n = n->next)
		if (n->event == e && n->record == record && n->records) return run_stream(n->stream, e, record);
	return sticky;
}
static int run_stream(void *s, event *e, unsigned record) {
	node *n;
	while (!(e && e->reached >= record) && (n = take(s))) {
		if (!n->event) run_node(n);
		else if (!n->records) await(n->event, n->record);
		else n->event->reached = n->record, n->event->time = ++clock_ms;
		free(n);
	}
	return sticky;
}

// flush does all work, that of the stream that was used last before that of the others: an
// order among streams that nobody asked for does not come about.
static int flush(void) {
	while (queue) {
		node *last = queue;
		while (last->next) last = last->next;
		run_stream(last->stream, NULL, 0);
	}
	return sticky;
}
static int enqueue(void *s, node *n) {
	n->stream = s;
	*queue_end = n;
	queue_end = &n->next;
	return lazy ? OK : flush();
}
// mark puts a record of the event, or a wait for it, on the stream.
static int mark(void *s, event *e, int records) {
	node *n = make_node(NULL, "", 0);
	n->event = e, n->record = e->issued, n->records = records;
	return enqueue(s, n);
}
int fake_submit(void *s, fake_work run, const void *data, size_t bytes) {
	enter();
	if (!valid(s, STREAM) || ((stream *)s)->context != current) return leave(INVALID_HANDLE); // also of another context
	graph *g = ((stream *)s)->capture;
	if (!g) return leave(enqueue(s, make_node(run, data, bytes)));
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

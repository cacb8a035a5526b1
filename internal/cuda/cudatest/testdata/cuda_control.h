// Part of cuda.c: the log, what a test sets, and the objects behind handles.

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
	for (object **at = &objects; *at; at = &(*at)->next) {
		object *o = *at;
		if (o != p) continue;
		*at = o->next; // to the front: it will soon be asked for again
		o->next = objects;
		objects = o;
		return o->kind == kind;
	}
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

typedef struct { object o; int timed; unsigned issued, reached; double time; } event; // its records so far
typedef struct node {
	struct node *next;
	void *stream;
	fake_work run;
	event *event; // of a node that records it, or waits for that record of it
	unsigned record;
	int records;
	size_t bytes;
	char data[] __attribute__((aligned(16)));
} node;
typedef struct { object o; node *first, **last; int count; } graph;
typedef struct { object o; void *context; graph *capture; pthread_t thread; int mode; } stream;
typedef struct { object o; int retained; } context;
typedef struct { object o; char *ptx; } module;
typedef struct { object o; char name[256]; int n; unsigned size[128]; int shared; } function;

static __thread void *current;
static context *primary[64]; // of each device
int fake_context(void) { enter(); return leave(current && valid(current, CONTEXT)); }
int fake_valid_stream(void *s) { enter(); return leave(valid(s, STREAM)); }

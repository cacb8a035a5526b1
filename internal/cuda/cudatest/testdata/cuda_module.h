// Part of cuda.c: PTX, kernels and launches.

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
	void *(**memory)(void *) = dlsym(h, "medusa_host_memory");
	if (memory) *memory = memory_of;
	void (**open)(int) = dlsym(h, "medusa_host_open");
	if (open) *open = open_memory;
	leave(0);
	if (host && memory) return NULL;
	host = NULL;
	return "no medusa_host_launch and medusa_host_memory in this library";
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
	return host(l->name, l->g[0], l->g[1], l->g[2], l->b[0], l->b[1], l->b[2], l->shared, params) ? 719 : OK;
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
		if (log_off) continue;
		at += snprintf(text + at, sizeof text - at, " ");
		for (unsigned k = 0; k < f->size[i]; k++) at += snprintf(text + at, sizeof text - at, "%02x", (unsigned char)l.value[i][k]);
	}
	fake_logf("cuLaunchKernel %s %u,%u,%u %u,%u,%u %u %p%s", f->name, gx, gy, gz, bx, by, bz, shared, s, text);
	return leave(fake_submit(s, do_launch, &l, sizeof l));
}

// Part of cuda.c: captures and graphs.

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

package serve

import (
	"context"
	"net/http"
	"runtime"
	"strings"
	"sync/atomic"

	"github.com/pkg/errors"

	"medusa/model"
)

// Server answers requests about pictures by a model and a gallery. It is an http.Handler; Serve serves it with
// limits on connections and times besides.
type Server struct {
	model   *model.Model
	gallery *Gallery
	options Options

	handler    http.Handler
	slots      chan struct{} // one for each request with pictures that is worked on
	decoders   chan struct{} // one for each picture that is decoded
	meters     *meters
	thumbnails thumbnails
	stopping   atomic.Bool
}

// New is a Server of a model and a gallery, which it does not close. The gallery's vectors must come from the
// model.
func New(m *model.Model, g *Gallery, o Options) (*Server, error) {
	switch {
	case m == nil:
		return nil, errors.New("serve: the model is nil, want one of model.Load")
	case g == nil:
		return nil, errors.New("serve: the gallery is nil, want one of OpenGallery or NewGallery")
	case m.Info().Resize == "":
		return nil, errors.New("serve: the model learned from vectors or from data of a program's own, and not from pictures, which requests hold")
	}
	if err := g.fits(m); err != nil {
		return nil, err
	}
	o, err := o.withDefaults(m)
	if err != nil {
		return nil, err
	}
	s := &Server{model: m, gallery: g, options: o, slots: make(chan struct{}, o.MaxRequests), decoders: make(chan struct{}, runtime.GOMAXPROCS(0))}
	s.meters = newMeters(s)
	s.handler = s.guard(s.mux())
	return s, nil
}

// ServeHTTP answers a request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.handler.ServeHTTP(w, r) }

// route is what is answered under a path.
type route struct {
	pattern string // as of http.ServeMux
	answer  func(*Server, http.ResponseWriter, *http.Request) error
	open    bool // also without a token
	heavy   bool // takes a slot
	changes bool // the gallery
}

// routes are all that there is, as openapi.json describes them, but for the page.
var routes = []route{
	{pattern: "POST /v1/embed", answer: (*Server).embed, heavy: true},
	{pattern: "POST /v1/search", answer: (*Server).search, heavy: true},
	{pattern: "POST /v1/verify", answer: (*Server).verify, heavy: true},
	{pattern: "POST /v1/items", answer: (*Server).enrol, heavy: true, changes: true},
	{pattern: "GET /v1/items/{id}", answer: (*Server).item},
	{pattern: "DELETE /v1/items/{id}", answer: (*Server).remove, changes: true},
	{pattern: "GET /v1/items/{id}/thumbnail", answer: (*Server).thumbnail},
	{pattern: "GET /v1/labels", answer: (*Server).labels},
	{pattern: "GET /v1/info", answer: (*Server).info},
	{pattern: "GET /healthz", answer: (*Server).healthy, open: true},
	{pattern: "GET /readyz", answer: (*Server).ready, open: true},
	{pattern: "GET /metrics", answer: (*Server).metrics},
	{pattern: "GET /openapi.json", answer: (*Server).description, open: true},
}

// mux leads to the routes and the page.
func (s *Server) mux() *http.ServeMux {
	mux := http.NewServeMux()
	for _, r := range append(pageRoutes(), routes...) {
		mux.Handle(r.pattern, s.answering(r))
	}
	mux.Handle("/", s.answering(route{answer: func(_ *Server, w http.ResponseWriter, r *http.Request) error { return nowhere(mux, w, r) }, open: true}))
	return mux
}

// nowhere says that there is nothing under a path, or for which methods it is.
func nowhere(mux *http.ServeMux, w http.ResponseWriter, r *http.Request) error {
	var allowed []string
	for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodDelete} {
		other := r.Clone(r.Context())
		other.Method = method
		if _, pattern := mux.Handler(other); strings.HasPrefix(pattern, method) {
			allowed = append(allowed, method)
		}
	}
	if allowed == nil {
		return refuse(http.StatusNotFound, codeNotFound, "there is nothing under %q; /openapi.json describes what there is", r.URL.Path)
	}
	w.Header().Set("Allow", strings.Join(allowed, ", "))
	return refuse(http.StatusMethodNotAllowed, codeMethod, "%s is not for %s, but for %s", r.URL.Path, r.Method, strings.Join(allowed, " and "))
}

// answering is a route with all that surrounds it: the token, the slot, the time, and its errors as problems.
func (s *Server) answering(route route) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if note, ok := w.(*answerNote); ok {
			note.pattern = route.pattern
		}
		ctx, cancel := context.WithTimeout(r.Context(), s.options.Timeout)
		defer cancel()
		if err := s.answer(route, w, r.WithContext(ctx)); err != nil {
			p, ours := s.problemOf(ctx, err)
			if ours {
				s.options.Logger.Error("request failed", "path", route.pattern, "err", err.Error()) // an error as a value would be logged with its stack
			}
			if note, ok := w.(*answerNote); ok {
				note.code = p.Code
			}
			writeProblem(w, p)
		}
	})
}

func (s *Server) answer(route route, w http.ResponseWriter, r *http.Request) error {
	if !route.open {
		if err := s.authorize(r); err != nil {
			return err
		}
	}
	if route.changes && s.gallery.readOnly {
		return refuse(http.StatusForbidden, codeReadOnly, "the gallery is served read-only: nothing is enrolled or deleted")
	}
	if route.heavy {
		release, err := s.slot()
		if err != nil {
			return err
		}
		defer release()
	}
	return route.answer(s, w, r)
}

// slot is the right to work on a request with pictures, until release is called.
func (s *Server) slot() (release func(), err error) {
	select {
	case s.slots <- struct{}{}:
		return func() { <-s.slots }, nil
	default:
		return nil, refuse(http.StatusServiceUnavailable, codeBusy, "the limit of %d requests at the same time is reached: come again in a second", s.options.MaxRequests)
	}
}

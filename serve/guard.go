package serve

import (
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"net"
	"net/http"
	"runtime/debug"
	"slices"
	"strings"
	"time"
)

// policy is what a browser may do with what the server sends: nothing from elsewhere, and not within another page.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// guard is what every request goes through, whatever its path.
func (s *Server) guard(next http.Handler) http.Handler {
	cross := http.NewCrossOriginProtection()
	for _, origin := range s.options.Origins {
		cross.AddTrustedOrigin(origin) // was checked
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		note := &answerNote{ResponseWriter: w, status: http.StatusOK}
		began := time.Now()
		s.meters.inFlight.Add(1)
		defer func() {
			if fault := recover(); fault != nil {
				s.options.Logger.Error("request failed", "path", r.URL.Path, "err", fmt.Sprint(fault), "stack", string(debug.Stack()))
				if note.wrote {
					panic(http.ErrAbortHandler)
				}
				writeProblem(note, refuse(http.StatusInternalServerError, codeInternal, "the request could not be answered, by a fault of the server's; its log says more"))
			}
			s.meters.inFlight.Add(-1)
			s.meters.request(note, time.Since(began))
			s.options.Logger.Debug("request", "method", r.Method, "path", r.URL.Path, "status", note.status, "took", time.Since(began), "from", r.RemoteAddr)
		}()
		secure(w.Header())
		if p := s.foreign(cross, note, r); p != nil {
			note.code = p.Code
			writeProblem(note, p)
			return
		}
		if r.Method == http.MethodOptions {
			note.WriteHeader(http.StatusNoContent)
			return
		}
		next.ServeHTTP(note, r)
	})
}

// secure sets the headers that every answer has.
func secure(h http.Header) {
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cache-Control", "no-store")
}

// foreign is what is wrong with where a request comes from or goes to; nil if nothing is. It lets pages of the
// allowed origins read the answer.
func (s *Server) foreign(cross *http.CrossOriginProtection, w http.ResponseWriter, r *http.Request) *problem {
	if s.options.Hosts != nil && !slices.Contains(s.options.Hosts, hostname(r.Host)) {
		return refuse(http.StatusMisdirectedRequest, codeHost, "the server is not called %q: use %s", hostname(r.Host), strings.Join(s.options.Hosts, " or "))
	}
	if origin := r.Header.Get("Origin"); origin != "" && slices.Contains(s.options.Origins, origin) {
		h := w.Header()
		h.Set("Access-Control-Allow-Origin", origin)
		h.Add("Vary", "Origin")
		if r.Method == http.MethodOptions {
			h.Set("Access-Control-Allow-Methods", "GET, POST, DELETE")
			h.Set("Access-Control-Allow-Headers", "Authorization, Content-Type, Accept")
			h.Set("Access-Control-Max-Age", "600")
		}
		return nil
	}
	if err := cross.Check(r); err != nil {
		return refuse(http.StatusForbidden, codeOrigin, "pages of other origins may not use this server from a browser")
	}
	return nil
}

// hostname is a Host header without its port.
func hostname(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	return strings.ToLower(strings.TrimSuffix(strings.Trim(host, "[]"), "."))
}

// authorize refuses a request without the token.
func (s *Server) authorize(r *http.Request) error {
	if s.options.Token == "" {
		return nil
	}
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	got, want := sha256.Sum256([]byte(strings.TrimSpace(token))), sha256.Sum256([]byte(s.options.Token)) // of one length
	if !strings.EqualFold(scheme, "Bearer") || subtle.ConstantTimeCompare(got[:], want[:]) != 1 {
		return refuse(http.StatusUnauthorized, codeToken, "want the header Authorization: Bearer with the server's token")
	}
	return nil
}

// answerNote is an answer of which it is noted what the figures are about.
type answerNote struct {
	http.ResponseWriter
	status  int
	wrote   bool
	pattern string // of the route; empty if there is none
	code    string // of the problem; empty if there is none
}

func (n *answerNote) WriteHeader(status int) {
	if !n.wrote {
		n.status, n.wrote = status, true
	}
	n.ResponseWriter.WriteHeader(status)
}

func (n *answerNote) Write(b []byte) (int, error) {
	n.wrote = true
	return n.ResponseWriter.Write(b)
}

// Unwrap is for http.ResponseController.
func (n *answerNote) Unwrap() http.ResponseWriter { return n.ResponseWriter }

package serve

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"github.com/pkg/errors"

	"medusa/index"
	"medusa/model"
)

// problem is the answer to a request that cannot be served, as of RFC 9457.
type problem struct {
	Title   string `json:"title"`             // the status in words
	Status  int    `json:"status"`            // of HTTP
	Code    string `json:"code"`              // for programs: one of a few fixed words
	Detail  string `json:"detail"`            // a sentence: what came, what was wanted
	Picture int    `json:"picture,omitempty"` // which one of the request is meant, from 1
}

func (p *problem) Error() string { return p.Detail }

// Codes of problems.
const (
	codeRequest    = "bad_request"         // the request is not as the description says
	codeToken      = "unauthorized"        // the token is missing, or another one
	codeHost       = "misdirected"         // called by a name that is not served
	codeOrigin     = "forbidden_origin"    // from a page of another origin
	codeReadOnly   = "read_only"           // the gallery is not to be changed
	codeNotFound   = "not_found"           // no such item, thumbnail or path
	codeMethod     = "method_not_allowed"  // the path is not for this method
	codeExists     = "exists"              // an item of that ID is there
	codeTooLarge   = "too_large"           // the body, or the number of pictures
	codeType       = "unsupported_content" // neither a picture, nor a form, nor JSON
	codePicture    = "unreadable_picture"  // what came is no picture, or a broken one
	codePixels     = "too_many_pixels"     // the picture is larger than allowed
	codeThreshold  = "no_threshold"        // nobody said which distance means the same
	codeLabel      = "unknown_label"       // no item has one of the labels that are searched
	codeEmpty      = "empty_gallery"       // nothing is enrolled
	codeBusy       = "busy"                // too many requests at the same time
	codeTimeout    = "timeout"             // the request took too long
	codeSlow       = "slow_body"           // the body came too slowly, or not whole
	codeStopping   = "stopping"            // the server ends
	codeNotSaved   = "not_saved"           // the gallery's file could not be written
	codeInternal   = "internal"            // our fault; the log says more
	statusCanceled = 499                   // the client has gone; nobody reads it
)

// refuse is a problem with a sentence.
func refuse(status int, code, format string, args ...any) *problem {
	return &problem{Title: http.StatusText(status), Status: status, Code: code, Detail: fmt.Sprintf(format, args...)}
}

// badRequest is a problem of a request that is not as it should be.
func badRequest(format string, args ...any) *problem {
	return refuse(http.StatusBadRequest, codeRequest, format, args...)
}

// of is the problem with a number of a picture.
func (p *problem) of(picture int) *problem {
	q := *p
	q.Picture = picture
	return &q
}

// problemOf says in a problem what an error is. ours reports that a person who runs the server should read the
// error itself.
func (s *Server) problemOf(ctx context.Context, err error) (p *problem, ours bool) {
	var large *http.MaxBytesError
	var missing *index.NotFoundError
	var exists *index.ExistsError
	switch {
	case errors.As(err, &p):
		return p, p.Status == http.StatusInternalServerError
	case errors.As(err, &large):
		return s.tooLarge(), false
	case errors.As(err, &missing):
		return refuse(http.StatusNotFound, codeNotFound, "there is no item of the ID %d", missing.ID), false
	case errors.As(err, &exists):
		return refuse(http.StatusConflict, codeExists, "there is an item of the ID %d already: delete it first, or leave out id for a new one", exists.ID), false
	case errors.Is(err, model.ErrClosed):
		return refuse(http.StatusServiceUnavailable, codeStopping, "the server is stopping"), false
	case errors.Is(err, context.DeadlineExceeded):
		return refuse(http.StatusServiceUnavailable, codeTimeout, "the request took more than %v: send fewer pictures, or come again when there is less to do", s.options.Timeout), false
	case ctx.Err() != nil:
		return refuse(statusCanceled, codeTimeout, "the client has gone"), false
	}
	return refuse(http.StatusInternalServerError, codeInternal, "the request could not be answered, by a fault of the server's; its log says more"), true
}

// tooLarge is the problem of a body above the limit.
func (s *Server) tooLarge() *problem {
	return refuse(http.StatusRequestEntityTooLarge, codeTooLarge, "the request has more than %d bytes: send smaller pictures, or fewer", s.options.MaxBody)
}

// unreadable is the problem of a picture that cannot be read.
func (s *Server) unreadable(bad *model.PictureError) *problem {
	detail := bad.Reason
	if bad.Detail != "" {
		detail += ": " + bad.Detail
	}
	if strings.HasPrefix(bad.Reason, "too many pixels") {
		return refuse(http.StatusUnprocessableEntity, codePixels, "%s; at most %d pixels are read: send a smaller picture", detail, s.options.MaxPixels)
	}
	return refuse(http.StatusUnprocessableEntity, codePicture, "%s", detail)
}

// writeProblem answers a problem.
func writeProblem(w http.ResponseWriter, p *problem) {
	h := w.Header()
	h.Del("ETag")
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Type", "application/problem+json")
	if p.Status == http.StatusUnauthorized {
		h.Set("WWW-Authenticate", `Bearer realm="medusa"`)
	}
	if p.Status == http.StatusServiceUnavailable {
		h.Set("Retry-After", "1")
	}
	w.WriteHeader(p.Status)
	json.NewEncoder(w).Encode(p)
}

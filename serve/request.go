package serve

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"os"
	"reflect"
	"strings"
	"time"

	"github.com/pkg/errors"

	"medusa/internal/catalog"
)

// picture is a file of one, which JSON has in base64, with or without what a data: URL has before it.
type picture []byte

// UnmarshalText reads base64.
func (p *picture) UnmarshalText(text []byte) error {
	if bytes.HasPrefix(text, []byte("data:")) {
		_, after, found := bytes.Cut(text, []byte(";base64,"))
		if !found {
			return errors.New("a data: URL without ;base64,")
		}
		text = after
	}
	out := make([]byte, base64.StdEncoding.DecodedLen(len(text)))
	n, err := base64.StdEncoding.Decode(out, text)
	*p = out[:n]
	return errors.Wrap(err, "no base64")
}

// pictures are those of a request; every request with some has the field.
type pictures struct {
	Pictures []picture `json:"pictures,omitempty"`
}

func (p *pictures) add(data []byte) { p.Pictures = append(p.Pictures, data) }

// withPictures is a request that embeds pictures.
type withPictures interface{ add(data []byte) }

// read reads a request into the struct at into: parameters of the query, and a body that is a picture, a form or JSON.
func (s *Server) read(w http.ResponseWriter, r *http.Request, into withPictures) error {
	if r.ContentLength > s.options.MaxBody {
		w.Header().Set("Connection", "close")
		return s.tooLarge()
	}
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return badRequest("the query of the URL cannot be read: %v", err)
	}
	if err := fill(into, query); err != nil {
		return err
	}
	deadline := http.NewResponseController(w)
	deadline.SetReadDeadline(time.Now().Add(s.options.Timeout))
	err = s.readBody(r, http.MaxBytesReader(w, r.Body, s.options.MaxBody), into)
	if err == nil {
		deadline.SetReadDeadline(time.Time{}) // else it holds for the rest of the body, which net/http may read
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return refuse(http.StatusRequestTimeout, codeSlow, "the body did not come within %v", s.options.Timeout)
	}
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return refuse(http.StatusBadRequest, codeSlow, "the body ends before it is whole")
	}
	return err
}

func (s *Server) readBody(r *http.Request, body io.Reader, into withPictures) error {
	kind, parameters, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	switch {
	case err != nil && r.Header.Get("Content-Type") != "":
		return refuse(http.StatusUnsupportedMediaType, codeType, "the Content-Type %.100q cannot be read", r.Header.Get("Content-Type"))
	case kind == "application/json":
		return readJSON(body, into)
	case kind == "multipart/form-data":
		if parameters["boundary"] == "" {
			return badRequest("the Content-Type multipart/form-data has no boundary")
		}
		return s.readForm(multipart.NewReader(body, parameters["boundary"]), into)
	case kind == "application/x-www-form-urlencoded" && r.ContentLength != 0:
		return refuse(http.StatusUnsupportedMediaType, codeType, "the Content-Type is %s, which curl sets for --data-binary where none is given: say image/jpeg, or multipart/form-data or application/json for what those are", kind)
	case kind == "" || kind == "application/octet-stream" || strings.HasPrefix(kind, "image/"), r.ContentLength == 0:
		data, err := io.ReadAll(body)
		if err == nil && len(data) > 0 {
			into.add(data)
		}
		return err
	}
	return refuse(http.StatusUnsupportedMediaType, codeType, "the Content-Type is %.100q, want image/jpeg or that of another picture, multipart/form-data or application/json", kind)
}

// readForm reads the parts of a form: those with a file name, or called picture, are pictures, the others parameters.
func (s *Server) readForm(form *multipart.Reader, into withPictures) error {
	values := url.Values{}
	for parts := 1; ; parts++ {
		part, err := form.NextRawPart()
		if err == io.EOF {
			return fill(into, values)
		}
		if err != nil {
			return formError(err)
		}
		if most := s.options.MaxPictures + 100; parts > most {
			return badRequest("the form has more than %d parts", most)
		}
		data, err := io.ReadAll(part)
		if err != nil {
			return formError(err)
		}
		if name := part.FormName(); part.FileName() != "" || name == "picture" || name == "pictures" {
			into.add(data)
		} else {
			values.Add(name, string(data))
		}
	}
}

// formError says what is wrong with a form; what the connection or a limit has to say stays as it is.
func formError(err error) error {
	var large *http.MaxBytesError
	if errors.As(err, &large) || errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, io.ErrUnexpectedEOF) {
		return err
	}
	return badRequest("the form cannot be read: %v", err)
}

// readJSON reads one value of JSON.
func readJSON(body io.Reader, into any) error {
	d := json.NewDecoder(body)
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return jsonError(err, into)
	}
	if _, err := d.Token(); err != io.EOF {
		var large *http.MaxBytesError
		if errors.As(err, &large) {
			return err
		}
		return badRequest("the body goes on behind its JSON")
	}
	return nil
}

// jsonError says in words what is wrong with JSON.
func jsonError(err error, into any) error {
	var large *http.MaxBytesError
	var kind *json.UnmarshalTypeError
	var syntax *json.SyntaxError
	switch {
	case errors.As(err, &large), errors.Is(err, os.ErrDeadlineExceeded):
		return err
	case errors.Is(err, io.EOF):
		return badRequest("the body is empty, want JSON")
	case errors.Is(err, io.ErrUnexpectedEOF):
		return badRequest("the JSON of the body ends before it is whole")
	case errors.As(err, &kind):
		return typeProblem(kind, into)
	case errors.As(err, &syntax):
		return badRequest("the body is no JSON: %v, at byte %d", syntax, syntax.Offset)
	}
	if name, unknown := strings.CutPrefix(err.Error(), "json: unknown field "); unknown {
		return unknownParameter(strings.Trim(name, `"`), into)
	}
	return badRequest("the JSON of the body cannot be used: %v", err)
}

// typeProblem says which field of the struct at into has a value of another type than it takes.
func typeProblem(e *json.UnmarshalTypeError, into any) *problem {
	name := e.Field[strings.LastIndexByte(e.Field, '.')+1:] // without the embedded struct that it is in
	field, verb := cmp.Or(name, "the body"), "is"
	for _, p := range parametersOf(into) {
		if p.name == name && p.value.Type() != e.Type && p.value.Type() != reflect.PointerTo(e.Type) {
			verb = "holds"
		}
	}
	number, isNumber := strings.CutPrefix(e.Value, "number ")
	switch k := e.Type.Kind(); {
	case isNumber && (k == reflect.Float32 || k == reflect.Float64):
		return badRequest("%s: the number %.40s is too large for %s", field, number, k)
	case isNumber:
		return badRequest("%s is %.40s, want %s, in digits alone and below 2⁶³", field, number, wanted(e.Type))
	}
	came := map[string]string{"array": "a list", "object": "an object", "bool": "true or false"}[e.Value]
	return badRequest("%s %s %s, want %s", field, verb, cmp.Or(came, "a "+e.Value), wanted(e.Type))
}

// wanted names a type as people know it.
func wanted(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Int:
		return "a whole number"
	case reflect.Float64, reflect.Float32:
		return "a number"
	case reflect.Bool:
		return "true or false"
	case reflect.Slice:
		if t != reflect.TypeFor[picture]() {
			return "a list"
		}
	case reflect.Map, reflect.Struct:
		return "an object"
	case reflect.Pointer:
		return wanted(t.Elem())
	}
	return "a string"
}

func unknownParameter(name string, into any) error {
	names := parameterNames(into)
	hint := ""
	if best := catalog.Nearest(name, names); best != "" {
		hint = fmt.Sprintf("; did you mean %s?", best)
	}
	return badRequest("there is no parameter %.100q%s There are %s", name, cmp.Or(hint, "."), strings.Join(names, ", "))
}

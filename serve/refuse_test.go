package serve

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"image"
	"image/png"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pkg/errors"
	"github.com/stretchr/testify/require"

	"medusa/index"
	"medusa/model"
)

// What cannot be served is answered by a sentence that names it.
func TestWrongRequests(t *testing.T) {
	s := begin(t, Options{MaxBody: 1 << 20, MaxPixels: 1000, MaxPictures: 2})
	s.fill2()
	p64 := base64.StdEncoding.EncodeToString(drawing(0, 0))
	three := fmt.Sprintf(`{"pictures":[%q,%q,%q]}`, p64, p64, p64)
	for _, c := range []struct {
		path, kind, body string
		status           int
		code, detail     string
	}{
		{"/v1/embed", "image/png", "", 400, codeRequest, "the request has no picture: send one as the body"},
		{"/v1/embed", "application/json", "", 400, codeRequest, "the body is empty, want JSON"},
		{"/v1/embed", "application/json", "{", 400, codeRequest, "the JSON of the body ends before it is whole"},
		{"/v1/embed", "application/json", "{]", 400, codeRequest, "the body is no JSON: invalid character ']'"},
		{"/v1/embed", "application/json", "[]", 400, codeRequest, "the body is a list, want an object"},
		{"/v1/embed", "application/json", `{"pictures": "x"}`, 400, codeRequest, "pictures is a string, want a list"},
		{"/v1/embed", "application/json", `{"pictures": ["x"]}`, 400, codeRequest, "no base64"},
		{"/v1/embed", "application/json", `{"pictures": ["data:image/png,x"]}`, 400, codeRequest, "a data: URL without ;base64,"},
		{"/v1/embed", "application/json", `{"pictures": [7]}`, 400, codeRequest, "pictures holds a number, want a string"},
		{"/v1/embed", "application/json", `{"picture": []}`, 400, codeRequest, "there is no parameter \"picture\"; did you mean pictures?"},
		{"/v1/embed", "application/json", `{"pictures": []} {}`, 400, codeRequest, "the body goes on behind its JSON"},
		{"/v1/embed", "application/json", `{"pictures": []}`, 400, codeRequest, "the request has no picture"},
		{"/v1/embed", "application/json", three, 413, codeTooLarge, "the request has 3 pictures, at most 2 are taken"},
		{"/v1/embed?k=3", "image/png", string(drawing(0, 0)), 400, codeRequest, `there is no parameter "k"`},
		{"/v1/embed?%zz", "image/png", string(drawing(0, 0)), 400, codeRequest, "the query of the URL cannot be read"},
		{"/v1/embed", "image/png", "<html></html>", 422, codePicture, "not a picture: an HTML page"},
		{"/v1/embed", "image/png", string(drawing(0, 0)[:200]), 422, codePicture, "broken picture"},
		{"/v1/embed", "application/json", fmt.Sprintf(`{"pictures":[%q,"PGh0bWw+"]}`, p64), 422, codePicture, "not a picture"},
		{"/v1/embed", "image/png", string(large(200, 200)), 422, codePixels, "at most 1000 pixels are read: send a smaller picture"},
		{"/v1/embed", "image/png", strings.Repeat("x", 1<<20+1), 413, codeTooLarge, "the request has more than 1048576 bytes"},
		{"/v1/embed", "text/plain", "x", 415, codeType, "the Content-Type is \"text/plain\", want image/jpeg"},
		{"/v1/embed", "image/", "x", 415, codeType, "the Content-Type \"image/\" cannot be read"},
		{"/v1/embed", "application/x-www-form-urlencoded", "x", 415, codeType, "which curl sets for --data-binary where none is given"},
		{"/v1/embed", "multipart/form-data", "x", 400, codeRequest, "has no boundary"},
		{"/v1/embed", "multipart/form-data; boundary=b", "x", 400, codeRequest, "the form cannot be read"},
		{"/v1/verify?threshold=1", "image/png", string(drawing(0, 0)), 400, codeRequest, "the request has 1 picture, want the two to compare"},
		{"/v1/verify?threshold=1&far=0.1", "application/json", fmt.Sprintf(`{"pictures":[%q,%q]}`, p64, p64), 400, codeRequest, "threshold says what far would"},
		{"/v1/verify?threshold=-1", "application/json", fmt.Sprintf(`{"pictures":[%q,%q]}`, p64, p64), 400, codeRequest, "threshold is -1, want a distance above 0"},
		{"/v1/verify?threshold=NaN", "application/json", fmt.Sprintf(`{"pictures":[%q,%q]}`, p64, p64), 400, codeRequest, "threshold is NaN"},
		{"/v1/verify?threshold=Inf", "application/json", fmt.Sprintf(`{"pictures":[%q,%q]}`, p64, p64), 400, codeRequest, "threshold is +Inf"},
		{"/v1/search?k=0", "image/png", string(drawing(0, 0)), 400, codeRequest, "k is 0, want a number from 1 to 1000"},
		{"/v1/search?k=1001", "image/png", string(drawing(0, 0)), 400, codeRequest, "k is 1001"},
		{"/v1/search?k=many", "image/png", string(drawing(0, 0)), 400, codeRequest, `k is "many", want a whole number`},
		{"/v1/search?k=3&k=4", "image/png", string(drawing(0, 0)), 400, codeRequest, "k stands 2 times, want it once"},
		{"/v1/search?exact=maybe", "image/png", string(drawing(0, 0)), 400, codeRequest, `exact is "maybe", want true or false`},
		{"/v1/search?effort=99999", "image/png", string(drawing(0, 0)), 400, codeRequest, "effort is 99999"},
		{"/v1/search?labls=cat", "image/png", string(drawing(0, 0)), 400, codeRequest, `there is no parameter "labls"; did you mean labels?`},
		{"/v1/search", "application/json", `{"vectors": [[1, 2]]}`, 400, codeRequest, "vector 1 has 2 numbers, want 5"},
		{"/v1/search", "application/json", `{"vectors": [[1]]}`, 400, codeRequest, "vector 1 has 1 number, want 5"},
		{"/v1/search", "application/json", `{"vectors": [1]}`, 400, codeRequest, "vectors holds a number, want a list"},
		{"/v1/search", "application/json", `{"vectors": [[1, 2, 3, 4, 1e99]]}`, 400, codeRequest, "vectors: the number 1e99 is too large for float32"},
		{"/v1/search", "application/json", `{"vectors": [[1, 2, 3, 4, -1e39]]}`, 400, codeRequest, "vectors: the number -1e39 is too large for float32"},
		{"/v1/search", "application/json", `{"k": 1e0}`, 400, codeRequest, "k is 1e0, want a whole number, in digits alone and below 2⁶³"},
		{"/v1/search", "application/json", `{"k": 1.5}`, 400, codeRequest, "k is 1.5, want a whole number"},
		{"/v1/search", "application/json", `{"k": 99999999999999999999}`, 400, codeRequest, "k is 99999999999999999999, want a whole number, in digits alone and below 2⁶³"},
		{"/v1/search?k=99999999999999999999", "image/png", string(drawing(0, 0)), 400, codeRequest, `k is "99999999999999999999", want a whole number`},
		{"/v1/search", "application/json", `{"far": 1e999}`, 400, codeRequest, "far: the number 1e999 is too large for float64"},
		{"/v1/search", "application/json", `{"k": true}`, 400, codeRequest, "k is true or false, want a whole number"},
		{"/v1/search", "application/json", `{"meta": 7}`, 400, codeRequest, "meta is a number, want an object"},
		{"/v1/items", "application/json", `{"meta": {"a": {}}}`, 400, codeRequest, "meta holds an object, want a string"},
		{"/v1/items", "application/json", `{"meta": []}`, 400, codeRequest, "meta is a list, want an object"},
		{"/v1/search", "application/json", `{"id": "no"}`, 400, codeRequest, `an ID is "no", want digits`},
		{"/v1/search", "application/json", `{"id": 77}`, 404, codeNotFound, "there is no item of the ID 77"},
		{"/v1/search", "application/json", `{}`, 400, codeRequest, "the request has no picture"},
		{"/v1/search?far=0.1", "image/png", string(drawing(0, 0)), 400, codeThreshold, "the server knows no thresholds for rates"},
		{"/v1/items", "application/json", fmt.Sprintf(`{"pictures":[%q],"ids":["1","2"]}`, p64), 400, codeRequest, "there are 2 ids for 1 picture, want one for each, or none"},
		{"/v1/items", "application/json", fmt.Sprintf(`{"pictures":[%q,%q],"ids":["8","8"]}`, p64, p64), 400, codeRequest, "the ID 8 stands twice"},
		{"/v1/items?label=" + strings.Repeat("x", 2000), "image/png", string(drawing(0, 0)), 400, codeRequest, "the label has 2000 bytes, want at most 1024"},
		{"/v1/items?label=%ff", "image/png", string(drawing(0, 0)), 400, codeRequest, "the label is not UTF-8"},
		{"/v1/items?meta.a=%ff", "image/png", string(drawing(0, 0)), 400, codeRequest, `the entry "a" of meta is not UTF-8`},
		{"/v1/items?meta.=x", "image/png", string(drawing(0, 0)), 400, codeRequest, "meta has an entry without a name"},
		{"/v1/items?meta.a=" + strings.Repeat("x", 17000), "image/png", string(drawing(0, 0)), 400, codeRequest, "meta has more than 16384 bytes"},
		{"/v1/items?meta=x", "image/png", string(drawing(0, 0)), 400, codeRequest, `there is no parameter "meta"`},
	} {
		s.send("POST", c.path, c.kind, []byte(c.body)).fails(c.status, c.code, c.detail)
	}
	p := s.json("/v1/embed", fmt.Sprintf(`{"pictures":[%q,"PGh0bWw+"]}`, p64)).fails(422, codePicture, "not a picture")
	require.Equal(t, 2, p.Picture, "which one")
	require.Equal(t, 2, s.gallery.x.Len(), "nothing was enrolled")
	require.Len(t, must1(os.ReadDir(s.gallery.pictures)), 2, "and no picture kept")
}

// fill2 enrols two pictures.
func (s *site) fill2() {
	for class := range 2 {
		is[enrolAnswer](s.png(fmt.Sprintf("/v1/items?label=class%d", class), drawing(class, 0)), http.StatusCreated)
	}
}

func large(w, h int) []byte {
	var b bytes.Buffer
	must(png.Encode(&b, image.NewGray(image.Rect(0, 0, w, h))))
	return b.Bytes()
}

// Of a body of a gigabyte nothing is read; one whose length is not told is read up to the limit.
func TestGigabyteIsNotRead(t *testing.T) {
	s := begin(t, Options{})
	for _, told := range []bool{true, false} {
		body := &endless{}
		r, err := http.NewRequest("POST", s.url+"/v1/embed", body)
		require.NoError(t, err)
		r.Header.Set("Content-Type", "image/jpeg")
		r.Header.Set("Expect", "100-continue")
		if told {
			r.ContentLength = 1 << 30
		}
		client := &http.Client{Transport: &http.Transport{ExpectContinueTimeout: 10 * time.Second}}
		w, err := client.Do(r)
		require.Less(t, body.read, int64(64<<20))
		if !told && err != nil {
			continue // the client was still sending when the connection was closed
		}
		require.NoError(t, err)
		b, err := io.ReadAll(w.Body)
		require.NoError(t, err)
		w.Body.Close()
		require.Equal(t, http.StatusRequestEntityTooLarge, w.StatusCode)
		require.Contains(t, string(b), "the request has more than 33554432 bytes")
		if told {
			require.Zero(t, body.read)
		}
	}
}

// endless is a body without an end.
type endless struct{ read int64 }

func (e *endless) Read(b []byte) (int, error) {
	e.read += int64(len(b))
	return len(b), nil
}

// A body that comes too slowly is given up, and one that ends too early.
func TestSlowAndShortBodies(t *testing.T) {
	s := begin(t, Options{Timeout: 300 * time.Millisecond})
	c, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
	require.NoError(t, err)
	defer c.Close()
	fmt.Fprintf(c, "POST /v1/embed HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/png\r\nContent-Length: 1000\r\n\r\nsome")
	b, err := io.ReadAll(c)
	require.NoError(t, err)
	require.Contains(t, string(b), "408 Request Timeout")
	require.Contains(t, string(b), "the body did not come within 300ms")
	require.Eventually(t, func() bool { return len(s.server.slots) == 0 }, time.Second, time.Millisecond, "its slot is free again")

	short, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
	require.NoError(t, err)
	defer short.Close()
	fmt.Fprintf(short, "POST /v1/embed HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/png\r\nContent-Length: 1000\r\n\r\nsome")
	short.(*net.TCPConn).CloseWrite()
	b, err = io.ReadAll(short)
	require.NoError(t, err)
	require.Contains(t, string(b), "the body ends before it is whole")
}

// One request more than are worked on is told to come again.
func TestBusy(t *testing.T) {
	s := begin(t, Options{MaxRequests: 2})
	for range 2 {
		s.server.slots <- struct{}{}
	}
	a := s.png("/v1/embed", drawing(0, 0))
	a.fails(503, codeBusy, "the limit of 2 requests at the same time is reached")
	require.Equal(t, "1", a.header.Get("Retry-After"))
	require.Equal(t, 200, s.get("/v1/info").status, "what embeds nothing is answered")
	<-s.server.slots
	require.Equal(t, 200, s.png("/v1/embed", drawing(0, 0)).status)
}

// A request that takes too long says so.
func TestTimeout(t *testing.T) {
	s := begin(t, Options{Timeout: 200 * time.Millisecond})
	for range cap(s.server.decoders) {
		s.server.decoders <- struct{}{}
	}
	s.png("/v1/embed", drawing(0, 0)).fails(503, codeTimeout, "the request took more than 200ms")
}

func TestToken(t *testing.T) {
	const token = "a-token-of-this-test"
	s := begin(t, Options{Token: token})
	for _, path := range []string{"/", "/style.css", "/script.js", "/healthz", "/readyz", "/openapi.json"} {
		require.Equal(t, 200, s.get(path).status, path)
	}
	for _, lines := range [][]string{nil, {"Authorization: Bearer"}, {"Authorization: Bearer " + token + "x"}, {"Authorization: Basic " + token}, {"Authorization: " + token}, {"Cookie: token=" + token}} {
		for _, r := range routes {
			if r.open {
				continue
			}
			method, path, _ := strings.Cut(strings.ReplaceAll(r.pattern, "{id}", "1"), " ")
			a := s.send(method, path, "image/png", drawing(0, 0), lines...)
			a.fails(401, codeToken, "want the header Authorization: Bearer")
			require.Contains(t, a.header.Get("WWW-Authenticate"), "Bearer")
		}
	}
	require.Equal(t, 200, s.png("/v1/embed", drawing(0, 0), "Authorization: Bearer "+token).status)
	require.Equal(t, 200, s.get("/metrics", "Authorization: bearer "+token).status)
}

// A web page elsewhere makes the browser of who reads it do nothing here.
func TestOtherOriginsAndNames(t *testing.T) {
	s := begin(t, Options{Hosts: []string{"localhost", "127.0.0.1", "::1"}, Origins: []string{"https://friend.example"}})
	own := "Origin: " + s.url
	require.Equal(t, 200, s.png("/v1/embed", drawing(0, 0), own, "Sec-Fetch-Site: same-origin").status)
	for _, lines := range [][]string{{"Origin: https://evil.example"}, {"Origin: null"}, {"Origin: https://evil.example", "Sec-Fetch-Site: cross-site"}, {"Sec-Fetch-Site: cross-site"}, {"Origin: http://localhost:1", "Sec-Fetch-Site: same-site"}} {
		a := s.png("/v1/items", drawing(0, 0), lines...)
		a.fails(403, codeOrigin, "pages of other origins may not use this server")
		require.Empty(t, a.header.Get("Access-Control-Allow-Origin"))
		require.Empty(t, s.get("/v1/info", lines...).header.Get("Access-Control-Allow-Origin"), "and reads nothing")
	}
	require.Zero(t, s.gallery.x.Len())
	friend := s.png("/v1/embed", drawing(0, 0), "Origin: https://friend.example", "Sec-Fetch-Site: cross-site")
	require.Equal(t, 200, friend.status)
	require.Equal(t, "https://friend.example", friend.header.Get("Access-Control-Allow-Origin"))
	before := s.send("OPTIONS", "/v1/embed", "", nil, "Origin: https://friend.example", "Access-Control-Request-Method: POST")
	require.Equal(t, 204, before.status)
	require.Contains(t, before.header.Get("Access-Control-Allow-Headers"), "Authorization")

	for _, host := range []string{"evil.example", "evil.example:8080", "localhost.evil.example", "127.0.0.2"} {
		s.get("/v1/info", "Host: "+host).fails(421, codeHost, "the server is not called")
		s.get("/", "Host: "+host).fails(421, codeHost, "use localhost or 127.0.0.1")
	}
	for _, host := range []string{"localhost", "LOCALHOST:8080", "[::1]:99", "localhost."} {
		require.Equal(t, 200, s.get("/v1/info", "Host: "+host).status, host)
	}
}

func TestReadOnly(t *testing.T) {
	s := begin(t, Options{})
	s.fill2()
	path := s.path
	require.NoError(t, s.gallery.Close())
	g, err := OpenGallery(path, GalleryOptions{ReadOnly: true, Pictures: PicturesPath(path)})
	require.NoError(t, err)
	defer g.Close()
	other, err := OpenGallery(path, GalleryOptions{ReadOnly: true})
	require.NoError(t, err, "several may read")
	defer other.Close()
	r := serving(t, s.model, g, path, Options{})
	r.png("/v1/items", drawing(0, 0)).fails(403, codeReadOnly, "the gallery is served read-only")
	r.send("DELETE", "/v1/items/1", "", nil).fails(403, codeReadOnly, "nothing is enrolled or deleted")
	require.Equal(t, 200, r.get("/v1/items/1/thumbnail").status)
	require.True(t, is[infoAnswer](r.get("/v1/info"), 200).Gallery.ReadOnly)
}

// What does not fit is refused before anything is served.
func TestWhatDoesNotFit(t *testing.T) {
	m, dir := loaded(t), t.TempDir()
	g := func(o index.Options) *Gallery { return must1(NewGallery(must1(index.New(o)), "")) }
	_, err := New(m, g(index.Options{Dim: 5, Model: "9f86d081"}), Options{})
	var other *index.ModelError
	require.ErrorAs(t, err, &other)
	_, err = New(m, g(index.Options{Dim: 7, Model: m.Fingerprint()}), Options{})
	require.ErrorContains(t, err, "the index has vectors of 7 numbers, and the model makes embeddings of 5")
	_, err = New(nil, g(*made(m)), Options{})
	require.ErrorContains(t, err, "the model is nil")
	_, err = New(m, nil, Options{})
	require.ErrorContains(t, err, "the gallery is nil")
	_, err = NewGallery(nil, "")
	require.ErrorContains(t, err, "the index is nil")
	foreign := &model.Calibration{Model: "another"}
	for _, c := range []struct {
		o    Options
		want string
	}{
		{Options{MaxBody: -1}, "serve: MaxBody is -1, want 0 or more"}, {Options{MaxRequests: -1}, "MaxRequests is -1"}, {Options{Timeout: -1}, "Timeout is -1"},
		{Options{Threshold: -1}, "Threshold is -1, want a distance above 0"}, {Options{Token: "short"}, "Token has 5 characters, want 16 or more"},
		{Options{Origins: []string{"example.org"}}, `"example.org" is no origin, want a scheme and a host such as https://example.org`},
		{Options{Origins: []string{"https://example.org/path"}}, "is no origin"}, {Options{Calibration: foreign}, "the calibration is of the model another"},
	} {
		_, err := New(m, g(*made(m)), c.o)
		require.ErrorContains(t, err, strings.ReplaceAll(c.want, "serve: ", ""))
	}

	_, err = OpenGallery("", GalleryOptions{})
	require.ErrorContains(t, err, "the path is empty")
	_, err = OpenGallery(filepath.Join(dir, "none.index"), GalleryOptions{})
	require.ErrorIs(t, err, os.ErrNotExist)
	_, err = OpenGallery(filepath.Join(dir, "no", "folder.index"), GalleryOptions{New: made(m)})
	require.Error(t, err)
	_, err = OpenGallery(filepath.Join(dir, "a.index"), GalleryOptions{New: made(m), SaveEvery: -1})
	require.ErrorContains(t, err, "SaveEvery is -1ns, want 0 or more")
	path := filepath.Join(dir, "gallery.index")
	first, err := OpenGallery(path, GalleryOptions{New: made(m)})
	require.NoError(t, err)
	_, err = OpenGallery(path, GalleryOptions{})
	require.ErrorContains(t, err, "another process may change "+path)
	require.NoError(t, first.Close())
	require.NoError(t, first.Close())

	b, err := os.ReadFile(path)
	require.NoError(t, err)
	b[len(b)/2] ^= 4
	require.NoError(t, os.WriteFile(path, b, 0o644))
	_, err = OpenGallery(path, GalleryOptions{})
	var damage *index.DamageError
	require.ErrorAs(t, err, &damage)
	require.NoError(t, os.WriteFile(path, []byte("nothing of the kind"), 0o644))
	_, err = OpenGallery(path, GalleryOptions{})
	require.ErrorAs(t, err, &damage)
}

// A fault of ours is logged, and its text is not sent.
func TestFaultsOfOurs(t *testing.T) {
	s := begin(t, Options{})
	w := httptest.NewRecorder()
	h := s.server.guard(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("secret") }))
	h.ServeHTTP(w, httptest.NewRequest("GET", "/v1/info", nil))
	require.Equal(t, 500, w.Code)
	require.NotContains(t, w.Body.String(), "secret")
	require.Contains(t, w.Body.String(), "a fault of the server's")
	p, ours := s.server.problemOf(t.Context(), errors.New("secret"))
	require.True(t, ours)
	require.NotContains(t, p.Detail, "secret")
}

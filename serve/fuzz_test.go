package serve

import (
	"bytes"
	"encoding/json"
	"net/http/httptest"
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"

	"medusa/index"
)

// Whatever a request holds, it is answered or refused in words, and is no fault of ours.
func FuzzRequest(f *testing.F) {
	m := loaded(f)
	g, err := NewGallery(must1(index.New(*made(m))), "")
	require.NoError(f, err)
	s, err := New(m, g, Options{MaxPixels: 10000, MaxBody: 1 << 16})
	require.NoError(f, err)
	f.Add(uint8(0), "", "image/png", drawing(0, 0))
	f.Add(uint8(1), "k=3&label=a&meta.b=c", "application/json", []byte(`{"pictures":["aGk="],"vectors":[[1,2,3,4,5]],"id":"1","k":1,"labels":["a"],"meta":{"a":"b"}}`))
	f.Add(uint8(2), "threshold=1", "multipart/form-data; boundary=b", []byte("--b\r\nContent-Disposition: form-data; name=\"picture\"; filename=\"a\"\r\n\r\nx\r\n--b\r\nContent-Disposition: form-data; name=\"far\"\r\n\r\n0.1\r\n--b--\r\n"))
	f.Add(uint8(3), "id=1&id=2&wait=false", "", []byte("GIF89a"))
	f.Add(uint8(3), "", "application/json", []byte(`{"pictures":["data:image/png;base64,aGk="],"ids":[1],"label":"\ud800","wait":null}`))
	paths := []string{"/v1/embed", "/v1/search", "/v1/verify", "/v1/items"}
	f.Fuzz(func(t *testing.T, path uint8, query, kind string, body []byte) {
		r := httptest.NewRequest("POST", paths[int(path)%len(paths)], bytes.NewReader(body))
		r.URL.RawQuery = query
		r.Header["Content-Type"] = []string{kind}
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		require.True(t, json.Valid(w.Body.Bytes()), w.Body)
		require.NotEqual(t, 500, w.Code, w.Body)
		if w.Code >= 400 {
			var p problem
			require.NoError(t, json.Unmarshal(w.Body.Bytes(), &p))
			require.NotEmpty(t, p.Detail)
			require.NotEmpty(t, p.Code)
		}
	})
}

// The path of an item is no way to anything else.
func FuzzItemPath(f *testing.F) {
	m := loaded(f)
	g, err := NewGallery(must1(index.New(*made(m))), "")
	require.NoError(f, err)
	s, err := New(m, g, Options{})
	require.NoError(f, err)
	for _, id := range []string{"1", "..", "%2e%2e%2f", "18446744073709551616", "-0", "+1", "1/thumbnail"} {
		f.Add(id)
	}
	f.Fuzz(func(t *testing.T, id string) {
		r := httptest.NewRequest("GET", "/", nil)
		r.URL = &url.URL{Path: "/v1/items/" + id}
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		require.Contains(t, []int{301, 307, 404}, w.Code, "%q: %s", id, w.Body)
	})
}

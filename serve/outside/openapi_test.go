package outside

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"mime/multipart"
	"net/http"
	"os"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers/gorillamux"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"medusa/serve"
)

// The description is valid OpenAPI, and requests and answers, problems among them, are as it says.
func TestRequestsAndAnswersAreAsDescribed(t *testing.T) {
	url := begin(t, serve.Options{MaxPictures: 8})
	answer, err := http.Get(url + "/openapi.json")
	require.NoError(t, err)
	text, err := io.ReadAll(answer.Body)
	require.NoError(t, err)
	answer.Body.Close()
	loader := openapi3.NewLoader()
	doc, err := loader.LoadFromData(text)
	require.NoError(t, err)
	require.NoError(t, doc.Validate(loader.Context))
	doc.Servers = openapi3.Servers{{URL: url}}
	router, err := gorillamux.NewRouter(doc)
	require.NoError(t, err)
	openapi3filter.RegisterBodyDecoder("image/jpeg", openapi3filter.FileBodyDecoder)
	openapi3filter.RegisterBodyDecoder("image/png", openapi3filter.FileBodyDecoder)

	ask := func(method, path, kind string, body []byte, described bool, status int) []byte {
		t.Helper()
		r, err := http.NewRequest(method, url+path, bytes.NewReader(body))
		require.NoError(t, err)
		if kind != "" {
			r.Header.Set("Content-Type", kind)
		}
		route, params, err := router.FindRoute(r)
		require.NoError(t, err, path)
		input := &openapi3filter.RequestValidationInput{Request: r, PathParams: params, Route: route,
			Options: &openapi3filter.Options{AuthenticationFunc: openapi3filter.NoopAuthenticationFunc, ExcludeRequestBody: kind == "image/png"}}
		if err := openapi3filter.ValidateRequest(context.Background(), input); described {
			assert.NoError(t, err, "%s %s", method, path)
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		w, err := http.DefaultClient.Do(r)
		require.NoError(t, err)
		defer w.Body.Close()
		got, err := io.ReadAll(w.Body)
		require.NoError(t, err)
		require.Equal(t, status, w.StatusCode, "%s %s: %s", method, path, got)
		assert.NoError(t, openapi3filter.ValidateResponse(context.Background(), &openapi3filter.ResponseValidationInput{
			RequestValidationInput: input, Status: w.StatusCode, Header: w.Header, Body: io.NopCloser(bytes.NewReader(got)),
			Options: &openapi3filter.Options{IncludeResponseStatus: true},
		}), "%s %s", method, path)
		return got
	}
	value := func(v any) []byte {
		b, err := json.Marshal(v)
		require.NoError(t, err)
		return b
	}
	const isJSON = "application/json"
	png := func(path string) []byte {
		b, err := os.ReadFile(path)
		require.NoError(t, err)
		return b
	}
	one, two := png(photo(0, 0)), png(photo(1, 0))

	ask("POST", "/v1/search", isJSON, value(map[string]any{"pictures": [][]byte{one}}), true, 409)
	ask("POST", "/v1/items?label=one", "image/png", one, true, 201)
	ask("POST", "/v1/items", isJSON, value(map[string]any{"pictures": [][]byte{one, two}, "label": "two", "meta": map[string]string{"a": "b"}, "ids": []string{"7", "9"}}), true, 201)
	ask("POST", "/v1/items", isJSON, value(map[string]any{"pictures": [][]byte{one}, "ids": []string{"7"}}), true, 409)
	ask("POST", "/v1/embed", "image/png", one, true, 200)
	ask("POST", "/v1/embed", isJSON, value(map[string]any{"pictures": [][]byte{one, two}}), true, 200)
	ask("POST", "/v1/search?k=2&exact=true&labels=two", "image/png", two, true, 200)
	ask("POST", "/v1/search", isJSON, value(map[string]any{"id": "7", "votes": 3, "far": 0.01}), true, 200)
	ask("POST", "/v1/verify", isJSON, value(map[string]any{"pictures": [][]byte{one, two}, "threshold": 0.5}), true, 200)
	ask("GET", "/v1/items/7", "", nil, true, 200)
	ask("GET", "/v1/items/8", "", nil, true, 404)
	ask("GET", "/v1/items/7/thumbnail", "", nil, true, 200)
	ask("GET", "/v1/labels", "", nil, true, 200)
	ask("GET", "/v1/info", "", nil, true, 200)
	for _, path := range []string{"/healthz", "/readyz", "/metrics", "/openapi.json"} {
		ask("GET", path, "", nil, true, 200)
	}
	ask("DELETE", "/v1/items/7", "", nil, true, 204)
	ask("DELETE", "/v1/items/7", "", nil, true, 404)

	ask("POST", "/v1/embed", isJSON, []byte(`{"pictures": 3}`), false, 400)
	ask("POST", "/v1/embed", "text/html", []byte("<html>"), false, 415)
	ask("POST", "/v1/embed", "image/png", []byte("<html>"), true, 422)
	ask("POST", "/v1/embed", isJSON, value(map[string]any{"pictures": make([][]byte, 9)}), false, 413)
	ask("POST", "/v1/search?k=0", "image/png", one, false, 400)

	var form bytes.Buffer
	w := multipart.NewWriter(&form)
	part, err := w.CreateFormFile("picture", "a.png")
	require.NoError(t, err)
	part.Write(one)
	require.NoError(t, w.WriteField("label", "one"))
	require.NoError(t, w.Close())
	ask("POST", "/v1/items", w.FormDataContentType(), form.Bytes(), false, 201)
}

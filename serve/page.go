package serve

import (
	"bytes"
	"embed"
	"fmt"
	"hash/crc32"
	"mime"
	"net/http"
	"path"
	"time"
)

//go:embed page
var page embed.FS

// pageRoutes are the files of the page, under their names.
func pageRoutes() []route {
	return []route{
		{pattern: "GET /{$}", answer: pageFile("index.html"), open: true},
		{pattern: "GET /style.css", answer: pageFile("style.css"), open: true},
		{pattern: "GET /script.js", answer: pageFile("script.js"), open: true},
		{pattern: "GET /icon.svg", answer: pageFile("icon.svg"), open: true},
	}
}

// pageFile answers a file, which a browser asks for again only if it has changed.
func pageFile(name string) func(*Server, http.ResponseWriter, *http.Request) error {
	content, err := page.ReadFile(path.Join("page", name))
	tag := fmt.Sprintf(`"%08x"`, crc32.ChecksumIEEE(content))
	return func(_ *Server, w http.ResponseWriter, r *http.Request) error {
		if err != nil {
			return err
		}
		h := w.Header()
		h.Set("Content-Type", mime.TypeByExtension(path.Ext(name)))
		h.Set("Cache-Control", "no-cache")
		h.Set("ETag", tag)
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(content))
		return nil
	}
}

package cli

import (
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"github.com/pkg/errors"

	"medusa/index"
	"medusa/internal/fileread"
)

// refuseOtherFile refuses a file in the place of a model that is none, by what it is.
func refuseOtherFile(path string) error {
	if kind := kindOfOther(path); kind != "" {
		return errors.Errorf("%s is %s, want a model: a run folder or its model file", path, kind)
	}
	return nil
}

// kindOfOther says what a file is that is no safetensors file; empty of one that is, or might be but for damage, and
// of a folder.
func kindOfOther(path string) string {
	info, err := os.Stat(path)
	if err != nil || !info.Mode().IsRegular() {
		return ""
	}
	if index.IsIndex(path) {
		return "an index"
	}
	if _, _, err := header(path); err == nil || errors.Is(err, os.ErrPermission) || strings.EqualFold(filepath.Ext(path), ".safetensors") {
		return ""
	}
	switch {
	case isEmbeddings(path):
		return "a file of embeddings"
	case isImage(path):
		return "a picture"
	case info.Size() == 0:
		return "an empty file"
	}
	return "no safetensors file"
}

// isImage reports whether a file begins as pictures do.
func isImage(path string) bool {
	f, err := fileread.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	head := make([]byte, 512)
	n, _ := io.ReadFull(f, head)
	return strings.HasPrefix(http.DetectContentType(head[:n]), "image/")
}

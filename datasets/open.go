package datasets

import (
	"archive/zip"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/pkg/errors"

	"medusa/internal/fileread"
)

// Open recognises what path is and opens it:
//
//	""  or "omniglot"      the embedded part of Omniglot (Omniglot)
//	a folder of IDX files  OpenIDXFolder
//	any other folder       OpenFolder
//	*-images-idx3-ubyte    OpenIDX, with the labels beside it; .gz or not
//	*.zip                  OpenFS of what is inside
//	any other file         OpenManifest
func Open(path string, o Options) (Split, error) {
	info, err := os.Stat(path)
	if path == "" || path == "omniglot" && os.IsNotExist(err) {
		return Omniglot(o)
	}
	if os.IsNotExist(err) {
		return Split{}, errors.Errorf("datasets: %s does not exist: give a folder with one folder of pictures a class, a CSV manifest or IDX files", printable(path))
	}
	if err != nil {
		return Split{}, errors.Wrap(err, "datasets")
	}
	if info.IsDir() {
		if holdsIDX(path) {
			return OpenIDXFolder(path, o)
		}
		return OpenFolder(path, o)
	}
	return openFile(path, o)
}

// holdsIDX reports whether a folder has a file named as IDX files are.
func holdsIDX(dir string) bool {
	for _, pattern := range []string{"*images-idx3-ubyte*", "*images.idx3-ubyte*"} {
		if found, err := filepath.Glob(filepath.Join(globEscape(dir), pattern)); err == nil && found != nil {
			return true
		}
	}
	return false
}

// globEscape takes the meaning from the signs of patterns in a folder's name.
func globEscape(name string) string {
	if filepath.Separator == '\\' {
		return name // no escape exists there
	}
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(name)
}

func openFile(path string, o Options) (Split, error) {
	head, err := headOf(path)
	if err != nil {
		return Split{}, err
	}
	name := filepath.Base(path)
	switch {
	case head == "":
		return Split{}, errors.Errorf("datasets: %s is an empty file", printable(path))
	case strings.Contains(name, "images-idx3"), strings.Contains(name, "images.idx3"):
		labels := strings.Replace(strings.Replace(name, "images", "labels", 1), "idx3", "idx1", 1)
		return OpenIDX(path, filepath.Join(filepath.Dir(path), labels), o)
	case strings.HasPrefix(head, "PK\x03\x04"):
		return openZip(path, o)
	case strings.HasPrefix(head, "\x1f\x8b"), strings.HasPrefix(head, "7z\xbc\xaf"), strings.HasSuffix(name, ".tar"):
		return Split{}, errors.Errorf("datasets: %s is an archive; unpack it and give the folder", printable(path))
	case !isText([]byte(head)):
		return Split{}, errors.Errorf("datasets: %s is neither a folder nor a CSV manifest (in UTF-8) nor an IDX file", printable(path))
	}
	return OpenManifest(path, o)
}

// headOf returns the first bytes of a file.
func headOf(path string) (string, error) {
	f, err := fileread.Open(path)
	if err != nil {
		return "", errors.Wrap(err, "datasets")
	}
	defer f.Close()
	head := make([]byte, 512)
	n, err := io.ReadFull(f, head)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return "", errors.Wrap(err, "datasets")
	}
	return string(head[:n]), nil
}

func openZip(path string, o Options) (Split, error) {
	z, err := zip.OpenReader(path)
	if err != nil {
		return Split{}, errors.Wrapf(err, "datasets: %s", printable(path))
	}
	defer z.Close()
	return openTree(fsSource{z}, printable(path), o)
}

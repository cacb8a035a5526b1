package datasets

import (
	"io"
	"os"
	"path/filepath"
	"slices"
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
//	.npy, .npz, .safetensors, a table of numbers, or a folder of these
//	                       OpenVectors
//	.zip, .tar, .tar.gz    OpenFS of what is inside
//	a folder of .tar, or shard-{000..123}.tar
//	                       OpenFS of all together, each being a folder
//	any other file         OpenManifest, or OpenFolder of the folder around it where
//	                       it is a list that means nothing alone, such as CUB's images.txt
func Open(path string, o Options) (Split, error) {
	info, err := os.Stat(path)
	if path == "" || path == "omniglot" && os.IsNotExist(err) {
		return withoutColumns("the embedded data", o, func() (Split, error) { return Omniglot(o) })
	}
	if shards, others, err := shardsOf(path); err != nil {
		return Split{}, err
	} else if shards != nil {
		return openShards(shards, others, printable(path), o)
	}
	if os.IsNotExist(err) {
		return Split{}, errors.Errorf("datasets: %s does not exist: give a folder with one folder of pictures a class, a table, an archive or IDX files", printable(path))
	}
	if err != nil {
		return Split{}, errors.Wrap(err, "datasets")
	}
	if !info.IsDir() && !info.Mode().IsRegular() {
		return Split{}, errors.Errorf("datasets: %s is %s, want a folder or an ordinary file", printable(path), reasonSpecial)
	}
	if HoldsVectors(path) {
		return withoutColumns(path, o, func() (Split, error) { return OpenVectors(path, o) })
	}
	if info.IsDir() {
		if holdsIDX(path) {
			return withoutColumns(path, o, func() (Split, error) { return OpenIDXFolder(path, o) })
		}
		return OpenFolder(path, o)
	}
	return openFile(path, o)
}

// withoutColumns opens what has no columns to be named.
func withoutColumns(path string, o Options, open func() (Split, error)) (Split, error) {
	if o.Columns != "" {
		return Split{}, errors.Errorf("datasets: columns are named, %q, but %s is no table of pictures", o.Columns, printable(path))
	}
	return open()
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
	case strings.HasPrefix(head, "\x1f\x8b"):
		return openTar(path, true, o)
	case len(head) > 262 && head[257:262] == "ustar", strings.HasSuffix(name, ".tar"):
		return openTar(path, false, o)
	case packers[head[:min(len(head), 4)]] != "":
		return Split{}, errors.Errorf("datasets: %s is an archive of %s; unpack it and give the folder", printable(path), packers[head[:4]])
	case folderOfList(path) != "":
		o.list = name
		return OpenFolder(folderOfList(path), o)
	case !looksLikeText([]byte(head)):
		return Split{}, errors.Errorf("datasets: %s is neither a folder nor a table (CSV or JSON lines) nor an IDX file", printable(path))
	}
	return OpenManifest(path, o)
}

// packers are archives that are not opened, by their first bytes.
var packers = map[string]string{"7z\xbc\xaf": "7-Zip", "Rar!": "RAR", "\xfd7zX": "xz", "BZh9": "bzip2", "\x28\xb5\x2f\xfd": "Zstandard"}

// folderOfList returns the folder of the data set of which a file is one of the lists; "" if
// it is none.
func folderOfList(file string) string {
	dir, name := filepath.Split(file)
	dir = filepath.Clean(dir)
	for _, dir := range []string{dir, filepath.Dir(dir)} { // lists may have a folder of their own
		d, err := readDirectory(diskSource{dir}, ".", Options{})
		if err == nil && slices.ContainsFunc(layouts, func(l layout) bool { return slices.Contains(l.lists, name) && l.has(d) }) {
			if up := filepath.Dir(dir); slices.Contains([]string{"Eval", "Anno", "devkit"}, filepath.Base(dir)) {
				return up
			}
			return dir
		}
	}
	return ""
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

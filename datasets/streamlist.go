package datasets

import (
	"archive/zip"
	"bufio"
	"bytes"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/gzip"
	"github.com/pkg/errors"

	"medusa/internal/fileread"
)

// lister finds the files of a Stream's inputs, one after the other.
type lister struct {
	options  Options
	yield    func(streamed, error) bool
	retire   func(io.Closer) // gets an archive that was listed: its files may not be read yet
	stopped  bool
	counting bool // only how many files there are is asked for
	known    bool // that can be told before they are read
}

// give hands on a file, or an error, which ends it. It reports whether more is wanted.
func (l *lister) give(f streamed, err error) bool {
	if !l.stopped {
		l.stopped = !l.yield(f, err) || err != nil
	}
	return !l.stopped
}

func (l *lister) fail(err error) { l.give(streamed{}, err) }

func (l *lister) all(inputs []Input) {
	for _, in := range inputs {
		switch {
		case l.stopped:
			return
		case in.Reader == nil:
			l.path(in.Path)
		case l.counting:
			l.known = false
		default:
			l.content(in.Reader, in.Path, diskSource{}, true)
		}
	}
}

// path lists a file or a folder.
func (l *lister) path(path string) {
	info, err := os.Stat(path)
	switch {
	case err == nil && info.IsDir():
		l.tree(diskSource{path}, printable(path))
	case err != nil || !info.Mode().IsRegular() || hasPictureName(path):
		l.give(streamed{candidate: candidate{name: path, from: diskSource{}, noClass: true}, named: true}, nil) // what is not there is told when it is to be read
	default:
		l.file(path)
	}
}

// tree lists all that lies below a folder, or in an archive.
func (l *lister) tree(src source, origin string) {
	each := func(found []candidate, skipped []Skip) bool {
		for i := range skipped {
			skip := skipped[i]
			l.give(streamed{skip: &skip}, nil)
		}
		for _, c := range found {
			c.from = src
			l.give(streamed{candidate: c}, nil)
		}
		return !l.stopped
	}
	w := &walker{source: src, seen: make(map[string]string), unlabelled: true, each: each}
	if err := w.walkPart(&part{}, "."); err != nil {
		l.fail(errors.Wrapf(err, "datasets: folder of pictures %s", origin))
	}
}

// file lists what an ordinary file holds: pictures, or one.
func (l *lister) file(path string) {
	f, err := fileread.Open(path)
	if err != nil {
		l.give(streamed{candidate: candidate{name: path, from: diskSource{}, noClass: true}, named: true}, nil)
		return
	}
	defer f.Close()
	head := make([]byte, headBytes)
	n, _ := io.ReadFull(f, head)
	head = head[:n]
	if bytes.HasPrefix(head, []byte("PK\x03\x04")) || bytes.HasPrefix(head, []byte("PK\x05\x06")) {
		l.zip(path)
		return
	}
	if isPicture(path, head) || !isArchive(head) && !l.isList(path, head) {
		l.give(streamed{candidate: candidate{name: path, from: diskSource{}, noClass: true}, named: true}, nil)
		return
	}
	if l.counting && isArchive(head) {
		l.known = false
		return
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		l.fail(errors.Wrap(err, "datasets"))
		return
	}
	l.content(f, path, diskSource{filepath.Dir(path)}, false)
}

// headBytes are enough to tell what a file is.
const headBytes = 4096

// content lists what r holds: an archive, a table or a list, whose paths are those of base, or a picture.
func (l *lister) content(r io.Reader, name string, base diskSource, maybePicture bool) {
	text := bufio.NewReaderSize(r, 1<<16)
	head, err := text.Peek(headBytes)
	if err != nil && !errors.Is(err, io.EOF) {
		l.fail(errors.Wrapf(err, "datasets: %s", printable(name)))
		return
	}
	switch {
	case isGzip(head):
		l.unzipped(text, name, base)
	case isTar(head):
		l.tar(text, name)
	case bytes.HasPrefix(head, []byte("PK\x03\x04")):
		l.fail(errors.Errorf("datasets: %s is a .zip, which cannot be read as it comes: give it as a file, or as a .tar", printable(name)))
	case maybePicture && (isPicture(name, head) || !looksLikeText(head[:min(len(head), 512)])):
		l.one(text, name)
	default:
		l.list(text, name, base)
	}
}

// unzipped lists what is in a compressed reader.
func (l *lister) unzipped(r io.Reader, name string, base diskSource) {
	z, err := gzip.NewReader(r)
	if err != nil {
		l.fail(errors.WithMessagef(errArchiveCut, "datasets: %s", printable(name)))
		return
	}
	defer z.Close()
	text := bufio.NewReaderSize(z, 1<<16)
	head, _ := text.Peek(headBytes)
	switch {
	case isGzip(head):
		l.fail(errors.Errorf("datasets: %s is compressed twice: unpack it once", printable(name)))
		return
	case isTar(head):
		l.tar(text, name)
		return
	}
	l.content(text, strings.TrimSuffix(name, ".gz"), base, true)
}

// one is the only picture of a reader.
func (l *lister) one(r io.Reader, name string) {
	data, err := io.ReadAll(io.LimitReader(r, l.options.MaxFileBytes+1)) // one more, so that too much is seen
	if err != nil {
		l.fail(errors.Wrapf(err, "datasets: %s", printable(name)))
		return
	}
	l.give(streamed{candidate: candidate{name: name, from: bytesSource{name, data}, noClass: true}, named: true, bytes: int64(len(data))}, nil)
}

// zip lists what is in a .zip.
func (l *lister) zip(path string) {
	z, err := zip.OpenReader(path)
	if err != nil {
		l.fail(errors.Wrapf(err, "datasets: %s", printable(path)))
		return
	}
	z.RegisterDecompressor(zip.Deflate, flate.NewReader)
	l.tree(inArchive{fsSource{z}, path}, printable(path))
	l.retire(z)
}

// inArchive is a source whose files are called by the archive that they are in.
type inArchive struct {
	source
	archive string
}

func (s inArchive) full(name string) string {
	return filepath.Join(s.archive, filepath.FromSlash(name))
}

func isGzip(head []byte) bool { return bytes.HasPrefix(head, []byte("\x1f\x8b")) }

func isTar(head []byte) bool { return len(head) > 262 && string(head[257:262]) == "ustar" }

func isArchive(head []byte) bool { return isGzip(head) || isTar(head) }

// isPicture reports whether a file that begins so is a picture, or of a format that is known for one.
func isPicture(name string, head []byte) bool {
	_, err := sniff(name, head)
	var p *problem
	return err == nil || errors.As(err, &p) && p.reason == reasonUnsupported
}

// listNames are the endings of tables and lists.
var listNames = []string{".csv", ".tsv", ".txt", ".lst", ".list", ".jsonl", ".ndjson"}

// isList reports whether a file is meant as a table or list by its name, and its first line is text that can
// be a line of one; where Columns are given all text is.
func (l *lister) isList(name string, head []byte) bool {
	if !slices.Contains(listNames, strings.ToLower(filepath.Ext(name))) || len(head) == 0 || !looksLikeText(head[:min(len(head), 512)]) {
		return false
	}
	text, _, err := decodeText(bytes.NewReader(head))
	if err != nil || l.options.Columns != "" {
		return err == nil
	}
	line, _ := text.ReadString('\n')
	line = trimCell(line)
	if second, _ := text.ReadString('\n'); strings.HasPrefix(line, "{") || isLandmarkHeader(strings.Fields(line)) || isLandmarkHeader(strings.Fields(second)) { // below the number of rows
		return true
	}
	cells := cellsOf(line, separatorOf(bufio.NewReader(strings.NewReader(line))))
	if slices.ContainsFunc(append(cells, line), hasPictureName) || pathColumn(cells) {
		return true
	}
	_, err = os.Stat(filepath.Join(filepath.Dir(name), line))
	return err == nil
}

package datasets

import (
	"bytes"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/pkg/errors"
)

// OpenUnlabelled reads pictures of no class, to be embedded and searched: one file, or all
// pictures below a folder, at any depth. Their labels are NoClass. What cannot be read is
// left out and told, unless it is all there is.
func OpenUnlabelled(path string, o Options) (*Dataset, error) {
	if path == "" {
		return nil, errors.New("datasets: the path is empty, want a picture or a folder of pictures")
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil, errors.Wrap(err, "datasets: pictures")
	}
	if !info.IsDir() {
		return OpenUnlabelledFiles([]string{path}, o)
	}
	src, p := diskSource{path}, &part{}
	w := &walker{source: src, seen: make(map[string]string), unlabelled: true}
	if err := w.walkPart(p, "."); err != nil {
		return nil, errors.Wrapf(err, "datasets: folder of pictures %s", printable(path))
	}
	return openUnlabelled(src, p, printable(path), o)
}

// OpenUnlabelledFiles reads a list of files, in ascending order of their paths.
func OpenUnlabelledFiles(files []string, o Options) (*Dataset, error) {
	p := &part{}
	for i, name := range files {
		if name == "" {
			return nil, errors.Errorf("datasets: path %d of %d is empty, want a picture", i+1, len(files))
		}
		absolute, err := filepath.Abs(name)
		if err != nil {
			return nil, errors.Wrap(err, "datasets: list of pictures")
		}
		p.candidates = append(p.candidates, candidate{name: absolute, noClass: true})
	}
	return openUnlabelled(diskSource{}, p, "list of pictures", o)
}

// ReadUnlabelled reads one picture; name is how it is called in messages and by
// Dataset.Path.
func ReadUnlabelled(r io.Reader, name string, o Options) (*Dataset, error) {
	if r == nil {
		return nil, errors.Errorf("datasets: %s: there is nothing to read: the reader is nil", printable(name))
	}
	checked, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	data, err := io.ReadAll(io.LimitReader(r, checked.MaxFileBytes+1)) // one more, so that too much is seen
	if err != nil {
		return nil, errors.Wrapf(err, "datasets: %s", printable(name))
	}
	p := &part{candidates: []candidate{{name: name, noClass: true}}}
	return openUnlabelled(bytesSource{name, data}, p, printable(name), o)
}

func openUnlabelled(src source, p *part, origin string, o Options) (*Dataset, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	if len(p.candidates) == 0 {
		return nil, withReasons([]*part{p}, "no pictures under %s", origin)
	}
	sets, err := gather(src, o, origin, &offer{kind: "pictures without classes", parts: []*part{p}})
	if err != nil {
		return nil, err
	}
	d := sets[0]
	if d.Len() == 0 {
		d.Close()
		err := withReasons([]*part{{skipped: d.report.skipped}}, "no readable picture in %s", origin)
		if len(p.candidates) == 1 && len(d.report.skipped) == 1 {
			return nil, &PictureError{Skip: d.report.skipped[0], err: err}
		}
		return nil, err
	}
	return d, nil
}

// bytesSource is one file in memory.
type bytesSource struct {
	name string
	data []byte
}

func (s bytesSource) readDir(string) ([]fs.DirEntry, error) { return nil, fs.ErrNotExist }
func (s bytesSource) stat(string) (fs.FileInfo, error)      { return s, nil }
func (s bytesSource) open(string) (io.ReadCloser, error) {
	return io.NopCloser(bytes.NewReader(s.data)), nil
}
func (s bytesSource) real(name string) (string, error) { return name, nil }
func (s bytesSource) full(name string) string          { return name }

// The rest makes it the fs.FileInfo of that file.
func (s bytesSource) Name() string       { return s.name }
func (s bytesSource) Size() int64        { return int64(len(s.data)) }
func (s bytesSource) Mode() fs.FileMode  { return 0o444 }
func (s bytesSource) ModTime() time.Time { return time.Time{} }
func (s bytesSource) IsDir() bool        { return false }
func (s bytesSource) Sys() any           { return nil }

package datasets

import (
	"io"
	"os"
	"path/filepath"

	"github.com/pkg/errors"

	"medusa/internal/field"
)

// Stream reads pictures of no class some at a time, for what looks at each once, such as to
// embed it: besides the names of the files its memory does not grow with their number. What
// becomes of a picture depends on no other one: where Options.Range leaves it open, each is
// read by its own range. One goroutine uses a Stream at a time.
type Stream struct {
	source  source
	options Options
	files   []candidate // that are not read yet
	total   int
	skipped []Skip          // while listing, and not told yet
	named   map[string]bool // files that were given by name, as they are shown
}

// OpenStream lists files, and all that lies below folders at any depth, in the order of
// paths. Options must give Height, Width and Channels; with Strict, that of a path which was
// given by name nothing can be read is an error, whatever it is.
func OpenStream(paths []string, o Options) (*Stream, error) {
	if o.KeepCache || o.DropDuplicates {
		return nil, wrongOption("%s and %s need all pictures at once, and a Stream has some at a time: leave them out", field.Name("KeepCache"), field.Name("DropDuplicates"))
	}
	if o.Channels == 0 || o.Height == 0 && o.Width == 0 {
		return nil, wrongOption("a Stream cannot look at all pictures to choose their size: give %s, %s and %s", field.Name("Height"), field.Name("Width"), field.Name("Channels"))
	}
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	o.eachAlone = true
	s := &Stream{source: diskSource{}, options: o, named: make(map[string]bool)}
	p := &part{}
	for i, path := range paths {
		if path == "" {
			return nil, errors.Errorf("datasets: path %d of %d is empty, want a picture or a folder of pictures", i+1, len(paths))
		}
		if err := s.list(p, path); err != nil {
			return nil, err
		}
	}
	s.files, s.total, s.skipped = p.candidates, len(p.candidates), p.skipped
	s.options.Progress, s.options.Logger = nil, nil // Next reads a few, and says so itself
	return s, nil
}

// list adds a file, or what lies below a folder, to p.
func (s *Stream) list(p *part, path string) error {
	info, err := os.Stat(path)
	if err != nil || !info.IsDir() { // a file that is not there is told when it is to be read
		s.named[s.source.show(path)] = true
		p.candidates = append(p.candidates, candidate{name: path, noClass: true})
		return nil
	}
	seen := len(p.candidates)
	below := &part{}
	told := &toldSource{source: diskSource{path}, told: func(n int) { s.options.progress(seen+n, 0) }}
	w := &walker{source: told, seen: make(map[string]string), unlabelled: true}
	if err := w.walkPart(below, "."); err != nil {
		return errors.Wrapf(err, "datasets: folder of pictures %s", printable(path))
	}
	for _, c := range below.candidates {
		c.name = filepath.Join(path, filepath.FromSlash(c.name))
		p.candidates = append(p.candidates, c)
	}
	p.skipped = append(p.skipped, below.skipped...)
	return nil
}

// Files is how many files were listed.
func (s *Stream) Files() int { return s.total }

// Left is how many of them are not read yet.
func (s *Stream) Left() int { return len(s.files) }

// Next reads the next files, at most so many. The Dataset holds the pictures among them,
// possibly none, and its Skipped says what was left out; it needs no Close. At the end the
// error is io.EOF.
func (s *Stream) Next(most int) (*Dataset, error) {
	if most < 1 {
		return nil, errors.Errorf("datasets: the next %d pictures are asked for, want 1 or more", most)
	}
	if len(s.files) == 0 && len(s.skipped) == 0 {
		return nil, io.EOF
	}
	n := min(most, len(s.files))
	p := &part{candidates: s.files[:n], skipped: s.skipped}
	s.files, s.skipped = s.files[n:], nil
	if n == 0 {
		p.candidates = nil
	}
	o := s.options
	o.CacheBytes = 1 << 62 // so few lie in memory
	sets, err := gather(s.source, o, "pictures", &offer{kind: "pictures without classes", parts: []*part{p}, inOrder: true})
	if err != nil {
		return nil, err
	}
	d := sets[0]
	for _, skip := range d.report.skipped {
		if o.Strict && s.named[skip.Path] {
			return nil, errors.Errorf("datasets: %s: %v", skip.Path, &problem{reason: skip.Reason, detail: skip.Detail})
		}
	}
	return d, nil
}

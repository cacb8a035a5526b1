package datasets

import (
	"context"
	"fmt"
	"hash"
	"hash/fnv"
	"io"
	"iter"

	"github.com/pkg/errors"

	"medusa/internal/field"
)

// Input is a place of pictures that a Stream reads.
type Input struct {
	// Path is a picture, a folder, an archive (.zip, .tar, .tar.gz), a table of pictures, or a list of
	// paths, one a line. Where Reader is set it is only what messages call that.
	Path string
	// Reader, if not nil, holds a picture, an archive (.tar, .tar.gz), a table or a list, whose
	// paths are relative to the working directory.
	Reader io.Reader
}

// Stream reads pictures some at a time, for what looks at each once, such as to embed it: its memory
// does not grow with their number, but for the names in one folder and in a .zip. What becomes of a
// picture depends on no other one: where Options.Range leaves it open, each is read by its own range.
// One goroutine uses a Stream at a time.
type Stream struct {
	inputs  []Input
	options Options
	next    func() (streamed, error, bool)
	stop    func()
	read    int         // files that were taken
	names   hash.Hash64 // of those
	err     error       // that ended it
	archive []io.Closer // that were read to their end, for the next Next to close
}

// streamed is a file of a Stream, or what was left out on the way to it.
type streamed struct {
	candidate
	named bool  // the file was given by its name
	bytes int64 // that it holds in memory
	skip  *Skip // in place of a file
}

// OpenStream reads the pictures of paths, in their order: each is a picture, a folder of pictures at any
// depth, an archive, a table or a list. Options must give Height, Width and Channels; with Strict, that
// of a path which was given by name nothing can be read is an error, whatever it is. Close the
// Stream when done.
func OpenStream(paths []string, o Options) (*Stream, error) {
	inputs := make([]Input, len(paths))
	for i, path := range paths {
		inputs[i].Path = path
	}
	return OpenInputs(inputs, o)
}

// OpenInputs is OpenStream of paths and readers.
func OpenInputs(inputs []Input, o Options) (*Stream, error) {
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
	for i, in := range inputs {
		if in.Path == "" && in.Reader == nil {
			return nil, errors.Errorf("datasets: path %d of %d is empty, want a picture or a folder of pictures", i+1, len(inputs))
		}
	}
	o.eachAlone = true
	s := &Stream{inputs: inputs, options: o, names: fnv.New64a()}
	s.options.Progress, s.options.Logger = nil, nil // Next reads a few, and says so itself
	s.next, s.stop = iter.Pull2(func(yield func(streamed, error) bool) {
		l := &lister{options: s.options, yield: yield, retire: func(c io.Closer) { s.archive = append(s.archive, c) }}
		l.all(inputs)
	})
	return s, nil
}

// Files is how many files there are, and reports whether that can be known before they are read: not
// of readers and of archives that are read as they come, nor once ctx has ended. Another goroutine may call it
// meanwhile; told, if not nil, hears how many were counted so far.
func (s *Stream) Files(ctx context.Context, told func(n int)) (n int, known bool) {
	l := &lister{options: s.options, counting: true, known: true, retire: func(c io.Closer) { c.Close() }}
	l.yield = func(f streamed, err error) bool {
		if err != nil || ctx.Err() != nil {
			l.known = false
			return false
		}
		if f.skip == nil {
			if n++; told != nil && n%256 == 0 {
				told(n)
			}
		}
		return true
	}
	l.all(s.inputs)
	return n, l.known
}

// Read is how many files were taken so far, those that were left out among them.
func (s *Stream) Read() int { return s.read }

// Names is a number made of the names of these files in their order: it tells lists that differ apart.
func (s *Stream) Names() uint64 { return s.names.Sum64() }

// Discard takes files without reading them, as many as it says, or all that are left. It returns how
// many it took.
func (s *Stream) Discard(files int) (taken int, err error) {
	for taken < files {
		f, err := s.take()
		if errors.Is(err, io.EOF) {
			return taken, nil
		}
		if err != nil {
			return taken, err
		}
		if f.skip == nil {
			taken++
		}
	}
	return taken, nil
}

// take is the next file, or what was left out. At the end the error is io.EOF.
func (s *Stream) take() (f streamed, err error) {
	if s.err != nil {
		return f, s.err
	}
	f, err, more := s.next()
	switch {
	case !more:
		s.err = io.EOF
	case err != nil:
		s.err = err
	case f.skip == nil:
		s.read++
		fmt.Fprintf(s.names, "%s\x00", show(f.from, f.name))
	}
	return f, s.err
}

// mostHeld is how many bytes of files a Stream holds that cannot be read when they are needed.
const mostHeld = 64 << 20

// Next reads the next files, at most so many, and fewer where they are of an archive that is read as it comes
// and large. The Dataset holds the pictures among them, possibly none, with the class that their folder or
// table says, or NoClass; its Skipped says what was left out. It needs no Close. At the end the
// error is io.EOF.
func (s *Stream) Next(most int) (*Dataset, error) {
	if most < 1 {
		return nil, errors.Errorf("datasets: the next %d pictures are asked for, want 1 or more", most)
	}
	p, named, held := &part{}, map[string]bool{}, int64(0)
	for len(p.candidates) < most && held < mostHeld && len(p.skipped) < mostSkips {
		f, err := s.take()
		if err != nil && len(p.candidates)+len(p.skipped) > 0 {
			break // told by the next call
		}
		if err != nil {
			return nil, err
		}
		if f.skip != nil {
			p.skipped = append(p.skipped, *f.skip)
			continue
		}
		if f.named {
			named[show(f.from, f.name)] = true
		}
		held += f.bytes
		p.candidates = append(p.candidates, f.candidate)
	}
	o := s.options
	o.CacheBytes = 1 << 62 // so few lie in memory
	sets, err := gather(diskSource{}, o, "pictures", &offer{kind: "pictures without classes", parts: []*part{p}, inOrder: true})
	s.closeArchives()
	if err != nil {
		return nil, err
	}
	d := sets[0]
	for _, skip := range d.report.skipped {
		if o.Strict && named[skip.Path] {
			return nil, &PictureError{skip, errors.Errorf("datasets: %s: %v", skip.Path, &problem{reason: skip.Reason, detail: skip.Detail})}
		}
	}
	return d, nil
}

// mostSkips bounds what is left out on the way to so many pictures.
const mostSkips = 1 << 12

func (s *Stream) closeArchives() {
	for _, c := range s.archive {
		c.Close()
	}
	s.archive = nil
}

// Close gives back what the Stream holds. It may be called twice.
func (s *Stream) Close() error {
	s.stop()
	s.closeArchives()
	if s.err == nil {
		s.err = errors.New("datasets: the Stream is closed")
	}
	return nil
}

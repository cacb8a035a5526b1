package datasets

import (
	"archive/tar"
	"bytes"
	"fmt"
	"io"
	"path"
	"path/filepath"
	"strings"

	"github.com/pkg/errors"
)

// tar hands on the files of a tar archive as they come. Links in it are left out: what they lead to
// has gone by.
func (l *lister) tar(r io.Reader, name string) {
	blocks := &tarBlocks{Reader: r}
	entries := 0
	for t := tar.NewReader(blocks); !l.stopped; entries++ {
		h, err := t.Next()
		switch {
		case errors.Is(err, io.EOF) && blocks.ended:
			io.Copy(io.Discard, r) // a program that writes it into a pipe ends well
			return
		case errors.Is(err, io.EOF):
			l.fail(errors.Errorf("datasets: %s: after %d entries the archive does not end as one does, with a block of zeros: it is cut off, or what wrote it did not close it; fetch it again, or unpack it and give the folder", printable(name), entries))
			return
		case err != nil:
			l.fail(errors.WithMessagef(errArchiveCut, "datasets: %s: behind %d entries", printable(name), entries))
			return
		}
		if err := l.tarEntry(t, h, name); err != nil {
			l.fail(errors.WithMessagef(errArchiveCut, "datasets: %s: %s", printable(name), printable(h.Name)))
			return
		}
	}
}

// tarEntry hands on one file.
func (l *lister) tarEntry(t *tar.Reader, h *tar.Header, archive string) error {
	inside := strings.TrimPrefix(path.Clean("/"+filepath.ToSlash(h.Name)), "/")
	shown := filepath.Join(archive, filepath.FromSlash(inside))
	skip := func(reason, detail string) {
		l.give(streamed{skip: &Skip{Path: printable(shown), Reason: reason, Detail: detail}}, nil)
	}
	for part := range strings.SplitSeq(inside, "/") {
		if reason := ignoreReason(part); reason != "" && h.Typeflag != tar.TypeDir {
			skip(reason, "")
			return nil
		}
	}
	switch h.Typeflag {
	case tar.TypeReg:
	case tar.TypeDir:
		return nil
	case tar.TypeLink, tar.TypeSymlink:
		skip(reasonLink, "a link in an archive that is read as it comes, to "+printable(h.Linkname))
		return nil
	default:
		skip(reasonSpecial, "")
		return nil
	}
	if h.Size > l.options.MaxFileBytes {
		skip(reasonBytes, fmt.Sprintf("%d bytes, the limit is %d", h.Size, l.options.MaxFileBytes))
		return nil
	}
	var data bytes.Buffer // grows with what is there, whatever the header says
	if _, err := io.Copy(&data, t); err != nil {
		return err
	}
	c := candidate{name: shown, from: bytesSource{shown, data.Bytes()}, noClass: true}
	if dir := path.Dir(inside); dir != "." {
		c.class, c.noClass = classWithoutPart(dir), false
	}
	l.give(streamed{candidate: c, bytes: int64(data.Len())}, nil)
	return nil
}

// tarBlocks is a tar archive as package archive/tar reads it: see tarSection.
type tarBlocks struct {
	io.Reader
	ended bool // the last block that was read is the zeros that end an archive
}

func (t *tarBlocks) Read(p []byte) (int, error) {
	const block = 512
	if len(p) != block {
		n, err := t.Reader.Read(p)
		t.ended = t.ended && n == 0
		return n, err
	}
	n, err := io.ReadFull(t.Reader, p)
	if n > 0 {
		t.ended = n == block && len(bytes.Trim(p[:n], "\x00")) == 0
	}
	if errors.Is(err, io.ErrUnexpectedEOF) {
		err = io.EOF
	}
	return n, err
}

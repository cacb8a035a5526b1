package trainer

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"math"
	"runtime"
	"slices"
	"sync"

	"github.com/pkg/errors"

	"medusa/datasets"
)

// fingerprint tells the pictures of one run from those of another by the classes, the label of each
// picture, and the pixels as the network sees them. Where the files lie does not count.
type fingerprint struct {
	Pictures int    `json:"pictures"` // to learn from
	Classes  int    `json:"classes"`
	Labels   string `json:"labels"` // checksum of class names and labels

	// Checksums of the pixels of the training pictures, and of classes, labels and pixels of
	// those that the run is measured on; empty where there are none. Checkpoints of earlier
	// versions know none of the three.
	Pixels     string `json:"pixels,omitempty"`
	Validation string `json:"validation,omitempty"`
	Test       string `json:"test,omitempty"`
}

// fingerprintOf reads all items; progress is told how many of how many are read.
func fingerprintOf(d runData, progress func(done, total int)) (fingerprint, error) {
	total, before := 0, 0
	for _, set := range []*items{d.Train, d.Val, d.Test} {
		if set != nil {
			total += set.Len()
		}
	}
	pixelsSum := func(set *items) (string, error) {
		sum, err := pixelsSum(set, func(done int) { progress(before+done, total) })
		before += set.Len()
		return sum, err
	}
	f := fingerprint{Pictures: d.Train.Len(), Classes: d.Train.NumClasses(), Labels: labelsSum(d.Train)}
	var err error
	if f.Pixels, err = pixelsSum(d.Train); err != nil {
		return f, err
	}
	for _, part := range []struct {
		set *items
		sum *string
	}{{d.Val, &f.Validation}, {d.Test, &f.Test}} {
		if part.set == nil {
			continue
		}
		pixels, err := pixelsSum(part.set)
		if err != nil {
			return f, err
		}
		*part.sum = labelsSum(part.set) + pixels
	}
	return f, nil
}

func labelsSum(d datasets.Set) string {
	sum := sha256.New()
	for _, name := range d.Classes() {
		io.WriteString(sum, name+"\x00")
	}
	var text []byte
	for labels := range slices.Chunk(d.Labels(), 1<<12) {
		text = text[:0]
		for _, l := range labels {
			text = binary.LittleEndian.AppendUint64(text, uint64(l))
		}
		sum.Write(text)
	}
	return hex.EncodeToString(sum.Sum(nil)[:8])
}

// pixelsSum is a checksum of what the items of d are, in their order: of the stored pixels of
// pictures, of all numbers of vectors, and of some items of a Set of one's own, to which
// each may be costly. Every item is summed by itself, so that all processors can take part.
func pixelsSum(d *items, progress func(done int)) (string, error) {
	var s datasets.Stored
	s.Channels, s.Height, s.Width = d.Shape()
	if own := d.pictures(); own != nil {
		s = own.Stored()
	}
	n := d.Len()
	if d.dataset() == nil {
		n = min(n, foreignSample)
	}
	sums := make([][sha256.Size]byte, min(n, summedAtOnce))
	workers := min(runtime.GOMAXPROCS(0), max(n, 1))
	failed, summers := make([]error, workers), make([]func(int) ([sha256.Size]byte, error), workers)
	for w := range summers {
		summers[w] = itemSummer(d, s)
	}
	total := sha256.New()
	binary.Write(total, binary.LittleEndian, []int64{int64(s.Channels), int64(s.Height), int64(s.Width), int64(s.DetailHeight), int64(s.DetailWidth)})
	for from := 0; from < n; from += len(sums) {
		progress(from)
		m := min(len(sums), n-from)
		var group sync.WaitGroup
		for w := range workers {
			group.Go(func() {
				for k := w * m / workers; k < (w+1)*m/workers && failed[w] == nil; k++ {
					sums[k], failed[w] = summers[w]((from + k) * d.Len() / n)
				}
			})
		}
		group.Wait()
		for _, err := range failed {
			if err != nil {
				return "", errors.Wrapf(err, "trainer: before the first step: the checksum of the %s", d.noun())
			}
		}
		for _, sum := range sums[:m] {
			total.Write(sum[:])
		}
	}
	return hex.EncodeToString(total.Sum(nil)[:16]), nil
}

// summedAtOnce bounds the memory for checksums, which does not grow with the set.
const summedAtOnce = 1 << 14

// foreignSample is how many items of a Set of one's own are looked at, evenly spread.
const foreignSample = 256

// itemSummer returns what sums an item. It serves one goroutine.
func itemSummer(d *items, s datasets.Stored) func(i int) ([sha256.Size]byte, error) {
	if own := d.pictures(); own != nil {
		scratch := make([]byte, s.Channels*max(s.Height*s.Width, s.DetailHeight*s.DetailWidth))
		return func(i int) ([sha256.Size]byte, error) { return pictureSum(own, i, s.DetailHeight > 0, scratch) }
	}
	values := make([]float32, datasets.ItemSize(d))
	var text []byte
	return func(i int) (sum [sha256.Size]byte, err error) {
		clear(values)
		if err := d.Fill(values, []int{i}, datasets.Normalisation{}); err != nil {
			return sum, err
		}
		text = text[:0]
		for _, v := range values {
			text = binary.LittleEndian.AppendUint32(text, math.Float32bits(v))
		}
		return sha256.Sum256(text), nil
	}
}

func pictureSum(d *datasets.Dataset, i int, detail bool, scratch []byte) (sum [sha256.Size]byte, err error) {
	h := sha256.New()
	for _, larger := range []bool{false, true} {
		if larger && !detail {
			break
		}
		pixels, err := d.StoredPicture(i, larger, scratch)
		if err != nil {
			return sum, err
		}
		h.Write(pixels)
	}
	h.Sum(sum[:0])
	return sum, nil
}

// ErrPictures is a cause of Resume's error where the pictures are not those that the run was
// begun on.
var ErrPictures = errors.New("the pictures are others")

// check returns an error if the run was begun on other pictures than it is to go on with.
func (f fingerprint) check(now fingerprint) error {
	if fault := f.difference(now); fault != "" {
		return causedBy{errors.New("trainer: " + fault), ErrPictures}
	}
	return nil
}

// causedBy is an error with a cause to look for, which its text does not repeat.
type causedBy struct {
	error
	cause error
}

func (e causedBy) Unwrap() []error { return []error{e.error, e.cause} }

func (f fingerprint) difference(now fingerprint) string {
	const way = "put the pictures back as they were, name the place where they are now, or start a new run"
	switch {
	case f.Pictures != now.Pictures || f.Classes != now.Classes || f.Labels != now.Labels:
		return fmt.Sprintf("the run was begun on %d pictures of %d classes (checksum %s), and now there are %d of %d (%s): %s",
			f.Pictures, f.Classes, f.Labels, now.Pictures, now.Classes, now.Labels, way)
	case !f.knowsPixels():
	case f.Pixels != now.Pixels:
		return fmt.Sprintf("the training pictures are others than those that the run was begun on: the same classes and numbers, "+
			"but other pixels (checksum %s, now %s): %s", f.Pixels, now.Pixels, way)
	case f.Validation != now.Validation:
		return "the validation pictures are others than those that the run was begun on: " + way
	case f.Test != now.Test:
		return "the test pictures are others than those that the run was begun on: " + way
	}
	return ""
}

// knowsPixels reports whether f holds checksums of pixels, which the first versions did not store.
func (f fingerprint) knowsPixels() bool { return f.Pixels != "" }

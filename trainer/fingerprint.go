package trainer

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"runtime"
	"sync"

	"github.com/pkg/errors"

	"medusa/datasets"
)

// fingerprint tells the pictures of one run from others: the classes, which picture is of
// which, and the pixels as the network sees them. Where the files lie is left aside.
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

func fingerprintOf(d Data) (fingerprint, error) {
	f := fingerprint{Pictures: d.Train.Len(), Classes: d.Train.NumClasses(), Labels: labelsSum(d.Train)}
	var err error
	if f.Pixels, err = pixelsSum(d.Train); err != nil {
		return f, err
	}
	for _, part := range []struct {
		set *datasets.Dataset
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

func labelsSum(d *datasets.Dataset) string {
	sum := sha256.New()
	for _, name := range d.Classes() {
		io.WriteString(sum, name+"\x00")
	}
	for _, l := range d.Labels() {
		binary.Write(sum, binary.LittleEndian, int64(l))
	}
	return hex.EncodeToString(sum.Sum(nil)[:8])
}

// pixelsSum is a checksum of the stored pixels of all pictures in their order. Every
// picture is summed by itself, so that all processors can take part.
func pixelsSum(d *datasets.Dataset) (string, error) {
	s := d.Stored()
	sums := make([][sha256.Size]byte, d.Len())
	workers := min(runtime.GOMAXPROCS(0), max(d.Len(), 1))
	failed := make([]error, workers)
	var group sync.WaitGroup
	for w := range workers {
		group.Go(func() {
			scratch := make([]byte, s.Channels*max(s.Height*s.Width, s.DetailHeight*s.DetailWidth))
			for i := w * d.Len() / workers; i < (w+1)*d.Len()/workers && failed[w] == nil; i++ {
				sums[i], failed[w] = pictureSum(d, i, s.DetailHeight > 0, scratch)
			}
		})
	}
	group.Wait()
	total := sha256.New()
	binary.Write(total, binary.LittleEndian, []int64{int64(s.Channels), int64(s.Height), int64(s.Width), int64(s.DetailHeight), int64(s.DetailWidth)})
	for _, sum := range sums {
		total.Write(sum[:])
	}
	for _, err := range failed {
		if err != nil {
			return "", errors.Wrap(err, "trainer: the checksum of the pictures")
		}
	}
	return hex.EncodeToString(total.Sum(nil)[:16]), nil
}

func pictureSum(d *datasets.Dataset, i int, detail bool, scratch []byte) (sum [sha256.Size]byte, err error) {
	if d.HoldsVectors() {
		return vectorSum(d, i)
	}
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

func vectorSum(d *datasets.Dataset, i int) (sum [sha256.Size]byte, err error) {
	v := make([]float32, datasets.ItemSize(d))
	if err := d.Fill(v, []int{i}, datasets.Normalisation{}); err != nil {
		return sum, err
	}
	h := sha256.New()
	binary.Write(h, binary.LittleEndian, v)
	h.Sum(sum[:0])
	return sum, nil
}

// ErrPictures is a cause of Resume's error where the pictures are not those that the run was
// begun on.
var ErrPictures = errors.New("the pictures are others")

// same refuses to go on with a run on other pictures.
func (f fingerprint) same(now fingerprint) error {
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

// knowsPixels reports whether f is of a version that looked at pixels.
func (f fingerprint) knowsPixels() bool { return f.Pixels != "" }

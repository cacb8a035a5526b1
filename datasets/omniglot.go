package datasets

import (
	"embed"
	"fmt"
	"image"
	"path"
	"strings"
	"sync"

	"github.com/pkg/errors"

	"medusa/datasets/internal/bilevel"
)

// The drawings are © 2015 Brenden Lake, MIT licence: omniglot/LICENSE.
//
//go:generate go run internal/embed.go -from ${OMNIGLOT_ARCHIVE} -to omniglot
//go:embed omniglot/LICENSE omniglot/train omniglot/test
var omniglotFiles embed.FS

// drawers is how many people drew each character of Omniglot.
const drawers = 20

// Omniglot opens the embedded part of Omniglot: handwritten characters of 17 alphabets,
// 20 drawings each, 105×105 before resizing. A class is ALPHABET/characterNN. Training
// has 393 classes of 11 alphabets, test 168 classes of 6 others.
//
// Ink is 1 and paper 0; Options.Invert turns that round. The size is 28×28 if Options
// gives none.
//
// B. M. Lake, R. Salakhutdinov and J. B. Tenenbaum, "Human-level concept learning
// through probabilistic program induction", Science 350, 2015.
func Omniglot(o Options) (Split, error) {
	o, err := o.withDefaults()
	if err != nil {
		return Split{}, err
	}
	o.Invert = !o.Invert // the files are, as Omniglot's own, dark ink on white
	if o.Channels == 0 {
		o.Channels = 1
	}
	if o.Height == 0 {
		o.Height, o.Width = 28, 28
	}
	train, err := openDrawings("train", o)
	if err != nil {
		return Split{}, err
	}
	test, err := openDrawings("test", o)
	if err != nil {
		train.Close()
		return Split{}, err
	}
	s := Split{Train: train, Test: test}
	s.log(o.Logger)
	return s, nil
}

// OmniglotLicence returns the licence under which the embedded drawings stand, to be
// shown wherever they are passed on.
func OmniglotLicence() string {
	text, err := omniglotFiles.ReadFile("omniglot/LICENSE")
	if err != nil {
		panic(err) // it is compiled in
	}
	return string(text)
}

// alphabet is one embedded file.
type alphabet struct {
	name     string
	code     []byte
	first    int // row of the store
	drawings int
	height   int
	width    int
}

// readAlphabets returns the alphabets of a part and how many drawings they have.
func readAlphabets(title string) (list []alphabet, total int, err error) {
	dir := path.Join("omniglot", title)
	entries, err := omniglotFiles.ReadDir(dir)
	if err != nil {
		return nil, 0, errors.Wrap(err, "datasets: embedded drawings")
	}
	for _, e := range entries {
		a := alphabet{name: strings.TrimSuffix(e.Name(), ".bilevel"), first: total}
		if a.code, err = omniglotFiles.ReadFile(path.Join(dir, e.Name())); err == nil {
			a.height, a.width, a.drawings, err = bilevel.Size(a.code)
		}
		if err != nil {
			return nil, 0, errors.Wrapf(err, "datasets: embedded drawings, %s", e.Name())
		}
		total += a.drawings
		list = append(list, a)
	}
	return list, total, nil
}

// openDrawings makes a Dataset of a part of the embedded files.
func openDrawings(title string, o Options) (*Dataset, error) {
	alphabets, total, err := readAlphabets(title)
	if err != nil {
		return nil, err
	}
	s, err := newStore(total, o.Channels, o.Height, o.Width, o)
	if err != nil {
		return nil, err
	}
	d := &Dataset{store: s, rows: make([]int32, total), labels: make([]int, total)}
	d.report = report{source: "embedded Omniglot, " + title, kind: "omniglot", formats: map[string]int{"drawing": total}}
	for _, a := range alphabets {
		d.report.originals = sizeString(a.width, a.height)
		for i := range a.drawings {
			if i%drawers == 0 {
				d.classes = append(d.classes, fmt.Sprintf("%s/character%02d", a.name, i/drawers+1))
			}
			row := a.first + i
			d.rows[row], d.labels[row] = int32(row), len(d.classes)-1
			s.paths[row] = fmt.Sprintf("omniglot/%s/%s/%02d", title, d.classes[len(d.classes)-1], i%drawers+1)
		}
	}
	if err := drawAll(s, alphabets, total, o); err != nil {
		s.close()
		return nil, err
	}
	return d, nil
}

// drawAll unpacks the alphabets into the store, some at a time.
func drawAll(s *store, alphabets []alphabet, total int, o Options) error {
	errs := make([]error, len(alphabets))
	turns := make(chan struct{}, o.Workers)
	var wg sync.WaitGroup
	var mu sync.Mutex
	done := 0
	for i, a := range alphabets {
		turns <- struct{}{}
		wg.Go(func() {
			defer func() { <-turns }()
			errs[i] = a.draw(s, o)
			mu.Lock()
			defer mu.Unlock()
			done += a.drawings
			o.progress(done, total)
		})
	}
	wg.Wait()
	for i, err := range errs {
		if err != nil {
			return errors.WithMessagef(err, "datasets: embedded drawings, %s", alphabets[i].name)
		}
	}
	return nil
}

// draw unpacks one alphabet into the store.
func (a alphabet) draw(s *store, o Options) error {
	in := newPictureWriter(s, o)
	grey := image.NewGray(image.Rect(0, 0, a.width, a.height))
	return bilevel.Decode(a.code, func(i int, drawing []byte) error {
		for j, ink := range drawing {
			grey.Pix[j] = 255 * (1 - ink)
		}
		_, _, err := in.put(a.first+i, picture{Image: grey, orientation: 1}, cutout{})
		return err
	})
}

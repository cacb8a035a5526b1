package datasets

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"image"
	"io"
	"io/fs"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pkg/errors"
)

// candidate is a file that may be a picture.
type candidate struct {
	name  string // in the source
	class string // raw folder path or label
	cutout

	from                       source // that has it; nil for that of the whole offer
	noClass                    bool   // the picture belongs to none, see NoClass
	role                       Role
	camera, sequence, category string // "" where unknown
}

// offer is what was found at a place before anything is decoded: its parts, and what is known of all of them.
type offer struct {
	kind     string // folder, manifest …
	layout   string // what was recognised; "" for plain folders of classes
	protocol string // how it was parted, a sentence; "" if nothing is to be said
	table    bool   // it was read from a table, to which Options.Columns applies
	byClass  bool   // the parts were cut by class, by a protocol that may be overridden
	inOrder  bool   // pictures stay in the order of the candidates, not of their names
	parts    []*part
	pairs    []namedPair
}

// namedPair is a Pair by the names of its files in the source.
type namedPair struct {
	a, b string
	same bool
	fold int
}

// part is what a source offers for training, validation or test.
type part struct {
	title      string // "train", "val", "test"; "" where there is one part only
	candidates []candidate
	empty      []string // class folders without a file
	skipped    []Skip
	notes      []Count
}

func (p *part) skip(path, reason, detail string) {
	p.skipped = append(p.skipped, Skip{Path: path, Reason: reason, Detail: detail})
}

// outcome is what became of a candidate.
type outcome struct {
	err           error // a *problem, or an error that ends the opening
	format        string
	width, height int // of the file, upright
	hash          [sha256.Size]byte
	blank, colour bool
	extent        extent // of its values, if the file does not say which is white
	remark        string // on its colours
}

// gatherer reads the candidates of all parts into one store.
type gatherer struct {
	source  source
	options Options
	store   *store
	rules   rangeRules
	spans   spans // by which deep pictures are read
}

// gather decodes what the parts of an offer name and returns a Dataset for each.
func gather(src source, o Options, origin string, of *offer) ([]*Dataset, error) {
	parts := of.parts
	lists := make([][]candidate, len(parts))
	for i, p := range parts {
		if !of.inOrder {
			slices.SortStableFunc(p.candidates, func(a, b candidate) int { return cmp.Compare(a.name, b.name) })
		}
		lists[i] = p.candidates
	}
	var all []candidate
	if len(lists) == 1 {
		all = lists[0] // without a copy
	} else {
		all = slices.Concat(lists...)
	}
	g := &gatherer{source: src, options: o}
	var err error
	if g.rules, err = parseRange(o.Range); err != nil {
		return nil, err
	}
	if err := g.decideShape(all); err != nil {
		return nil, err
	}
	if g.options.kept, err = openKept(g.options); err != nil {
		return nil, err
	}
	for i := range all {
		if hasPictureName(all[i].name) {
			g.options.likely++
		}
	}
	if k := g.options.kept; k != nil {
		k.slots = make([]int64, len(all))
	}
	if g.store, err = newStore(len(all), g.options.Channels, g.options.Height, g.options.Width, g.options); err != nil {
		return nil, err
	}
	outcomes, err := g.readSettled(all)
	if err != nil {
		g.store.close()
		return nil, err
	}
	sets := make([]*Dataset, len(parts))
	traits, at := traitsOf(all), 0
	pairs, missing := pairsOf(all, outcomes, of.pairs)
	traits.listedPairs = len(of.pairs)
	for i, p := range parts {
		sets[i] = assemble(g, p, outcomes[at:at+len(p.candidates)], at)
		sets[i].traits, sets[i].pairs = traits, pairs
		r := &sets[i].report
		r.source, r.kind, r.layout, r.protocol = origin, of.kind, of.layout, of.protocol
		at += len(p.candidates)
	}
	sets[0].report.note("pair of which a picture is lacking", missing...)
	if k := g.options.kept; k != nil && k.inUse != "" {
		sets[0].report.note("kept pictures that another process uses: here all are decoded", k.inUse)
	}
	if k := g.options.kept; k != nil {
		sets[0].report.notes = append(sets[0].report.notes, k.notKept()...)
	}
	return sets, nil
}

// progressGap is the time after which progress is told also of few pictures.
const progressGap = 200 * time.Millisecond

// readSettled reads every candidate. Which range of values a set uses is known only when all of it has
// been read; candidates that were read by another range are then read again.
func (g *gatherer) readSettled(all []candidate) ([]outcome, error) {
	outcomes := make([]outcome, len(all))
	every := make([]int, len(all))
	for i := range every {
		every[i] = i
	}
	g.spans = g.rules.assumed()
	if err := g.readAll(all, every, outcomes); err != nil || g.options.eachAlone {
		return outcomes, err
	}
	decided, seen := g.rules.decideSpans(outcomes)
	var again []int
	for i, o := range outcomes {
		if e := o.extent; o.err == nil && e.deep && decided[e.kind] != g.spans[e.kind] {
			again = append(again, i)
		}
	}
	g.spans, g.store.valueRange = decided, g.rules.resolved(decided, seen)
	if len(again) == 0 {
		return outcomes, nil
	}
	return outcomes, g.readAll(all, again, outcomes)
}

// readAll reads some candidates, in parallel, to their places in the store.
func (g *gatherer) readAll(all []candidate, which []int, outcomes []outcome) error {
	var next atomic.Int64
	var stop atomic.Bool
	var wg sync.WaitGroup
	var mu sync.Mutex // of the next two
	done, told := 0, time.Now()
	g.options.progress(0, len(which))
	for range min(g.options.Workers, len(which)) {
		wg.Go(func() {
			in := newPictureWriter(g.store, g.options)
			for !stop.Load() {
				n := int(next.Add(1)) - 1
				if n >= len(which) {
					return
				}
				i := which[n]
				outcomes[i] = g.readOne(i, all[i], in)
				if g.isFatal(outcomes[i].err) {
					stop.Store(true)
				}
				mu.Lock()
				if done++; done%64 == 0 || done == len(which) || time.Since(told) > progressGap {
					told = time.Now()
					g.options.progress(done, len(which))
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	for _, i := range which {
		if err := outcomes[i].err; g.isFatal(err) {
			return fatal(err, g.store.path(i))
		}
	}
	return nil
}

// isFatal reports whether err ends the opening: a failing store always does, an
// unreadable picture under Strict.
func (g *gatherer) isFatal(err error) bool {
	if err == nil {
		return false
	}
	var p *problem
	if !errors.As(err, &p) {
		return true
	}
	return g.options.Strict && p.picture
}

// fatal is the error that ends an opening, of the picture at path.
func fatal(err error, path string) error {
	var p *problem
	if !errors.As(err, &p) {
		return errors.WithMessagef(err, "datasets: %s", path)
	}
	told := &PictureError{Skip: Skip{Path: path, Reason: p.reason, Detail: p.detail}, err: errors.WithMessagef(err, "datasets: %s", path)}
	if limits[p.reason] != "" {
		told.err = wrongOption("%s: %v: raise %s", path, err, limits[p.reason])
	}
	return told
}

// readOne reads candidate c to place i of the store.
func (g *gatherer) readOne(i int, c candidate, in *pictureWriter) (o outcome) {
	g.store.paths[i] = g.sourceOf(c).full(c.name)
	if g.options.image != nil {
		return g.readImage(i, c, in)
	}
	data, err := g.bytesOf(c)
	if err != nil {
		o.err = err
		return o
	}
	o.hash = hashOf(data, c.cutout)
	g.store.sums[i] = binary.LittleEndian.Uint64(o.hash[:])
	key := g.keyOf(o.hash)
	if found, err := in.takeKept(i, key, &o, g.options.MaxPixels); found || err != nil {
		o.err = err
		return o
	}
	p, err := decode(c.name, data, g.options.MaxPixels)
	if err != nil {
		o.err = err
		return o
	}
	if g.put(i, p, c.cutout, in, &o); o.err == nil {
		o.err = in.keep(i, key, &o)
	}
	return o
}

// readImage is readOne for what is decoded already.
func (g *gatherer) readImage(i int, c candidate, in *pictureWriter) (o outcome) {
	p, err := pictureFromImage(g.options.image, g.options.MaxPixels)
	if err != nil {
		o.err = err
		return o
	}
	defer guardImage(g.options.image, &o.err)
	g.put(i, p, c.cutout, in, &o)
	return o
}

// put brings a decoded picture to place i of the store, and what was seen of it to o.
func (g *gatherer) put(i int, p picture, c cutout, in *pictureWriter, o *outcome) {
	o.format = p.format
	o.width, o.height = p.Bounds().Dx(), p.Bounds().Dy()
	if p.orientation >= 5 {
		o.width, o.height = o.height, o.width
	}
	if o.remark, o.extent = p.remark, extentOf(p); p.deep {
		s := g.spans[o.extent.kind]
		if g.options.eachAlone {
			s = g.rules[o.extent.kind].spanOf(o.extent)
		}
		p.settle(s)
	}
	o.colour, o.blank, o.err = in.put(i, p, c)
}

// hashOf tells equal pictures: equal bytes, of which the same is taken.
func hashOf(data []byte, c cutout) [sha256.Size]byte {
	return sha256.Sum256(append(data[:len(data):len(data)], c.text()...))
}

// sourceOf is what has a candidate.
func (g *gatherer) sourceOf(c candidate) source {
	if c.from != nil {
		return c.from
	}
	return g.source
}

// bytesOf reads a file of acceptable size.
func (g *gatherer) bytesOf(c candidate) ([]byte, error) {
	name, source := c.name, g.sourceOf(c)
	unreadable := func(err error) error {
		return &problem{reason: reasonNoFile, detail: plainCause(err), picture: hasPictureName(name)}
	}
	info, err := source.stat(name)
	if err != nil {
		return nil, unreadable(err)
	}
	if !info.Mode().IsRegular() {
		return nil, &problem{reason: reasonSpecial, detail: info.Mode().Type().String()}
	}
	limit := g.options.MaxFileBytes
	if info.Size() > limit {
		return nil, &problem{reason: reasonBytes, picture: hasPictureName(name),
			detail: fmt.Sprintf("%d bytes, the limit is %d", info.Size(), limit)}
	}
	file, err := source.open(name)
	if err != nil {
		return nil, unreadable(err)
	}
	defer file.Close()
	data := make([]byte, info.Size())
	n, err := io.ReadFull(file, data)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
		return nil, unreadable(err)
	}
	return data[:n], nil // shorter if the file shrank meanwhile: the decoder will say
}

// plainCause is an error without the path, which is told beside it.
func plainCause(err error) string {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err.Error()
	}
	return err.Error()
}

// sampled is how many pictures are looked at to decide size and channels.
const sampled = 64

// decideShape fills in Height, Width and Channels where they are zero.
func (g *gatherer) decideShape(all []candidate) error {
	o := &g.options
	if o.Channels != 0 && o.Height != 0 {
		return nil
	}
	colour, readable := false, 0
	var sizes []image.Point
	look := &renderer{channels: 3, height: 32, width: 32, mode: Squeeze}
	planes := make([]byte, 3*32*32)
	stride := max(1, len(all)/sampled)
	for i := 0; i < len(all) && (readable < sampled || i < sampled); i += stride {
		p, coloured, err := g.sample(all[i], look, planes)
		if err != nil {
			continue // told when it is read for good
		}
		readable++
		colour = colour || coloured
		sizes = append(sizes, p.Bounds().Size())
		if (colour || o.Channels != 0) && (o.Height != 0 || !smallAndAlike(sizes)) {
			break // more pictures would change nothing
		}
	}
	if o.Channels == 0 {
		o.Channels = 1
		if colour {
			o.Channels = 3
		}
	}
	if o.Height == 0 {
		o.Height, o.Width = defaultSize(sizes, o.Channels)
	}
	return nil
}

// sample decodes a candidate, and tells whether it has colours.
func (g *gatherer) sample(c candidate, r *renderer, planes []byte) (p picture, coloured bool, err error) {
	if img := g.options.image; img != nil {
		defer guardImage(img, &err)
		p, err = pictureFromImage(img, g.options.MaxPixels)
	} else {
		var data []byte
		if data, err = g.bytesOf(c); err == nil {
			p, err = decode(c.name, data, g.options.MaxPixels)
		}
	}
	if err != nil {
		return p, false, err
	}
	if e := extentOf(p); e.deep {
		p.settle(rangeRule{auto: true}.spanOf(e)) // enough to see colours by
	}
	coloured, err = r.render(planes, p, cutout{box: c.box})
	return p, coloured, err
}

// defaultSize is the size of the pictures if they are small and all alike, else one
// that suits them.
func defaultSize(sizes []image.Point, channels int) (h, w int) {
	switch {
	case smallAndAlike(sizes):
		return sizes[0].Y, sizes[0].X
	case channels == 1:
		return 28, 28
	}
	return 64, 64
}

func smallAndAlike(sizes []image.Point) bool {
	const small = 64
	return len(sizes) > 0 && sizes[0].X <= small && sizes[0].Y <= small &&
		len(slices.Compact(slices.Clone(sizes))) == 1
}

func sizeString(w, h int) string { return fmt.Sprintf("%d×%d", w, h) }

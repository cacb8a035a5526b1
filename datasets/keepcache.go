package datasets

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/pkg/errors"

	"medusa/datasets/internal/picturecache"
	"medusa/internal/field"
)

// keptFile is the file of decoded pictures of Options.KeepCache, for one store.
type keptFile struct {
	cache *picturecache.Cache // nil if another process uses it
	inUse string              // its path then, safe to print
	slots []int64             // row of the store → slot
	taken atomic.Int64        // pictures that were found and not decoded

	stopped atomic.Pointer[error] // why no further pictures are kept; nil while they are
	missed  atomic.Int64          // pictures that are not kept for that
}

// keptVersion changes with every change of what decoding and rendering make of a file, so that
// nothing older is taken for it.
const keptVersion = 2

// openKept opens the file for pictures of the size and kind that o asks for, which is decided
// by then; nil if none are to be kept.
func openKept(o Options) (*keptFile, error) {
	if !o.KeepCache {
		return nil, nil
	}
	if err := os.MkdirAll(o.CacheDir, 0o777); err != nil {
		return nil, wrongOption("folder of kept pictures (%s): %v", field.Name("CacheDir"), err)
	}
	plain := &store{channels: o.Channels, height: o.Height, width: o.Width}
	bytes := plain.bytes()
	if detail := detailOf(plain, o); detail != nil {
		bytes += detail.bytes()
	}
	kind := fmt.Sprintf("%d %d×%d×%d %s %t %v", keptVersion, o.Channels, o.Height, o.Width, o.Resize, o.Invert, max(o.Detail, 1))
	if o.CropPct != 0 || o.Filter == Bicubic { // else as before there were these
		kind += fmt.Sprintf(" %v %s", o.CropPct, o.Filter)
	}
	if o.Align == AlignArcFace {
		kind += fmt.Sprint(" ", o.Align)
	}
	name := filepath.Join(o.CacheDir, fmt.Sprintf("medusa-%dx%dx%d-%.6x.pictures", o.Channels, o.Height, o.Width, sha256.Sum256([]byte(kind))))
	cache, err := picturecache.Open(name, bytes, o.Progress)
	if errors.Is(err, picturecache.ErrInUse) {
		return &keptFile{inUse: printable(name)}, nil
	}
	if err != nil {
		return nil, wrongOption("kept pictures (%s): %v", field.Name("CacheDir"), err)
	}
	return &keptFile{cache: cache}, nil
}

// keptNote is what is kept beside the pixels of a picture: its outcome.
type keptNote struct {
	Format        string
	Width, Height int
	Colour, Blank bool   `json:",omitempty"`
	Remark        string `json:",omitempty"`
	Deep          bool   `json:",omitempty"`
	Kind, Odd     int    `json:",omitempty"`
	// Texts, as JSON has no infinite numbers.
	Low, High, FullLow, FullHigh string `json:",omitempty"`
}

// keyOf is what a picture is kept under: its content, and the range by which its values are
// read if they are deep.
func (g *gatherer) keyOf(hash [sha256.Size]byte) picturecache.Key {
	if g.options.kept == nil {
		return picturecache.Key{}
	}
	return sha256.Sum256(fmt.Appendf(hash[:], "%v", g.spans))
}

// takeKept looks up the kept picture of that key. If it is there, it becomes row i of the store, and o says what is known of it.
func (in *pictureWriter) takeKept(i int, key picturecache.Key, o *outcome, maxPixels int64) (found bool, err error) {
	k := in.store.kept
	if k == nil {
		return false, nil
	}
	slot, text, found := k.cache.Lookup(key)
	var n keptNote
	if !found || json.Unmarshal([]byte(text), &n) != nil || int64(n.Width)*int64(n.Height) > maxPixels {
		return false, nil
	}
	k.slots[i] = slot
	k.taken.Add(1)
	for s := in.store; s != nil; s = s.detail {
		if s.memory == nil {
			continue
		}
		size := s.bytes()
		if err := k.cache.ReadAt(s.memory[i*size:(i+1)*size], slot, s.keptAt); err != nil {
			return false, errors.Wrapf(err, "datasets: kept pictures, picture %s", s.paths[i])
		}
	}
	o.format, o.width, o.height, o.colour, o.blank, o.remark = n.Format, n.Width, n.Height, n.Colour, n.Blank, n.Remark
	if n.Deep {
		o.extent = extent{deep: true, kind: n.Kind, odd: n.Odd}
		e := &o.extent
		for _, v := range []struct {
			to   *float64
			from string
		}{{&e.low, n.Low}, {&e.high, n.High}, {&e.full.low, n.FullLow}, {&e.full.high, n.FullHigh}} {
			if *v.to, err = strconv.ParseFloat(v.from, 64); err != nil {
				return false, errors.Wrap(err, "datasets: kept pictures")
			}
		}
	}
	return true, nil
}

// keep keeps the picture that was just put as row i.
func (in *pictureWriter) keep(i int, key picturecache.Key, o *outcome) error {
	k := in.store.kept
	if k == nil {
		return nil
	}
	if k.stopped.Load() != nil {
		k.missed.Add(1)
		return nil
	}
	n := keptNote{Format: o.format, Width: o.width, Height: o.height, Colour: o.colour, Blank: o.blank, Remark: o.remark}
	if e := o.extent; e.deep {
		n.Deep, n.Kind, n.Odd = true, e.kind, e.odd
		n.Low, n.High, n.FullLow, n.FullHigh = fmt.Sprint(e.low), fmt.Sprint(e.high), fmt.Sprint(e.full.low), fmt.Sprint(e.full.high)
	}
	text, err := json.Marshal(n)
	for err == nil && len(text) > picturecache.MaxNote { // a remark that quotes the file at length
		n.Remark = strings.ToValidUTF8(n.Remark[:len(n.Remark)/2], "")
		text, err = json.Marshal(n)
	}
	if err != nil {
		return errors.Wrap(err, "datasets: kept pictures")
	}
	pixels := in.planes
	if in.detail != nil {
		pixels = append(pixels[:len(pixels):len(pixels)], in.detail.planes...)
	}
	if k.slots[i], err = k.cache.Add(key, string(text), pixels); err != nil {
		if in.store.memory != nil { // the run does not depend on it
			k.stop(err)
			k.missed.Add(1)
			return nil
		}
		return wrongOption("kept pictures: %v (is the disk full? Set %s to another one)", err, field.Name("CacheDir"))
	}
	return nil
}

// stop has no further pictures kept; the first reason is told.
func (k *keptFile) stop(why error) { k.stopped.CompareAndSwap(nil, &why) }

// notKept tells of pictures that could not be kept.
func (k *keptFile) notKept() []Count {
	why, n := k.stopped.Load(), int(k.missed.Load())
	if why == nil || n == 0 {
		return nil
	}
	return []Count{{What: "picture that is not kept for the next time", Count: n, Detail: printable((*why).Error())}}
}

// read reads pixels of row i into dst, beginning at byte from of those that are kept.
func (k *keptFile) read(dst []byte, i, from int) error { return k.cache.ReadAt(dst, k.slots[i], from) }

// close gives the file back; again and again, as the parts of a split share it.
func (k *keptFile) close() error {
	if err := k.cache.Close(); err != nil && !errors.Is(err, os.ErrClosed) {
		return errors.Wrap(err, "datasets: kept pictures")
	}
	return nil
}

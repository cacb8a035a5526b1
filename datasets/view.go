package datasets

import (
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/pkg/errors"
)

// View is one way to look at a picture, the same for all pictures: what an embedding is the mean
// over may be several. The zero value is the picture as it is. The changes are made in the order of the
// fields, about the middle, in one resampling; what comes from outside of the picture repeats
// its edge.
type View struct {
	Flip           bool    // mirror left–right
	Scale          float64 // times so large, 0.5 … 2; 0 is 1
	Rotation       float64 // degrees against the clock
	ShiftX, ShiftY float64 // pixels to the right and down
}

// plainView is the text of the zero View.
const plainView = "plain"

// mostViews bounds what nobody means.
const mostViews = 256

// turnedViews is the text of the first list's views turned by 90, 180 and 270 degrees: three more lists.
const turnedViews = "turned"

// ParseViews reads lists of views: views of one list have commas between, lists have |. A view is
// plain, or changes joined by +, which are flip, scale=FACTOR, rotate=DEGREES and shift=X/Y in
// pixels; and | turned at the end stands for the lists before it turned by 90, 180 and 270
// degrees besides. Such as plain,flip or plain,scale=1.1+rotate=8,scale=1.1+rotate=-8 | turned.
// An empty text is no list.
func ParseViews(text string) ([][]View, error) {
	if text == "" {
		return nil, nil
	}
	if n := 1 + strings.Count(text, ",") + strings.Count(text, "|"); n > mostViews {
		return nil, errors.Errorf("%d views, want at most %d", n, mostViews)
	}
	var lists [][]View
	parts := strings.Split(text, "|")
	for i, part := range parts {
		if strings.TrimSpace(part) == turnedViews {
			if i == 0 || i != len(parts)-1 {
				return nil, errors.Errorf("%s stands at the end, behind the views that are turned, as in plain | turned", turnedViews)
			}
			return withTurns(lists), nil
		}
		list, err := parseViewList(part)
		if err != nil {
			return nil, err
		}
		lists = append(lists, list)
	}
	return lists, nil
}

// withTurns returns lists, and all of them again turned by each quarter.
func withTurns(lists [][]View) [][]View {
	all := slices.Clone(lists)
	for quarter := 1; quarter <= 3; quarter++ {
		for _, list := range lists {
			turned := slices.Clone(list)
			for i := range turned {
				turned[i].Rotation += 90 * float64(quarter)
			}
			all = append(all, turned)
		}
	}
	return all
}

func parseViewList(text string) ([]View, error) {
	var list []View
	for part := range strings.SplitSeq(text, ",") {
		v, err := parseView(strings.TrimSpace(part))
		if err != nil {
			return nil, err
		}
		if slices.Contains(list, v) {
			return nil, errors.Errorf("view %.40q stands twice in a list", strings.TrimSpace(part))
		}
		list = append(list, v)
	}
	return list, nil
}

func parseView(text string) (v View, err error) {
	if text == plainView {
		return v, nil
	}
	seen := make(map[string]bool)
	for change := range strings.SplitSeq(text, "+") {
		name, value, _ := strings.Cut(strings.TrimSpace(change), "=")
		if seen[name] {
			return v, errors.Errorf("view %.40q has %s twice", text, name)
		}
		seen[name] = true
		if !v.set(name, value) {
			return v, errors.Errorf("%.40q is no change of a view: want plain alone, or flip, scale=FACTOR from 0.5 to 2, rotate=DEGREES from -180 to 180 or shift=X/Y in pixels, with + between several, such as rotate=8+scale=1.1", change)
		}
	}
	return v, nil
}

// set reports whether it understood a change.
func (v *View) set(name, value string) bool {
	number := func(text string, low, high float64) (float64, bool) {
		x, err := strconv.ParseFloat(text, 64)
		return x, err == nil && x >= low && x <= high
	}
	ok := false
	switch name {
	case "flip":
		v.Flip, ok = true, value == ""
	case "scale":
		if v.Scale, ok = number(value, 0.5, 2); v.Scale == 1 {
			v.Scale = 0
		}
	case "rotate":
		v.Rotation, ok = number(value, -180, 180)
	case "shift":
		x, y, both := strings.Cut(value, "/")
		var okX, okY bool
		v.ShiftX, okX = number(x, -maxShift, maxShift)
		v.ShiftY, okY = number(y, -maxShift, maxShift)
		ok = both && okX && okY
	}
	return ok
}

// maxShift is the farthest shift in pixels.
const maxShift = 1 << 13

// warp is the map from places in the result to places in a picture of that size.
func (v View) warp(s size) affine {
	w, h := float64(s.width), float64(s.height)
	m := identity.thenScale(1, 1, -v.ShiftX, -v.ShiftY)
	if v.Rotation != 0 {
		m = m.thenRotate(v.Rotation*math.Pi/180, w/2, h/2)
	}
	if v.Scale != 0 {
		f := 1 / v.Scale
		m = m.thenScale(f, f, w/2-float64(f*w/2), h/2-float64(f*h/2)) // float64: not fused
	}
	if v.Flip {
		m = m.thenScale(-1, 1, w, 0)
	}
	return m
}

// FillView is Fill of the pictures seen in that way. Like augmentation it reads the larger pictures
// where Options.Detail keeps them; the zero View gives what Fill gives.
func (d *Dataset) FillView(dst []float32, indices []int, norm Normalisation, v View) error {
	if v == (View{}) {
		return d.Fill(dst, indices, norm)
	}
	if d.HoldsVectors() {
		return errors.New("datasets: only pictures have views, and these are vectors")
	}
	return d.fill(dst, indices, norm, func() func(dst []float32, item int) error { return d.viewer(norm, v) })
}

// viewer is filler of pictures seen in that way.
func (d *Dataset) viewer(norm Normalisation, v View) func(dst []float32, item int) error {
	g := newAugmenter(Augment{}, d.store, norm)
	from := d.store
	if from.detail != nil {
		from = from.detail
	}
	scratch, warp := from.scratch(), v.warp(g.size)
	return func(dst []float32, item int) error {
		pixels, err := from.get(int(d.rows[item]), scratch)
		if err == nil {
			g.make(dst, pixels, g.placed(warp, d.quarter(item), true))
		}
		return err
	}
}

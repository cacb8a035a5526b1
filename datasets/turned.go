package datasets

import "github.com/pkg/errors"

// Turned returns d with three more classes for each of its own: the same pictures turned by 90,
// 180 and 270 degrees against the clock (A. Santoro et al., "Meta-Learning with
// Memory-Augmented Neural Networks", ICML 2016). A letter that lies on its side is another sign,
// and four times as many classes are learned from. No picture is copied.
//
// Item i + q·d.Len() is item i turned by q quarters, and its class is the class of item i
// + q·d.NumClasses(), called "NAME turned 90°" and so on. What augmentation does, it does to the
// turned picture. The pictures must be square.
func (d *Dataset) Turned() (*Dataset, error) {
	s := d.store
	switch {
	case d.turned || d.quarters != nil:
		return nil, errors.New("datasets: the classes are turned already")
	case d.HoldsVectors():
		return nil, errors.New("datasets: only pictures can be turned, and these are vectors")
	case s.height != s.width:
		return nil, errors.Errorf("datasets: pictures of %d×%d (height × width) cannot be turned by 90 degrees: want square ones", s.height, s.width)
	case d.Len() > maxTurned || d.NumClasses() > maxTurned:
		return nil, errors.Errorf("datasets: %d pictures of %d classes are too many to turn, want at most %d", d.Len(), d.NumClasses(), maxTurned)
	}
	n, c := d.Len(), d.NumClasses()
	t := *d
	t.turned = true
	t.rows, t.labels, t.classes = make([]int32, 0, 4*n), make([]int, 0, 4*n), make([]string, 0, 4*c)
	t.quarters = make([]uint8, 0, 4*n)
	for q, suffix := range turnNames {
		t.rows = append(t.rows, d.rows...)
		for _, label := range d.labels {
			if label != NoClass {
				label += q * c
			}
			t.labels, t.quarters = append(t.labels, label), append(t.quarters, uint8(q))
		}
		for _, name := range d.classes {
			t.classes = append(t.classes, name+suffix)
		}
	}
	return &t, nil
}

// turnNames is what the name of a class ends in that is turned by so many quarters.
var turnNames = [4]string{"", " turned 90°", " turned 180°", " turned 270°"}

// maxTurned keeps the number of turned pictures within 31 bits.
const maxTurned = (1<<31 - 1) / 4

// Turns is in how many ways each class is learned: 4 of what Turned returned, else 1.
func (d *Dataset) Turns() int {
	if d.turned {
		return len(turnNames)
	}
	return 1
}

// quarter is by how many quarters item i is turned against the clock.
func (d *Dataset) quarter(i int) int {
	if d.quarters == nil {
		return 0
	}
	return int(d.quarters[i])
}

// Distinct returns the items that show different stored pictures, in ascending order, and for
// every item the place of its picture among them: of Turned sets they are a quarter, of others all
// unless a picture is in several classes.
func (d *Dataset) Distinct() (items, of []int) {
	number := make(map[int32]int, d.Len())
	of = make([]int, d.Len())
	for i, row := range d.rows {
		n, known := number[row]
		if !known {
			n = len(items)
			number[row] = n
			items = append(items, i)
		}
		of[i] = n
	}
	return items, of
}

// thenTurn returns m, which leads into a square picture of side n that is turned by so many
// quarters against the clock, followed by the way into the picture before it was turned.
func (m affine) thenTurn(quarters int, n float64) affine {
	for range quarters {
		m = affine{-m.d, -m.e, n - m.f, m.a, m.b, m.c} // (x, y) → (n − y, x)
	}
	return m
}

// turn returns the square picture turned by so many quarters against the clock: in dst, which has
// room for it, unless there is nothing to turn.
func turn(dst, src []byte, s size, channels, quarters int) []byte {
	if quarters == 0 {
		return src
	}
	warp(dst, s, src, s, channels, identity.thenTurn(quarters, float64(s.width)))
	return dst
}

package datasets

import (
	"math"
	"math/bits"
	"slices"

	"github.com/pkg/errors"
)

// NearCopy is a pair of pictures that show the same: one file copied, encoded anew,
// compressed more or made smaller.
type NearCopy struct {
	Picture int     // in the set that was searched for
	Of      int     // in the set that was searched in
	Like    float64 // concordance of their pixels, at most 1
	// Identical reports whether the two files are the same to the byte.
	Identical bool
}

// What makes two pictures near-copies. On photographs and drawings pictures that were
// compressed by JPEG at quality 30 or halved in size differ in 4 bits at most and correlate
// by more than 0.997; of 1,500 photographs of 81 products and 2,500 drawings no two
// different ones correlate by more than 0.99, of Fashion-MNIST's small pictures one in 200.
const (
	nearBits = 6    // bits in which the hashes may differ
	nearLike = 0.99 // least concordance of the pixels, and least correlation of the lowest frequencies
	faintest = 2.0  // standard deviation of the values, 0 … 255, below which a picture shows nothing to compare
)

// FindNearCopies returns the pictures of set that also stand in other, each with the one
// most like it, in order of Picture. Pictures are compared as they are stored: a perceptual
// hash (the signs of the 63 lowest frequencies, after C. Zauner, "Implementation and
// Benchmarking of Perceptual Image Hash Functions", 2010) proposes, and the concordance of
// the pixels, averaged down to 32×32 at most, decides. Mirrored, turned, cropped and
// recoloured copies are not found; pictures of a single colour are like no other, unless their files are
// identical.
func FindNearCopies(set, other *Dataset) ([]NearCopy, error) {
	if a, b := set.store, other.store; a.channels != b.channels || a.height != b.height || a.width != b.width {
		return nil, errors.Errorf("datasets: near-copies between pictures of %d×%d×%d and of %d×%d×%d (channels, height, width): open both sets with one size",
			a.channels, a.height, a.width, b.channels, b.height, b.width)
	}
	if set.HoldsVectors() || other.HoldsVectors() {
		return nil, errVectors
	}
	told := newTally(2*set.Len()+other.Len(), set.store.told)
	mine, err := set.hashes(told)
	if err != nil {
		return nil, err
	}
	theirs, err := other.hashes(told)
	if err != nil {
		return nil, err
	}
	return findNearCopies(set, other, mine, theirs, told)
}

// findNearCopies is FindNearCopies for pictures whose hashes are known.
func findNearCopies(set, other *Dataset, mine, theirs []pictureHash, told *tally) ([]NearCopy, error) {
	index, same := newHashIndex(theirs), other.bySum()
	found := make([]NearCopy, set.Len())
	err := inParallel(set.Len(), 1<<12, func(from, to int) error {
		c := newComparison(set, other)
		for i := from; i < to; i++ {
			told.add(1)
			if j, ok := same[set.sum(i)]; ok {
				found[i] = NearCopy{Picture: i, Of: j, Like: 1, Identical: true}
				continue
			}
			near, err := c.nearest(i, &mine[i], index)
			if err != nil {
				return err
			}
			found[i] = near
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(found, func(n NearCopy) bool { return n.Like == 0 }), nil
}

// sum tells identical files of pictures; 0 where picture i has no file of its own.
func (d *Dataset) sum(i int) uint64 { return d.store.sums[d.rows[i]] }

// bySum finds the first picture of each content.
func (d *Dataset) bySum() map[uint64]int {
	first := make(map[uint64]int, d.Len())
	for i := d.Len() - 1; i >= 0; i-- {
		if s := d.sum(i); s != 0 {
			first[s] = i
		}
	}
	return first
}

// pictureHash is a perceptual hash; blank pictures have none.
type pictureHash struct {
	bits  uint64
	waves [hashWaves * hashWaves]int8 // the lowest frequencies, in 127ths of the length of all
	blank bool
}

// like is the correlation of two pictures of which only the lowest frequencies are seen.
func (h *pictureHash) like(other *pictureHash) float64 {
	var product, mine, theirs int
	for i, v := range h.waves {
		w := int(other.waves[i])
		product += int(v) * w
		mine += int(v) * int(v)
		theirs += w * w
	}
	return float64(product) / math.Sqrt(float64(max(mine*theirs, 1)))
}

// hashes returns the perceptual hash of every picture.
func (d *Dataset) hashes(told *tally) ([]pictureHash, error) {
	out := make([]pictureHash, d.Len())
	err := inParallel(d.Len(), 4*d.store.bytes(), func(from, to int) error {
		scratch := d.store.scratch()
		var small shrunk
		for i := from; i < to; i++ {
			told.add(1)
			pixels, err := d.store.get(int(d.rows[i]), scratch)
			if err != nil {
				return err
			}
			small.grey(pixels, d.store.channels, d.store.height, d.store.width, hashSide)
			out[i] = small.hash()
		}
		return nil
	})
	return out, err
}

const (
	hashSide  = 16 // pixels a side of what is hashed
	hashWaves = 8  // frequencies a side
	likeSide  = 32 // most pixels a side of what is compared
)

// waves holds the cosine transform: waves[k][x] is the k-th wave at pixel x.
var waves = func() (w [hashWaves][hashSide]float64) {
	for k := range w {
		for x := range w[k] {
			w[k][x] = math.Cos(math.Pi * float64(k) * (float64(x) + 0.5) / hashSide)
		}
	}
	return w
}()

// shrunk is a picture made smaller, for one goroutine to use again and again.
type shrunk struct {
	values        []float64 // (channels, height, width)
	height, width int
}

// shrink averages planar pixels down to at most side values a side.
func (s *shrunk) shrink(pixels []byte, channels, height, width, side int) {
	s.height, s.width = min(height, side), min(width, side)
	s.values = s.values[:0]
	for c := range channels {
		plane := pixels[c*height*width : (c+1)*height*width]
		for y := range s.height {
			y0, y1 := y*height/s.height, (y+1)*height/s.height
			for x := range s.width {
				x0, x1 := x*width/s.width, (x+1)*width/s.width
				sum := 0
				for row := y0; row < y1; row++ {
					for _, v := range plane[row*width+x0 : row*width+x1] {
						sum += int(v)
					}
				}
				s.values = append(s.values, float64(sum)/float64((y1-y0)*(x1-x0)))
			}
		}
	}
}

// grey shrinks the pixels and averages the channels.
func (s *shrunk) grey(pixels []byte, channels, height, width, side int) {
	s.shrink(pixels, channels, height, width, side)
	n := s.height * s.width
	for i := range n {
		for c := 1; c < channels; c++ {
			s.values[i] += s.values[c*n+i]
		}
		s.values[i] /= float64(channels)
	}
	s.values = s.values[:n]
}

// hash has a bit for each of the lowest frequencies that is above their median.
func (s *shrunk) hash() pictureHash {
	if s.deviation() < faintest {
		return pictureHash{blank: true}
	}
	var rows [hashSide][hashWaves]float64
	for y := range s.height {
		line := s.values[y*s.width : (y+1)*s.width]
		for k := range hashWaves {
			for x, v := range line {
				rows[y][k] += v * waves[k][x]
			}
		}
	}
	var all [hashWaves * hashWaves]float64
	for j := range hashWaves {
		for k := range hashWaves {
			for y := range s.height {
				all[j*hashWaves+k] += rows[y][k] * waves[j][y]
			}
		}
	}
	sorted := all
	slices.Sort(sorted[1:]) // without the mean
	median := sorted[1+len(sorted[1:])/2]
	var h pictureHash
	length := 0.0
	for _, v := range all[1:] {
		length += v * v
	}
	scale := 127 / math.Sqrt(max(length, math.SmallestNonzeroFloat64))
	for i, v := range all[1:] {
		if v > median {
			h.bits |= 1 << i
		}
		h.waves[i] = int8(math.Round(v * scale))
	}
	return h
}

// deviation is the standard deviation of the values.
func (s *shrunk) deviation() float64 {
	sum, squares := 0.0, 0.0
	for _, v := range s.values {
		sum += v
		squares += v * v
	}
	n := float64(len(s.values))
	return math.Sqrt(max(0, squares/n-sum*sum/(n*n)))
}

// concordance is 1 for equal values, and smaller the more they differ, in brightness and
// contrast too: 2·cov / (var + var + (difference of the means)²), after L. I. Lin, "A
// Concordance Correlation Coefficient to Evaluate Reproducibility", Biometrics 1989.
func (s *shrunk) concordance(o *shrunk) float64 {
	n := float64(len(s.values))
	var mine, theirs float64
	for i, v := range s.values {
		mine += v
		theirs += o.values[i]
	}
	mine, theirs = mine/n, theirs/n
	var product, squares float64
	for i, v := range s.values {
		a, b := v-mine, o.values[i]-theirs
		product += a * b
		squares += a*a + b*b
	}
	squares += n * (mine - theirs) * (mine - theirs)
	if squares == 0 {
		return 1
	}
	return 2 * product / squares
}

// comparison compares pictures of two sets. It belongs to one goroutine.
type comparison struct {
	set, other   *Dataset
	scratch      []byte
	mine, theirs shrunk
	candidates   []int32
}

func newComparison(set, other *Dataset) *comparison {
	return &comparison{set: set, other: other}
}

// shrink puts picture i of d into s.
func (c *comparison) shrink(s *shrunk, d *Dataset, i int) error {
	if n := d.store.bytes(); len(c.scratch) < n {
		c.scratch = make([]byte, n)
	}
	pixels, err := d.store.get(int(d.rows[i]), c.scratch)
	if err != nil {
		return err
	}
	s.shrink(pixels, d.store.channels, d.store.height, d.store.width, likeSide)
	return nil
}

// nearest returns the picture of the other set that is most like picture i, the first of
// equals; Like is 0 if none is a near-copy.
func (c *comparison) nearest(i int, h *pictureHash, index *hashIndex) (NearCopy, error) {
	best := NearCopy{Picture: i, Of: -1}
	if h.blank {
		return best, nil
	}
	c.candidates = index.near(h, c.candidates[:0])
	if len(c.candidates) == 0 {
		return best, nil
	}
	if err := c.shrink(&c.mine, c.set, i); err != nil {
		return best, err
	}
	for _, j := range c.candidates {
		if err := c.shrink(&c.theirs, c.other, int(j)); err != nil {
			return best, err
		}
		like := c.mine.concordance(&c.theirs)
		if like >= nearLike && (like > best.Like || like == best.Like && int(j) < best.Of) {
			best.Of, best.Like = int(j), like
		}
	}
	return best, nil
}

// hashIndex finds hashes that differ in few bits (M. Norouzi, A. Punjani and D. J. Fleet,
// "Fast Search in Hamming Space with Multi-Index Hashing", CVPR 2012): of four quarters of
// a hash that differs in 7 bits at most, one differs in 1 bit at most.
type hashIndex struct {
	hashes  []pictureHash
	buckets [4]map[uint16][]int32
}

func newHashIndex(hashes []pictureHash) *hashIndex {
	x := &hashIndex{hashes: hashes}
	for q := range x.buckets {
		x.buckets[q] = make(map[uint16][]int32)
	}
	for i, h := range hashes {
		if h.blank {
			continue
		}
		for q := range x.buckets {
			key := quarter(h.bits, q)
			x.buckets[q][key] = append(x.buckets[q][key], int32(i))
		}
	}
	return x
}

// near appends to found what may be a near-copy of h: every hash once.
func (x *hashIndex) near(h *pictureHash, found []int32) []int32 {
	for q := range x.buckets {
		key := quarter(h.bits, q)
		found = x.collect(q, key, h, found)
		for bit := range 16 {
			found = x.collect(q, key^1<<bit, h, found)
		}
	}
	return found
}

func (x *hashIndex) collect(q int, key uint16, h *pictureHash, found []int32) []int32 {
	for _, i := range x.buckets[q][key] {
		other := &x.hashes[i]
		if bits.OnesCount64(other.bits^h.bits) <= nearBits && firstQuarter(other.bits^h.bits) == q && h.like(other) >= nearLike {
			found = append(found, i)
		}
	}
	return found
}

func quarter(hash uint64, q int) uint16 { return uint16(hash >> (16 * q)) }

// firstQuarter is the first quarter with at most one bit set, by which a pair is found.
func firstQuarter(difference uint64) int {
	q := 0
	for bits.OnesCount16(quarter(difference, q)) > 1 {
		q++
	}
	return q
}

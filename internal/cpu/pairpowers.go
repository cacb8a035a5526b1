package cpu

import (
	"math"

	"medusa/internal/cpu/loops"
	"medusa/internal/spec"
)

func init() {
	registerSeveral(pairPowers, func(s spec.PairPowers) func(out, in [][]float64) {
		_, distances := distancesOf(s.Distance)
		return newPlainPowers(s, distances).run
	})
}

// pairPowers makes each distance of a batch with itself once, and while it is in the cache its power, which serves
// both its rows. That needs one number that all exponents are near: see exponents. What it leaves in the output
// (N, N) for the gradient (powersPull) stands there as halves say:
//
//   - of a negative pair its power, or −d, d being its distance, if the rows are close (loops.IsClose);
//   - of a positive pair its distance;
//   - 0 on the diagonal, but for a mark at its beginning: noneClose or someClose.
//
// Where exponents may lie too far apart, where rows are not finite or a label is NaN, and where a class has more than few
// rows, it does what the kernels of Distance, RowReduce and RowTerms do one after the other.
func pairPowers(s spec.PairPowers) func(out, in [][]float32) {
	t := newPowersTask(s)
	var plain *plainPowers[float32] // most never need it
	return func(out, in [][]float32) {
		switch {
		case t.begin(out, in):
			t.run()
			return
		case plain == nil:
			single, _ := distancesOf(s.Distance)
			plain = newPlainPowers(s, single)
		}
		plain.run(out, in)
	}
}

// The marks at the beginning of what pairPowers leaves, where distances have a number that is not negative: whether
// there are negative pairs of close rows.
const (
	noneClose = -1
	someClose = -2
)

// plainPowers makes distances and sums one after the other.
type plainPowers[T loops.Float] struct {
	distances func(out []T, in [][]T)
	sums      []func(out, in [][]T)
	outputs   []int
	in, out   [][]T
	unread    []T // stands for the first output of a sum if nobody reads that
}

func newPlainPowers[T loops.Float](s spec.PairPowers, distances func(out []T, in [][]T)) *plainPowers[T] {
	p := &plainPowers[T]{distances: distances}
	for _, part := range s.Sums {
		if part.Kind == spec.TermsPart {
			p.sums = append(p.sums, rowTerms[T](spec.RowTerms(part.Terms)))
		} else {
			p.sums = append(p.sums, rowReduce[T](spec.RowReduce(part.Reduce)))
		}
		p.outputs = append(p.outputs, part.Sums())
	}
	p.unread = make([]T, s.N)
	return p
}

func (p *plainPowers[T]) run(out, in [][]T) {
	p.distances(out[0], in[:1])
	p.in = append(p.in[:0], out[0], in[1])
	rest := out[1:]
	for i, sum := range p.sums {
		p.out = append(p.out[:0], rest[:p.outputs[i]]...)
		if p.out[0] == nil {
			p.out[0] = p.unread
		}
		sum(p.out, p.in)
		rest = rest[p.outputs[i]:]
	}
	clear(p.in)
	clear(p.out)
}

// exponents are those of powers e^(K·d − at) where all distances lie between two bounds, which are known.
type exponents struct{ k, at float32 }

// widestExponents is how far exponents may lie apart: e^±60 and the gradients of sums of such powers are numbers of
// float32 with all their digits.
const widestExponents = 120

// exponentsOf reports whether exponents K·d of distances between low and high are near enough to each other.
func exponentsOf(k, low, high float64) (e exponents, near bool) {
	return exponents{float32(k), float32(k * (low + high) / 2)}, math.Abs(k)*(high-low) <= widestExponents
}

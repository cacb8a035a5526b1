package report

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/spatial/barneshut"
	"gonum.org/v1/gonum/spatial/r2"

	"medusa/internal/device/cpu"
)

// The layout's settings. A fixed number of iterations instead of a time limit keeps the
// result the same on every machine.
const (
	perplexity     = 30.0
	barnesHutTheta = 0.8
	exaggeration   = 12.0
	earlySteps     = 100 // with exaggeration and low momentum
	fewPoints      = 200 // up to which a tree takes longer than all pairs
)

// layoutSteps is the number of iterations for n points, so that 5,000 points cost a few
// seconds on two cores.
func layoutSteps(n int) int {
	return min(500, max(250, 1_000_000/max(n, 1)))
}

// tsne places the rows of x (n, E) in the plane so that near rows lie near each other:
// t-SNE with Barnes–Hut repulsion, exact for few points, started from the principal axes.
//
// L. van der Maaten, "Accelerating t-SNE using Tree-Based Algorithms", JMLR 15 (2014);
// the start follows D. Kobak and P. Berens, "The art of using t-SNE for single-cell
// transcriptomics", Nature Communications 10 (2019). Fewer than five rows, or rows that
// are all equal, stay on their principal axes. The result does not depend on the number
// of threads.
func tsne(x *mat.Dense, seed int64) [][2]float64 {
	start := principal(x)
	n := len(start)
	spread := 0.0
	for _, p := range start {
		spread = max(spread, math.Abs(p[0]), math.Abs(p[1]))
	}
	if n < 5 || spread == 0 {
		return start
	}
	t := &embedding{points: make([]point, n), velocity: make([]r2.Vec, n), gain: make([]r2.Vec, n), force: make([]r2.Vec, n), part: make([]float64, n)}
	noise := rand.New(rand.NewPCG(uint64(seed), 0x6d61706c61796f75))
	for i, p := range start {
		// Noise parts rows that are equal; the tree cannot hold two equal points.
		t.points[i] = point{1e-2*p[0]/spread + 1e-4*noise.NormFloat64(), 1e-2*p[1]/spread + 1e-4*noise.NormFloat64()}
		t.gain[i] = r2.Vec{X: 1, Y: 1}
	}
	t.links = affinities(x, min(perplexity, float64(n-1)/3))
	rate := max(200, float64(n)/exaggeration)
	steps := layoutSteps(n)
	for step := range steps {
		pull, momentum := exaggeration, 0.5
		if step >= earlySteps {
			pull, momentum = 1, 0.8
		}
		if !t.step(pull, momentum, rate) {
			break
		}
	}
	for i, p := range t.points {
		start[i] = [2]float64{p.X, p.Y}
	}
	return start
}

// point is a particle of mass one in gonum's quadtree.
type point r2.Vec

func (p *point) Coord2() r2.Vec { return r2.Vec(*p) }
func (p *point) Mass() float64  { return 1 }

// link is one entry of the sparse symmetric matrix of affinities p_ij.
type link struct {
	to int32
	p  float64
}

type embedding struct {
	points         []point
	velocity, gain []r2.Vec
	force          []r2.Vec  // repulsion, not yet divided by the sum of part
	part           []float64 // each point's share of Σ_{k≠l} 1/(1+‖y_k−y_l‖²)
	links          [][]link
}

// step moves every point down the gradient 4 Σ_j (pull·p_ij − q_ij)(y_i − y_j)/(1+‖y_i−y_j‖²).
// It reports false when points lie so close that the tree cannot part them.
func (t *embedding) step(pull, momentum, rate float64) bool {
	repel := t.repelOneByOne
	if len(t.points) > fewPoints {
		tree, err := t.tree()
		if err != nil {
			return false
		}
		repel = func(i int) { t.repel(tree, i, barnesHutTheta) }
	}
	cpu.Parallel(len(t.points), 64, func(lo, hi int) {
		for i := lo; i < hi; i++ {
			repel(i)
		}
	})
	total := 0.0
	for _, z := range t.part {
		total += z
	}
	if total == 0 {
		return false
	}
	gradient := make([]r2.Vec, len(t.points))
	cpu.Parallel(len(t.points), 64, func(lo, hi int) {
		for i := lo; i < hi; i++ {
			gradient[i] = r2.Sub(r2.Scale(pull, t.attraction(i)), r2.Scale(1/total, t.force[i]))
		}
	})
	t.move(gradient, momentum, rate)
	return true
}

func (t *embedding) tree() (*barneshut.Plane, error) {
	particles := make([]barneshut.Particle2, len(t.points))
	for i := range t.points {
		particles[i] = &t.points[i]
	}
	return barneshut.NewPlane(particles)
}

// repelOneByOne is repel without a tree, for few points.
func (t *embedding) repelOneByOne(i int) {
	var force r2.Vec
	share, from := 0.0, t.points[i]
	for k, p := range t.points {
		if k == i {
			continue
		}
		x, y := from.X-p.X, from.Y-p.Y
		q := 1 / (1 + x*x + y*y)
		share += q
		force.X += q * q * x
		force.Y += q * q * y
	}
	t.force[i], t.part[i] = force, share
}

// repel sums (y_i − y_j)/(1+‖y_i−y_j‖²)² over the other points, cells far away taken as
// one, and with it the point's share of the normaliser.
func (t *embedding) repel(tree *barneshut.Plane, i int, theta float64) {
	share := 0.0
	t.force[i] = tree.ForceOn(&t.points[i], theta, func(_, _ barneshut.Particle2, _, mass float64, v r2.Vec) r2.Vec {
		q := 1 / (1 + v.X*v.X + v.Y*v.Y)
		share += mass * q
		f := mass * q * q
		return r2.Vec{X: -f * v.X, Y: -f * v.Y}
	})
	t.part[i] = share - 1 // the point itself
}

func (t *embedding) attraction(i int) r2.Vec {
	var sum r2.Vec
	from := t.points[i]
	for _, l := range t.links[i] {
		x, y := from.X-t.points[l.to].X, from.Y-t.points[l.to].Y
		w := l.p / (1 + x*x + y*y)
		sum.X += w * x
		sum.Y += w * y
	}
	return sum
}

// move takes a step with momentum and a gain for each coordinate, which grows while its
// gradient keeps its sign, and centres the points.
func (t *embedding) move(gradient []r2.Vec, momentum, rate float64) {
	var centre r2.Vec
	for i := range t.points {
		p, v, g := &t.points[i], &t.velocity[i], &t.gain[i]
		p.X += advance(&v.X, &g.X, 4*gradient[i].X, momentum, rate)
		p.Y += advance(&v.Y, &g.Y, 4*gradient[i].Y, momentum, rate)
		centre = r2.Add(centre, r2.Vec(*p))
	}
	centre = r2.Scale(1/float64(len(t.points)), centre)
	for i, p := range t.points {
		t.points[i] = point(r2.Sub(r2.Vec(p), centre))
	}
}

func advance(velocity, gain *float64, gradient, momentum, rate float64) float64 {
	if (gradient > 0) == (*velocity > 0) {
		*gain = max(0.01, *gain*0.8)
	} else {
		*gain += 0.2
	}
	*velocity = momentum**velocity - rate**gain*gradient
	return *velocity
}

// affinities returns p_ij = (p_j|i + p_i|j)/2n over the nearest rows of each row, with
// p_j|i ∝ exp(−β_i d_ij²) and β_i such that its entropy is the log of the perplexity.
func affinities(x *mat.Dense, perplexity float64) [][]link {
	n, _ := x.Dims()
	near := nearest(x, min(n-1, int(3*perplexity)))
	cpu.Parallel(n, 64, func(lo, hi int) {
		for i := lo; i < hi; i++ {
			weigh(near[i], math.Log(perplexity))
		}
	})
	links := make([][]link, n)
	for i, row := range near {
		for _, l := range row {
			p := l.p / float64(2*n)
			links[i] = append(links[i], link{l.to, p})
			links[l.to] = append(links[l.to], link{int32(i), p})
		}
	}
	for i, row := range links {
		slices.SortStableFunc(row, func(a, b link) int { return int(a.to - b.to) })
		merged := row[:0]
		for _, l := range row {
			if k := len(merged) - 1; k >= 0 && merged[k].to == l.to {
				merged[k].p += l.p
			} else {
				merged = append(merged, l)
			}
		}
		links[i] = merged
	}
	return links
}

// nearest returns for each row its k nearest others with their squared distances in p,
// nearest first, ties going to the lower row.
func nearest(x *mat.Dense, k int) [][]link {
	n, e := x.Dims()
	square := make([]float64, n)
	for i := range square {
		row := x.RowView(i)
		square[i] = mat.Dot(row, row)
	}
	rows := x.RawMatrix().Data
	near := make([][]link, n)
	cpu.Parallel(n, 64, func(lo, hi int) {
		distances := make([]float64, (hi-lo)*n)
		cpu.Gemm(false, true, hi-lo, n, e, -2, rows[lo*e:hi*e], e, rows, e, 0, distances, n)
		for i := lo; i < hi; i++ {
			row := distances[(i-lo)*n : (i-lo+1)*n]
			for j := range row {
				row[j] = max(0, row[j]+square[i]+square[j])
			}
			near[i] = closest(row, i, k)
		}
	})
	return near
}

// closest returns the k least entries of a row of squared distances but its own.
func closest(distances []float64, own, k int) []link {
	compare := func(a, b link) int {
		return cmp.Or(cmp.Compare(a.p, b.p), cmp.Compare(a.to, b.to))
	}
	limit := math.Inf(1)
	kept := make([]link, 0, 2*k)
	for j, d := range distances {
		if j == own || d >= limit {
			continue
		}
		kept = append(kept, link{int32(j), d})
		if len(kept) == 2*k {
			slices.SortFunc(kept, compare)
			kept, limit = kept[:k], kept[k-1].p
		}
	}
	slices.SortFunc(kept, compare)
	return kept[:k]
}

// weigh turns squared distances into p_j|i whose entropy is the one wanted, by
// bisection on β.
func weigh(row []link, entropy float64) {
	least := math.Inf(1)
	mean := 0.0
	for _, l := range row {
		least = min(least, l.p)
		mean += l.p / float64(len(row))
	}
	if mean == least { // all equally far
		for j := range row {
			row[j].p = 1 / float64(len(row))
		}
		return
	}
	low, high, beta := 0.0, math.Inf(1), 1/(mean-least)
	for range 60 {
		sum, weighted := 0.0, 0.0
		for _, l := range row {
			w := math.Exp(-beta * (l.p - least))
			sum += w
			weighted += w * (l.p - least)
		}
		got := math.Log(sum) + beta*weighted/sum
		if math.Abs(got-entropy) < 1e-5 {
			break
		}
		if got > entropy {
			low = beta
			if math.IsInf(high, 1) {
				beta *= 2
				continue
			}
		} else {
			high = beta
		}
		beta = (low + high) / 2
	}
	sum := 0.0
	for j, l := range row {
		row[j].p = math.Exp(-beta * (l.p - least))
		sum += row[j].p
	}
	for j := range row {
		row[j].p /= sum
	}
}

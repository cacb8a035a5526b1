package gpu

import (
	"medusa/internal/cuda"
	"medusa/internal/spec"
)

func init() {
	registerSome((*builder).distance)
}

// metrics are their numbers in pairs.cu.
var metrics = map[spec.Metric]int{
	spec.Euclidean:        metricEuclidean,
	spec.SquaredEuclidean: metricSquared,
	spec.Manhattan:        metricManhattan,
	spec.SNR:              metricSnr,
	spec.Dot:              metricDot,
	spec.Minkowski:        metricMinkowski,
}

// tiles is how distances are cut over rows×cols results, which come of k each: which kernel, and its grid.
func (b *builder) tiles(rows, cols, k int) (suffix string, grid cuda.Dim) {
	if err := counted(rows, cols, k); err != nil {
		b.add(nil, err)
		return "", cuda.Dim{}
	}
	how := cut{side: 64}
	if few := how.tiles(rows, cols); few < b.d.processors {
		how.side = 32
	}
	return how.suffix(false), blocks(how.tiles(rows, cols))
}

func (b *builder) distance(s spec.Distance) bool {
	m, ok := metrics[s.Metric]
	if !ok {
		return false
	}
	y := in(1)
	if s.Self {
		y = in(0)
	}
	switch s.Metric {
	case spec.SNR:
		b.work(2 * (s.N + s.M))
		b.moments(s, in(0), y, 0)
		b.launchSnr(flat(s.N*s.M), s.N, s.M, s.D, in(0), y, work(0), work(2*s.N), out)
	case spec.Minkowski:
		b.launchMinkowski(flat(s.N*s.M), s.N, s.M, s.D, f32(s.P), in(0), y, out)
	default:
		suffix, grid := b.tiles(s.N, s.M, s.D)
		b.launchDistances(suffix, grid, m, s.N, s.M, s.D, in(0), y, out)
	}
	return true
}

// moments puts those of x and y into the workspace.
func (b *builder) moments(s spec.Distance, x, y operand, at int) {
	b.launchRowMoments(blocks(s.N), s.D, x, work(at))
	b.launchRowMoments(blocks(s.M), s.D, y, work(at+2*s.N))
}

// snrGrad is the gradient to x, or to y with toY, given moments.
func (b *builder) snrGrad(s spec.Distance, toY, add bool, x, y, d, g operand, at int) {
	rows := s.N
	if toY {
		rows = s.M
	}
	b.launchSnrGrad(flat(rows*s.D), s.N, s.M, s.D, toY, add, x, y, work(at), work(at+2*s.N), d, g, out)
}

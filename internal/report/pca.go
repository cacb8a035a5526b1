package report

import (
	"math"

	"gonum.org/v1/gonum/mat"
)

// principalRows bounds how many rows the principal axes are computed from.
const principalRows = 256

// principal projects the rows of x (n, E) onto their first two principal axes and
// returns n points. The axes come from at most principalRows rows at even steps,
// through the eigenvectors of their Gram matrix, which costs the same for any E. The
// sign of an axis is chosen so that its largest entry is positive.
func principal(x *mat.Dense) [][2]float64 {
	n, e := x.Dims()
	points := make([][2]float64, n)
	if n < 2 {
		return points
	}
	rows := indices(n)
	if n > principalRows {
		rows = spaced(rows, principalRows)
	}
	mean := make([]float64, e)
	for _, i := range rows {
		for j, v := range x.RawRowView(i) {
			mean[j] += v / float64(len(rows))
		}
	}
	centred := mat.NewDense(len(rows), e, nil)
	for k, i := range rows {
		to := centred.RawRowView(k)
		for j, v := range x.RawRowView(i) {
			to[j] = v - mean[j]
		}
	}
	for axis, direction := range principalAxes(centred, 2) {
		offset := mat.Dot(mat.NewVecDense(e, mean), direction)
		for i := range points {
			points[i][axis] = mat.Dot(x.RowView(i), direction) - offset
		}
	}
	return points
}

// principalAxes returns up to count unit vectors, those of most variance first.
func principalAxes(centred *mat.Dense, count int) []*mat.VecDense {
	m, e := centred.Dims()
	gram := mat.NewSymDense(m, nil)
	gram.SymOuterK(1, centred)
	var eigen mat.EigenSym
	if !eigen.Factorize(gram, true) {
		return nil
	}
	values := eigen.Values(nil) // rising
	var vectors mat.Dense
	eigen.VectorsTo(&vectors)
	var axes []*mat.VecDense
	for k := m - 1; k >= 0 && len(axes) < count; k-- {
		if values[k] <= 1e-12*values[m-1] || values[k] <= 0 {
			break
		}
		axis := mat.NewVecDense(e, nil)
		axis.MulVec(centred.T(), vectors.ColView(k))
		axis.ScaleVec(1/mat.Norm(axis, 2), axis)
		if largest(axis.RawVector().Data) < 0 {
			axis.ScaleVec(-1, axis)
		}
		axes = append(axes, axis)
	}
	return axes
}

// largest is the entry of greatest magnitude.
func largest(v []float64) float64 {
	best := 0.0
	for _, x := range v {
		if math.Abs(x) > math.Abs(best) {
			best = x
		}
	}
	return best
}

func indices(n int) []int {
	all := make([]int, n)
	for i := range all {
		all[i] = i
	}
	return all
}

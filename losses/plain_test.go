package losses_test

import (
	"math"
	"slices"

	"medusa/losses"
	"medusa/miners"
	"medusa/pairs"
)

// plain is what losses over pairs and triplets mean: loops over numbers, in float64, that
// share nothing with the graph. near says that a comparison stands on the edge, where
// rounding decides what counts.
type plain struct {
	d     [][]float64
	y     []int
	sharp float64 // relative to the largest distance, how near an edge is
	top   float64 // the largest |distance|
	near  bool
}

func newPlain(m pairs.Metric, x []float64, y []int, sharp float64) *plain {
	b := len(y)
	e := len(x) / b
	norm, of := plainMetric(m)
	rows := make([][]float64, b)
	for i := range rows {
		rows[i] = slices.Clone(x[i*e : (i+1)*e])
		if norm != nil {
			n := norm(rows[i])
			for k := range rows[i] {
				rows[i][k] /= math.Max(n, 1e-12)
			}
		}
	}
	p := &plain{y: y, sharp: sharp, d: make([][]float64, b)}
	_, snr := m.(pairs.SNR)
	for i := range rows {
		p.d[i] = make([]float64, b)
		for j := range rows {
			p.d[i][j] = of(rows[i], rows[j])
			if i != j && snr {
				p.flat(rows[i])
			}
			if i != j {
				p.top = math.Max(p.top, math.Abs(p.d[i][j]))
			}
		}
	}
	return p
}

// plainMetric is the norm that rows are divided by, nil if they are not, and the distance of two
// rows, or their similarity with its sign turned.
func plainMetric(m pairs.Metric) (norm func(a []float64) float64, of func(a, b []float64) float64) {
	lp := func(p float64) func(a []float64) float64 {
		return func(a []float64) float64 {
			sum := 0.0
			for _, v := range a {
				if p == 1 {
					sum += math.Abs(v)
				} else {
					sum += v * v
				}
			}
			if p == 1 {
				return sum
			}
			return math.Sqrt(sum)
		}
	}
	dot := func(a, b []float64) (sum float64) {
		for k := range a {
			sum -= a[k] * b[k]
		}
		return sum
	}
	raw := false
	switch m := m.(type) {
	case pairs.LP:
		raw = m.Raw
		norm = lp(2)
		if m.P == 1 {
			norm = lp(1)
		}
		of = func(a, b []float64) float64 { return plainLP(m, a, b) }
	case pairs.Cosine:
		norm, of = lp(2), dot
	case pairs.Dot:
		raw, norm, of = m.Raw, lp(2), dot
	case pairs.SNR:
		raw, norm, of = m.Raw, lp(2), plainSNR
	default:
		panic("no plain metric of this kind")
	}
	if raw {
		norm = nil
	}
	return norm, of
}

func plainLP(m pairs.LP, a, b []float64) float64 {
	sum := 0.0
	for k := range a {
		if m.P == 1 {
			sum += math.Abs(a[k] - b[k])
		} else {
			sum += (a[k] - b[k]) * (a[k] - b[k])
		}
	}
	if m.P == 1 || m.Power == 2 {
		return sum
	}
	return math.Sqrt(sum)
}

func plainSNR(a, b []float64) float64 {
	variance := func(of func(k int) float64) float64 {
		mean, sum := 0.0, 0.0
		for k := range a {
			mean += of(k) / float64(len(a))
		}
		for k := range a {
			sum += (of(k) - mean) * (of(k) - mean)
		}
		return sum / float64(len(a)-1)
	}
	return variance(func(k int) float64 { return a[k] - b[k] }) / math.Max(variance(func(k int) float64 { return a[k] }), 1e-12)
}

// flat notes rows whose variance is mostly rounding.
func (p *plain) flat(row []float64) {
	least, most := row[0], row[0]
	for _, v := range row {
		least, most = math.Min(least, v), math.Max(most, v)
	}
	if size := math.Max(math.Abs(least), math.Abs(most)); size > 0 && most-least <= 100*p.sharp*size {
		p.near = true
	}
}

func (p *plain) pos(i, j int) bool { return i != j && p.y[i] == p.y[j] }
func (p *plain) neg(i, j int) bool { return p.y[i] != p.y[j] }

// edge notes whether v is about at.
func (p *plain) edge(v, at float64) {
	if math.Abs(v-at) <= p.sharp*(p.top+math.Abs(at))+1e-37 { // and what float32 has no numbers for
		p.near = true
	}
}

// of is the loss of one of this package's, all of whose fields are given.
func (p *plain) of(loss losses.Loss) float64 {
	switch l := loss.(type) {
	case losses.Contrastive:
		return p.contrastive(l)
	case losses.Triplet:
		return p.triplet(l)
	case losses.LiftedStructure:
		return p.lifted(l)
	case losses.MultiSimilarity:
		return p.multiSimilarity(l)
	}
	panic("no plain loss of this kind")
}

// terms are those of each anchor.
type terms [][]float64

func (p *plain) reduce(r pairs.Reducer, all ...terms) float64 {
	low, high := math.Inf(-1), math.Inf(1)
	if bounds, ok := r.(pairs.Threshold); ok {
		low, high, r = bounds.Low, bounds.High, bounds.Of
	}
	if _, ok := r.(pairs.NonZero); ok {
		low = math.Max(low, 0)
	}
	sums, counts := make([]float64, len(p.y)), make([]float64, len(p.y))
	for _, t := range all {
		for a := range t {
			for _, v := range t[a] {
				if !math.IsInf(low, -1) {
					p.edge(v, low)
					if v <= low {
						continue
					}
				}
				if !math.IsInf(high, 1) {
					p.edge(v, high)
					if v >= high {
						continue
					}
				}
				sums[a] += v
				counts[a]++
			}
		}
	}
	sum, count, means := 0.0, 0.0, 0.0
	for a, v := range sums {
		sum += v
		count += counts[a]
		means += v / math.Max(counts[a], 1) / float64(len(sums))
	}
	switch r.(type) {
	case pairs.Sum:
		return sum
	case pairs.PerAnchor:
		return means
	}
	return sum / math.Max(count, 1)
}

func hinge(v float64) float64 { return math.Max(v, 0) }

func (p *plain) contrastive(l losses.Contrastive) float64 {
	pull, push := make(terms, len(p.y)), make(terms, len(p.y))
	sign := 1.0
	if l.Metric.Similarity() {
		sign = -1
	}
	for i := range p.y {
		for j := range p.y {
			d := p.d[i][j]
			away := hinge(sign*l.NegMargin - d)
			switch {
			case p.pos(i, j) && l.Form == losses.Squared:
				pull[i] = append(pull[i], d*d/2)
			case p.pos(i, j):
				pull[i] = append(pull[i], hinge(d-sign*l.PosMargin))
			case p.neg(i, j) && l.Form == losses.Squared:
				push[i] = append(push[i], away*away/2)
			case p.neg(i, j):
				push[i] = append(push[i], away)
			}
		}
	}
	if l.Pooled {
		return p.reduce(l.Reducer, pull, push)
	}
	return p.reduce(l.Reducer, pull) + p.reduce(l.Reducer, push)
}

func (p *plain) triplet(l losses.Triplet) float64 {
	all := make(terms, len(p.y))
	m, windowed := l.Miner.(miners.TripletMargin)
	_, hardest := l.Miner.(miners.BatchHard)
	for a := range p.y {
		far, near := p.hardest(a)
		for i := range p.y {
			for n := range p.y {
				if !p.pos(a, i) || !p.neg(a, n) || hardest && (i != far || n != near) {
					continue
				}
				ap, an := p.d[a][i], p.d[a][n]
				delta := an - ap
				if windowed {
					p.edge(delta, 0)
					p.edge(delta, m.Margin)
				}
				if m.Type == miners.Hard && delta > 0 || m.Type == miners.SemiHard && (delta <= 0 || delta > m.Margin) || m.Type == miners.Easy && delta <= m.Margin {
					continue
				}
				if l.Swap {
					an = math.Min(an, p.d[i][n])
				}
				v := ap - an + l.Margin
				if l.Soft {
					v = math.Max(v, 0) + math.Log1p(math.Exp(-math.Abs(v)))
				}
				all[a] = append(all[a], hinge(v))
			}
		}
	}
	return p.reduce(l.Reducer, all)
}

// hardest are the farthest positive and the nearest negative of an anchor, −1 for none; a NaN
// is both the farthest and the nearest.
func (p *plain) hardest(a int) (far, near int) {
	far, near = -1, -1
	for j, d := range p.d[a] {
		switch {
		case p.pos(a, j):
			if far >= 0 {
				p.edge(d, p.d[a][far])
			}
			if far < 0 || d > p.d[a][far] || d != d {
				far = j
			}
		case p.neg(a, j):
			if near >= 0 {
				p.edge(d, p.d[a][near])
			}
			if near < 0 || d < p.d[a][near] || d != d {
				near = j
			}
		}
	}
	return far, near
}

// logSumExp is ln Σ eˣ, −∞ of none.
func logSumExp(x []float64) float64 {
	top := math.Inf(-1)
	for _, v := range x {
		top = math.Max(top, v)
	}
	if math.IsInf(top, -1) {
		return top
	}
	sum := 0.0
	for _, v := range x {
		sum += math.Exp(v - top)
	}
	return top + math.Log(sum)
}

func (p *plain) lifted(l losses.LiftedStructure) float64 {
	alpha, beta := l.Margin, l.PosMargin
	if l.Metric.Similarity() {
		alpha, beta = -alpha, -beta
	}
	negatives := make([][]float64, len(p.y))
	for i := range p.y {
		for j := range p.y {
			if p.neg(i, j) {
				negatives[i] = append(negatives[i], alpha-p.d[i][j])
			}
		}
		if k := l.HardNegatives; k > 0 && len(negatives[i]) > k {
			slices.SortFunc(negatives[i], func(a, b float64) int { // the nearest first, NaN before all
				switch {
				case a != a && b == b || a > b:
					return -1
				case b != b && a == a || a < b:
					return 1
				}
				return 0
			})
			p.edge(alpha-negatives[i][k], alpha-negatives[i][k-1])
			negatives[i] = negatives[i][:k]
		}
	}
	all := make(terms, len(p.y))
	scaled := func(x []float64) []float64 {
		out := slices.Clone(x)
		for i := range out {
			out[i] *= l.Sharpness
		}
		return out
	}
	for i := range p.y {
		var pulls []float64
		for j := range p.y {
			if !p.pos(i, j) {
				continue
			}
			pulls = append(pulls, p.d[i][j]-beta)
			both := append(slices.Clone(negatives[i]), negatives[j]...)
			if l.Form == losses.Generalized || len(both) == 0 {
				continue
			}
			var push float64
			if l.Form == losses.MaxMargin {
				push = both[0]
				for _, v := range both {
					push = math.Max(push, v)
				}
			} else {
				push = logSumExp(scaled(both)) / l.Sharpness
			}
			term := hinge(push + p.d[i][j] - beta)
			all[i] = append(all[i], term*term/2)
		}
		if l.Form == losses.Generalized {
			sum := 0.0
			for _, side := range [][]float64{pulls, negatives[i]} {
				if len(side) > 0 {
					sum += logSumExp(scaled(side)) / l.Sharpness
				}
			}
			all[i] = append(all[i], hinge(sum))
		}
	}
	return p.reduce(l.Reducer, all)
}

func (p *plain) multiSimilarity(l losses.MultiSimilarity) float64 {
	base := l.Base
	if l.Metric.Similarity() {
		base = -base
	}
	all := make(terms, len(p.y))
	for i := range p.y {
		pull, push := []float64{0}, []float64{0}
		for j := range p.y {
			if p.pos(i, j) {
				pull = append(pull, l.Alpha*(p.d[i][j]-base))
			}
			if p.neg(i, j) {
				push = append(push, l.Beta*(base-p.d[i][j]))
			}
		}
		all[i] = append(all[i], logSumExp(pull)/l.Alpha+logSumExp(push)/l.Beta)
	}
	return p.reduce(l.Reducer, all)
}

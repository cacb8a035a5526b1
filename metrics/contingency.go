package metrics

import (
	"math"
	"slices"

	"github.com/pkg/errors"
)

// Contingency counts how two labelings of the same rows meet; its methods compare
// them. All are symmetric, and unchanged when labels are renamed.
type Contingency struct {
	n             float64
	rows, columns []float64 // sizes of the classes of each labeling
	cells         []float64 // the counts that are not zero
	row, column   []int32   // of each cell
}

// NewContingency compares two labelings of the same length, at least one row long.
func NewContingency(a, b []int) (Contingency, error) {
	if len(a) != len(b) {
		return Contingency{}, errors.Errorf("metrics: labelings of %d and %d rows cannot be compared", len(a), len(b))
	}
	if len(a) == 0 {
		return Contingency{}, errors.New("metrics: labelings without rows")
	}
	ra, na := number(a)
	rb, nb := number(b)
	t := Contingency{n: float64(len(a)), rows: make([]float64, na), columns: make([]float64, nb)}
	pairs := make([]int64, len(a))
	for i := range a {
		t.rows[ra[i]]++
		t.columns[rb[i]]++
		pairs[i] = int64(ra[i])*int64(nb) + int64(rb[i])
	}
	slices.Sort(pairs)
	for i, p := range pairs {
		if i == 0 || p != pairs[i-1] {
			t.cells = append(t.cells, 0)
			t.row, t.column = append(t.row, int32(p/int64(nb))), append(t.column, int32(p%int64(nb)))
		}
		t.cells[len(t.cells)-1]++
	}
	return t, nil
}

// number renames labels to 0, 1, … in order of the labels.
func number(labels []int) ([]int32, int) {
	distinct := slices.Clone(labels)
	slices.Sort(distinct)
	distinct = slices.Compact(distinct)
	numbered := make([]int32, len(labels))
	for i, l := range labels {
		at, _ := slices.BinarySearch(distinct, l)
		numbered[i] = int32(at)
	}
	return numbered, len(distinct)
}

// MutualInformation is I = Σ p_ij·log(p_ij/(p_i·p_j)), in nats.
func (t Contingency) MutualInformation() float64 {
	sum := 0.0
	for c, n := range t.cells {
		// In logarithms of counts, so that independent labelings come out as 0 or nearly.
		sum += n / t.n * (math.Log(n) - math.Log(t.n) - math.Log(t.rows[t.row[c]]/t.n) - math.Log(t.columns[t.column[c]]/t.n))
	}
	return max(sum, 0)
}

// entropy is −Σ p·log p of class sizes, in nats.
func (t Contingency) entropy(sizes []float64) float64 {
	if len(sizes) == 1 {
		return 0
	}
	sum := 0.0
	for _, s := range sizes {
		sum -= s / t.n * (math.Log(s) - math.Log(t.n))
	}
	return sum
}

// NMI is the mutual information divided by the mean of the two entropies,
// 2I/(H_a + H_b); 1 where both labelings have one class only.
func (t Contingency) NMI() float64 {
	if len(t.rows) == 1 && len(t.columns) == 1 {
		return 1
	}
	mean := (t.entropy(t.rows) + t.entropy(t.columns)) / 2
	return t.MutualInformation() / mean
}

// AMI is the mutual information adjusted for chance, (I − E)/((H_a + H_b)/2 − E), E
// being its expectation over random labelings with the same class sizes; 1 where both
// labelings have one class only, or every row a class of its own in both.
//
// N. X. Vinh, J. Epps and J. Bailey, "Information Theoretic Measures for Clusterings
// Comparison", JMLR 11, 2010.
func (t Contingency) AMI() float64 {
	if len(t.rows) == len(t.columns) && (len(t.rows) == 1 || len(t.rows) == int(t.n)) {
		return 1
	}
	expected := t.expectedInformation()
	mean := (t.entropy(t.rows) + t.entropy(t.columns)) / 2
	gap := mean - expected
	if math.Abs(gap) < 0x1p-52 { // both vanish: one labeling says nothing
		gap = math.Copysign(0x1p-52, gap)
	}
	return (t.MutualInformation() - expected) / gap
}

// expectedInformation is E[I] over all labelings with these class sizes: for classes of
// a and b rows out of N the overlap n is hypergeometric,
//
//	E = Σ over a, b Σ over n≥1 of P(n)·(n/N)·log(N·n/(a·b)),
//	P(n) = a! b! (N−a)! (N−b)! / (N! n! (a−n)! (b−n)! (N−a−b+n)!)
//
// Classes of equal sizes have equal terms, which are summed once and multiplied.
func (t Contingency) expectedInformation() float64 {
	logFactorial := func(x float64) float64 {
		l, _ := math.Lgamma(x + 1)
		return l
	}
	columns := sizeCounts(t.columns)
	sum := 0.0
	for _, ra := range sizeCounts(t.rows) {
		for _, rb := range columns {
			a, b := ra.size, rb.size
			n := max(1, a+b-t.n)
			p := math.Exp(logFactorial(a) + logFactorial(b) + logFactorial(t.n-a) + logFactorial(t.n-b) -
				logFactorial(t.n) - logFactorial(n) - logFactorial(a-n) - logFactorial(b-n) - logFactorial(t.n-a-b+n))
			term := 0.0
			for ; n <= min(a, b); n++ {
				term += p * (n / t.n) * math.Log(t.n*n/(a*b))
				p *= (a - n) * (b - n) / ((n + 1) * (t.n - a - b + n + 1))
			}
			sum += ra.count * rb.count * term
		}
	}
	return sum
}

type sizeCount struct{ size, count float64 }

// sizeCounts tells how many classes there are of each size, by size.
func sizeCounts(sizes []float64) []sizeCount {
	sizes = slices.Clone(sizes)
	slices.Sort(sizes)
	var counts []sizeCount
	for i, s := range sizes {
		if i == 0 || s != sizes[i-1] {
			counts = append(counts, sizeCount{size: s})
		}
		counts[len(counts)-1].count++
	}
	return counts
}

// pairs counts unordered pairs of rows: together in both labelings, in a, in b, all.
func (t Contingency) pairs() (both, a, b, all float64) {
	count := func(sizes []float64) float64 {
		sum := 0.0
		for _, s := range sizes {
			sum += s * (s - 1) / 2
		}
		return sum
	}
	return count(t.cells), count(t.rows), count(t.columns), t.n * (t.n - 1) / 2
}

// ARI is the Rand index adjusted for chance; 1 where the labelings agree.
//
// L. Hubert and P. Arabie, "Comparing Partitions", Journal of Classification 2, 1985.
func (t Contingency) ARI() float64 {
	both, a, b, all := t.pairs()
	if both == a && both == b {
		return 1
	}
	expected := a * b / all
	return (both - expected) / ((a+b)/2 - expected)
}

// PairwiseF1 is 2PR/(P + R) over pairs of rows, P being the share of the pairs together
// in b that are together in a, and R the share of those in a that are in b; 1 where
// neither has a pair.
func (t Contingency) PairwiseF1() float64 {
	both, a, b, _ := t.pairs()
	if a+b == 0 {
		return 1
	}
	return 2 * both / (a + b)
}

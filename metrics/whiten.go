package metrics

import (
	"math"

	"github.com/pkg/errors"
	"gonum.org/v1/gonum/mat"
)

// WhitenOptions says how NewWhitening learns.
type WhitenOptions struct {
	// Size is how many numbers a whitened row has, the directions that vary most; as many as carry
	// anything if zero.
	Size int
	// Classes learns from the labels: what varies within a class is made equal in all directions, and
	// those are kept in which rows vary most then.
	Classes bool
	// Keep leaves the length of whitened rows as it is, in place of 1.
	Keep bool
}

// Whitening maps rows so that their numbers do not go together, and vary alike:
//
//	y = P·(x − μ), and of length 1
//
// with μ the mean of the rows that it learned from, and P the largest eigenvectors of their covariance,
// each divided by the root of its eigenvalue. With WhitenOptions.Classes, P is the largest eigenvectors
// of C_S^{−½}·C·C_S^{−½}, times C_S^{−½}, with C_S the covariance within classes and C that of all rows.
//
// H. Jégou and O. Chum, "Negative Evidences and Co-occurrences in Image Retrieval: The Benefit of PCA and
// Whitening", ECCV 2012; K. Mikolajczyk and J. Matas, "Improving Descriptors for Fast Tree Matching by
// Optimal Linear Projection", ICCV 2007.
type Whitening struct {
	Dim  int       `json:"dim"`  // numbers of a row
	Size int       `json:"size"` // numbers of a whitened one
	Mean []float64 `json:"mean"` // μ (Dim)
	// Projection is P (Size×Dim), row-major.
	Projection []float64 `json:"projection"`
	Keep       bool      `json:"keep,omitempty"` // lengths are left as they are
}

// least is the share of the largest variance below which a direction counts as carrying nothing but rounding
// of float32 numbers.
const least = 1e-10

// NewWhitening learns from the rows of a set, of which there must be more than one for each number that it
// keeps.
func NewWhitening(s Set, o WhitenOptions) (*Whitening, error) {
	if err := s.check("whitening"); err != nil {
		return nil, err
	}
	if o.Size < 0 || o.Size > s.Dim {
		return nil, errors.Errorf("metrics: whitening: Size is %d; rows have %d numbers, and 0 keeps all that vary", o.Size, s.Dim)
	}
	w := &Whitening{Dim: s.Dim, Mean: make([]float64, s.Dim), Keep: o.Keep}
	for i := range s.Len() {
		for j, v := range s.Row(i) {
			w.Mean[j] += float64(v) / float64(s.Len())
		}
	}
	all := s.covariance(func(int) []float64 { return w.Mean })
	root := identity(s.Dim)
	if o.Classes {
		if err := s.checkLabels("whitening"); err != nil {
			return nil, err
		}
		within, err := directions(s.covariance(s.classMeans()))
		if err != nil {
			return nil, err
		}
		if len(within.values) == 0 {
			return nil, errors.New("metrics: whitening: Classes: no class has two rows that differ; leave Classes out")
		}
		root = within.inverseRoot() // (r, Dim)
		var half, full mat.Dense
		half.Mul(root, all)
		full.Mul(&half, root.T())
		n, _ := full.Dims()
		all = mat.NewSymDense(n, nil)
		for i := range n {
			for j := i; j < n; j++ {
				all.SetSym(i, j, (full.At(i, j)+full.At(j, i))/2)
			}
		}
	}
	found, err := directions(all)
	if err != nil {
		return nil, err
	}
	w.Size = len(found.values)
	switch {
	case w.Size == 0:
		return nil, errors.New("metrics: whitening: all rows are the same")
	case o.Size > w.Size:
		return nil, errors.Errorf("metrics: whitening: Size is %d, but the %d rows vary in %d directions; learn from more rows, or take a smaller Size", o.Size, s.Len(), w.Size)
	case o.Size > 0:
		w.Size = o.Size
	}
	var p mat.Dense
	if o.Classes {
		p.Mul(found.vectors(), root) // what is within classes has variance 1 already
	} else {
		p.Mul(found.inverseRoot(), root)
	}
	w.Projection = p.RawMatrix().Data[:w.Size*s.Dim]
	return w, nil
}

// Apply whitens the rows of a set.
func (w *Whitening) Apply(s Set) (Set, error) {
	if err := s.check("whitening"); err != nil {
		return Set{}, err
	}
	if s.Dim != w.Dim {
		return Set{}, errors.Errorf("metrics: whitening: rows of %d numbers; it learned from rows of %d", s.Dim, w.Dim)
	}
	out := s
	out.Dim, out.Embeddings = w.Size, make([]float32, s.Len()*w.Size)
	x, y := make([]float64, w.Dim), make([]float64, w.Size)
	for i := range s.Len() {
		for j, v := range s.Row(i) {
			x[j] = float64(v) - w.Mean[j]
		}
		for k := range y {
			y[k] = 0
			for j, p := range w.Projection[k*w.Dim : (k+1)*w.Dim] {
				y[k] += p * x[j]
			}
		}
		if !w.Keep {
			writeUnit(out.Row(i), y)
			continue
		}
		for k, v := range y {
			out.Embeddings[i*w.Size+k] = float32(v)
		}
	}
	return out, nil
}

// classMeans is the mean of the rows of each row's class.
func (s Set) classMeans() func(i int) []float64 {
	means := map[int][]float64{}
	for label, rows := range newClasses(s.Labels) {
		mean := make([]float64, s.Dim)
		for _, i := range rows {
			for j, v := range s.Row(int(i)) {
				mean[j] += float64(v) / float64(len(rows))
			}
		}
		means[label] = mean
	}
	return func(i int) []float64 { return means[s.Labels[i]] }
}

// covariance is the mean of (x − m)(x − m)ᵀ with m what mean says for each row.
func (s Set) covariance(mean func(i int) []float64) *mat.SymDense {
	const block = 512
	var part mat.SymDense
	sum := mat.NewSymDense(s.Dim, nil)
	for first := 0; first < s.Len(); first += block {
		x := mat.NewDense(min(block, s.Len()-first), s.Dim, nil)
		for k := range x.RawMatrix().Rows {
			row, m := x.RawRowView(k), mean(first+k)
			for j, v := range s.Row(first + k) {
				row[j] = float64(v) - m[j]
			}
		}
		part.Reset()
		part.SymOuterK(1/float64(s.Len()), x.T())
		sum.AddSym(sum, &part)
	}
	return sum
}

// eigen is the eigenvectors of a covariance that carry something, those of the largest eigenvalues first.
type eigen struct {
	values []float64
	rows   *mat.Dense // a vector each
}

func directions(c *mat.SymDense) (eigen, error) {
	var e mat.EigenSym
	if !e.Factorize(c, true) {
		return eigen{}, errors.New("metrics: whitening: the eigenvalues of the covariance were not found; are numbers far apart in size?")
	}
	values := e.Values(nil) // rising
	var columns mat.Dense
	e.VectorsTo(&columns)
	n := len(values)
	out := eigen{}
	for k := n - 1; k >= 0 && values[k] > least*values[n-1]; k-- {
		out.values = append(out.values, values[k])
	}
	if len(out.values) == 0 {
		return out, nil
	}
	out.rows = mat.NewDense(len(out.values), n, nil)
	for k := range out.values {
		column := mat.Col(nil, n-1-k, &columns)
		// The sign that eigenvectors have is an accident: the largest number is positive here.
		largest := 0
		for j := range column {
			if math.Abs(column[j]) > math.Abs(column[largest]) {
				largest = j
			}
		}
		if column[largest] < 0 {
			for j := range column {
				column[j] = -column[j]
			}
		}
		out.rows.SetRow(k, column)
	}
	return out, nil
}

func (e eigen) vectors() mat.Matrix { return e.rows }

// inverseRoot is the vectors, each divided by the root of its eigenvalue.
func (e eigen) inverseRoot() *mat.Dense {
	out := mat.DenseCopyOf(e.rows)
	for k, v := range e.values {
		row := out.RawRowView(k)
		for j := range row {
			row[j] /= math.Sqrt(v)
		}
	}
	return out
}

func identity(n int) *mat.Dense {
	out := mat.NewDense(n, n, nil)
	for i := range n {
		out.Set(i, i, 1)
	}
	return out
}

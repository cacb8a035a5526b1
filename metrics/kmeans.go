package metrics

import (
	"context"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/pkg/errors"

	"medusa/internal/cpu/loops"
	"medusa/internal/nearest"
	"medusa/internal/needs"
)

// KMeansOptions configures KMeans.
type KMeansOptions struct {
	Clusters      int    // at most the number of rows
	Restarts      int    // runs with other seedings, the lowest inertia counting; 1 if zero
	MaxIterations int    // of each run; 100 if zero
	Seed          uint64 // of the seeding
	// Centres starts from given centres, Clusters×Dim, in place of a seeding.
	Centres []float64
	// Progress, if not nil, is called before each iteration of each run with its number in the
	// run, from 0; number 0 stands for the seeding too.
	Progress func(iteration int)
}

// Clustering is what KMeans found.
type Clustering struct {
	Labels     []int     // cluster of each row, 0 to Clusters−1
	Centres    []float64 // Clusters×Dim: the mean of each cluster's rows
	Inertia    float64   // Σ ‖row − centre‖²
	Iterations int       // assignments made, the last of which changed nothing if Converged
	Converged  bool
}

// KMeans clusters rows by Lloyd's iterations from k-means++ seeds. Rows go to the
// centre nearest in float64, ties to the lower one; a cluster that empties takes the
// row that is farthest from its centre. The same seed gives the same bits on any number
// of threads.
//
// S. P. Lloyd, "Least squares quantization in PCM", IEEE Transactions on Information
// Theory 28, 1982.
func KMeans(ctx context.Context, rows Set, o KMeansOptions) (Clustering, error) {
	if err := needs.Context("metrics", ctx); err != nil {
		return Clustering{}, err
	}
	if err := rows.check("k-means"); err != nil {
		return Clustering{}, err
	}
	switch {
	case o.Clusters < 1 || o.Clusters > rows.Len():
		return Clustering{}, errors.Errorf("metrics: k-means: %d clusters of %d rows; take 1 to %d", o.Clusters, rows.Len(), rows.Len())
	case o.Restarts < 0 || o.MaxIterations < 0:
		return Clustering{}, errors.Errorf("metrics: k-means: %d restarts, %d iterations; neither can be negative", o.Restarts, o.MaxIterations)
	case o.Centres != nil && len(o.Centres) != o.Clusters*rows.Dim:
		return Clustering{}, errors.Errorf("metrics: k-means: %d numbers for %d centres of %d", len(o.Centres), o.Clusters, rows.Dim)
	case o.Centres != nil && o.Restarts > 1:
		return Clustering{}, errors.New("metrics: k-means: restarts from given centres are all the same; leave out one of them")
	}
	for i, v := range o.Centres {
		if v-v != 0 {
			return Clustering{}, errors.Errorf("metrics: k-means: centre %d holds %v", i/rows.Dim, v)
		}
	}
	if o.MaxIterations == 0 {
		o.MaxIterations = 100
	}
	rng := rand.New(rand.NewPCG(o.Seed, 0x6b2d6d65_616e732b))
	l := newLloyd(rows, o.Clusters)
	best := Clustering{Inertia: math.Inf(1)}
	progress := o.Progress
	if progress == nil {
		progress = func(int) {}
	}
	for range max(o.Restarts, 1) {
		progress(0)
		if o.Centres != nil {
			copy(l.centres, o.Centres)
		} else if err := l.seed(ctx, rng); err != nil {
			return Clustering{}, err
		}
		c, err := l.run(ctx, o.MaxIterations, progress)
		if err != nil {
			return Clustering{}, err
		}
		if c.Inertia < best.Inertia || best.Labels == nil {
			best = c
		}
	}
	return best, nil
}

// lloyd is the state of one run.
type lloyd struct {
	side    *side
	k, dim  int
	centres []float64 // k×dim
	rounded []float32 // the centres in float32, for the matrix product
	norms   []float64 // of the centres
	bias    []float32 // ‖centre‖²
	largest float64   // the largest of norms
	labels  []int32
	near    []float64 // exact squared distance of each row to its centre
	tile    []float32
}

// assignRows is how many rows are assigned at a time.
const assignRows = 512

func newLloyd(rows Set, k int) *lloyd {
	n := rows.Len()
	return &lloyd{
		side: newSide(rows, Euclidean), k: k, dim: rows.Dim,
		centres: make([]float64, k*rows.Dim), rounded: make([]float32, k*rows.Dim),
		norms: make([]float64, k), bias: make([]float32, k),
		labels: make([]int32, n), near: make([]float64, n),
		tile: make([]float32, min(assignRows, n)*k),
	}
}

func (l *lloyd) run(ctx context.Context, maxIterations int, progress func(int)) (Clustering, error) {
	for i := range l.labels {
		l.labels[i] = -1
	}
	before := make([]int32, len(l.labels))
	c := Clustering{}
	for c.Iterations < maxIterations && !c.Converged {
		if err := ctx.Err(); err != nil {
			return Clustering{}, errors.Wrapf(err, "metrics: k-means stopped in iteration %d", c.Iterations)
		}
		progress(c.Iterations)
		c.Iterations++
		copy(before, l.labels)
		l.assign()
		l.fillEmpty()
		if c.Converged = slices.Equal(before, l.labels); !c.Converged {
			l.average()
		}
	}
	c.Labels = make([]int, len(l.labels))
	for i, label := range l.labels {
		c.Labels[i] = int(label)
		c.Inertia += l.distance(i, int(label))
	}
	c.Centres = append(c.Centres, l.centres...)
	return c, nil
}

// distance is ‖row i − centre j‖² in float64.
func (l *lloyd) distance(i, j int) float64 {
	sum := 0.0
	centre := l.centres[j*l.dim : (j+1)*l.dim]
	for d, v := range l.side.set.Row(i) {
		diff := float64(v) - centre[d]
		sum += float64(diff * diff)
	}
	return sum
}

// assign gives every row to its nearest centre.
func (l *lloyd) assign() {
	l.round()
	for lo := 0; lo < len(l.labels); lo += assignRows {
		n := min(assignRows, len(l.labels)-lo)
		nearest.Products(l.tile, -2, l.side.product[lo*l.dim:], n, l.rounded, l.k, l.dim)
		loops.Parallel(n, 32, func(a, b int) {
			for i := a; i < b; i++ {
				l.labels[lo+i] = l.nearest(lo+i, l.tile[i*l.k:(i+1)*l.k])
			}
		})
	}
}

// round makes the centres ready for the matrix product.
func (l *lloyd) round() {
	l.largest = 0
	for j := range l.k {
		sum := 0.0
		for d := j * l.dim; d < (j+1)*l.dim; d++ {
			l.rounded[d] = float32(l.centres[d])
			sum += float64(l.centres[d] * l.centres[d])
		}
		l.norms[j], l.bias[j] = math.Sqrt(sum), float32(sum)
		l.largest = max(l.largest, l.norms[j])
	}
}

// nearest is the centre nearest to row i, values being −2 row·centre in float32: of
// those within the error bound of the least, the least in float64.
func (l *lloyd) nearest(i int, values []float32) int32 {
	least, at := float32(math.Inf(1)), 0
	for j, v := range l.bias {
		v += values[j]
		values[j] = v
		if v < least {
			least, at = v, j
		}
	}
	limit := nearest.Up(float64(least) + 2*l.bound(i))
	exact := math.Inf(1)
	for j, v := range values {
		if v > limit {
			continue
		}
		if d := l.distance(i, j); d < exact {
			exact, at = d, j
		}
	}
	l.near[i] = exact
	return int32(at)
}

// bound is the error of a value for row i: that of the product, and that of rounding
// the centres, which changes 2·row·centre by at most 2u·‖row‖‖centre‖.
func (l *lloyd) bound(i int) float64 {
	a, b := l.side.norm[i], l.largest*(1+nearest.Unit)
	return Euclidean.keyError(l.dim, a, b) + nearest.Slack*(2*nearest.Unit*a*b+float64(l.dim)*nearest.Tiny*a)
}

// fillEmpty gives every cluster without a row the row that is farthest from its centre
// among the clusters with more than one.
func (l *lloyd) fillEmpty() {
	size := make([]int, l.k)
	for _, label := range l.labels {
		size[label]++
	}
	for j, s := range size {
		if s > 0 {
			continue
		}
		far := -1
		for i, label := range l.labels {
			if size[label] > 1 && (far < 0 || l.near[i] > l.near[far]) {
				far = i
			}
		}
		size[l.labels[far]]--
		size[j]++
		l.labels[far], l.near[far] = int32(j), 0
	}
}

// average moves every centre to the mean of its rows.
func (l *lloyd) average() {
	clear(l.centres)
	size := make([]float64, l.k)
	for i, label := range l.labels {
		size[label]++
		centre := l.centres[int(label)*l.dim : (int(label)+1)*l.dim]
		for d, v := range l.side.set.Row(i) {
			centre[d] += float64(v)
		}
	}
	for j, s := range size {
		for d := j * l.dim; d < (j+1)*l.dim; d++ {
			l.centres[d] /= s
		}
	}
}

package report

import (
	"math"
	"slices"
	"strings"

	"gonum.org/v1/gonum/mat"
)

// Marks of the map. Colour and shape together tell neighbouring classes apart.
const (
	chartColours = 16
	chartShapes  = 4
	chartExtent  = 10_000 // coordinates are whole numbers from 0 to here
)

// chart is the 2-D map of test embeddings.
type chart struct {
	rows    []int // test pictures shown
	dropped int   // with NaN or Inf
	Layouts []layout
	classes []int       // labels on the map, rising
	mark    map[int]int // label → colour + chartColours·shape
}

// layout is the map of one net.
type layout struct {
	Name string `json:"name"`
	X    []int  `json:"x"` // one a row, 0 … chartExtent
	Y    []int  `json:"y"`

	strays int // rows that stand at the border in place of far outside
}

// newChart lays out an even sample of the test pictures, nil if there is nothing to show.
func newChart(d *Data) *chart {
	if len(d.Embeddings) == 0 {
		return nil
	}
	rows := finiteRows(d.Embeddings, d.Dim)
	c := &chart{dropped: len(d.Labels) - len(rows), mark: map[int]int{}}
	c.rows = sampleEvenly(rows, d.Labels, MaxPoints)
	if len(c.rows) == 0 {
		return nil
	}
	after := tsne(selected(d.Embeddings, d.Dim, c.rows), d.Seed)
	c.Layouts = append(c.Layouts, newLayout("after training", after))
	if len(d.EmbeddingsBefore) > 0 && len(finiteRows(d.EmbeddingsBefore, d.Dim)) == len(d.Labels) {
		before := tsne(selected(d.EmbeddingsBefore, d.Dim, c.rows), d.Seed)
		c.Layouts = append(c.Layouts, newLayout("before training", before))
	}
	groups := byClass(c.rows, d.Labels)
	for _, g := range groups {
		c.classes = append(c.classes, d.Labels[g[0]])
	}
	position := make(map[int]int, len(c.rows))
	for k, i := range c.rows {
		position[i] = k
	}
	c.colour(groups, func(i int) [2]float64 { return after[position[i]] })
	return c
}

// selected copies rows of x (N, E) into a matrix.
func selected(x []float32, dim int, rows []int) *mat.Dense {
	m := mat.NewDense(len(rows), dim, nil)
	for k, i := range rows {
		to := m.RawRowView(k)
		for j, v := range x[i*dim : (i+1)*dim] {
			to[j] = float64(v)
		}
	}
	return m
}

// newLayout scales points into the square, keeping their shape. A few stray ones do not
// squash the others: they stand at the border.
func newLayout(name string, points [][2]float64) layout {
	var low, high [2]float64
	for a := range low {
		low[a], high[a] = bulk(points, a)
	}
	extent := max(high[0]-low[0], high[1]-low[1])
	if extent == 0 {
		extent = 1
	}
	l := layout{Name: name}
	for i, p := range points {
		for a := range low {
			p[a] = min(max(p[a], low[a]), high[a])
		}
		if p != points[i] {
			l.strays++
			points[i] = p // classes get their colours by where they are seen
		}
	}
	for _, p := range points {
		at := func(a int) int {
			centred := (p[a]-(low[a]+high[a])/2)/extent + 0.5
			return int(math.Round(centred * chartExtent))
		}
		l.X, l.Y = append(l.X, at(0)), append(l.Y, at(1))
	}
	return l
}

const (
	strayShare = 0.005 // of the points on either side, at the most, may be strays
	strayAir   = 0.25  // of the width of the others: nearer to them than this nothing is stray
)

// bulk is the range of coordinate a, but for points that lie farther off the others than
// a quarter of their width.
func bulk(points [][2]float64, a int) (low, high float64) {
	values := make([]float64, len(points))
	for i, p := range points {
		values[i] = p[a]
	}
	slices.Sort(values)
	few := int(math.Ceil(strayShare * float64(len(values))))
	if len(values) < 50 {
		few = 0 // among so few each one counts
	}
	least, most := values[few], values[len(values)-1-few]
	air := strayAir * (most - least)
	return max(values[0], least-air), min(values[len(values)-1], most+air)
}

// colour gives each class, in turn, the mark that its neighbours on the map use least:
// a mark costs 1/d² for each class of that mark at distance d of the centres, and a
// tenth of it for each class of that colour.
func (c *chart) colour(classes [][]int, at func(i int) [2]float64) {
	marks := chartColours
	if len(classes) > chartColours {
		marks *= chartShapes
	}
	centres := make([][2]float64, len(classes))
	for k, rows := range classes {
		for _, i := range rows {
			centres[k][0] += at(i)[0] / float64(len(rows))
			centres[k][1] += at(i)[1] / float64(len(rows))
		}
	}
	cost := make([]float64, marks)
	for k := range classes {
		clear(cost)
		for other := range k {
			x, y := centres[k][0]-centres[other][0], centres[k][1]-centres[other][1]
			near := 1 / (x*x + y*y + 1e-9)
			mark := c.mark[c.classes[other]]
			cost[mark] += near
			for m := mark % chartColours; m < marks; m += chartColours {
				cost[m] += near / 10
			}
		}
		best := 0
		for m, v := range cost {
			if v < cost[best] {
				best = m
			}
		}
		c.mark[c.classes[k]] = best
	}
}

// dots are the map's points as one path for each colour, for readers without a script.
func (c *chart) dots(labels []int, size float64) []line {
	paths := make([]strings.Builder, chartColours)
	for k, i := range c.rows {
		x, y := c.Layouts[0].X[k], c.Layouts[0].Y[k]
		paths[c.mark[labels[i]]%chartColours].WriteString("M" + pixel(float64(x)*size/chartExtent) + " " + pixel(size-float64(y)*size/chartExtent) + "h0")
	}
	var list []line
	for k := range paths {
		if paths[k].Len() > 0 {
			list = append(list, line{D: paths[k].String(), Colour: k})
		}
	}
	return list
}

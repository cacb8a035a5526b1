package datasets

import "math"

// ViewMap is a View as arithmetic, for those who take it elsewhere, such as in a graph of another
// program. Value i of each plane (H, W) of the result is
//
//	⌊½ + Σₖ Weights[k][i]/65536 · v[Places[k][i]]⌋
//
// of the values v, from 0 to 255, of that plane of a stored picture. The sum, times 65536, is a whole number
// below 2²⁴: float32 holds it exactly.
type ViewMap struct {
	Detail        bool // of the larger picture that is kept
	Height, Width int  // of the picture that is read
	Places        [][]int32
	Weights       [][]int32 // of one value they add up to 65536
}

// wholeWeight is the weight of a value that is taken as it is.
const wholeWeight = 1 << 16

// Stored is how pictures are kept that are opened with o, whose size must be given.
func (o Options) Stored() Stored {
	s := Stored{Channels: o.Channels, Height: o.Height, Width: o.Width}
	if d := detailOf(&store{height: o.Height, width: o.Width}, o); d != nil {
		s.DetailHeight, s.DetailWidth = d.height, d.width
	}
	return s
}

// ViewMap is how FillView makes the view of pictures that are kept so.
func (s Stored) ViewMap(v View) ViewMap {
	g := augmenter{size: size{s.Height, s.Width}, detail: size{s.DetailHeight, s.DetailWidth}}
	m := ViewMap{Height: s.Height, Width: s.Width}
	r := Recipe{}
	if v != (View{}) {
		r = g.placed(v.warp(g.size), 0, true)
	}
	if m.Detail = r.Detail; m.Detail {
		m.Height, m.Width = s.DetailHeight, s.DetailWidth
	}
	way := affine{r.Map[0], r.Map[1], r.Map[2], r.Map[3], r.Map[4], r.Map[5]}
	switch r.Warp {
	case WarpNone:
		m.move(g.size, identity)
	case WarpMove:
		m.move(g.size, way)
	default:
		m.blend(g.size, way)
	}
	return m
}

// move takes each value from one place, as shift does.
func (m *ViewMap) move(to size, way affine) {
	places, weights := make([]int32, 0, to.height*to.width), make([]int32, to.height*to.width)
	at := func(along, constant float64, i, n int) int { // the middle of pixel i lies in the pixel that is read
		return min(max(int(math.Floor(along*(float64(i)+0.5)+constant)), 0), n-1)
	}
	for y := range to.height {
		for x := range to.width {
			places = append(places, int32(at(way.e, way.f, y, m.Height)*m.Width+at(way.a, way.c, x, m.Width)))
		}
	}
	for i := range weights {
		weights[i] = wholeWeight
	}
	m.Places, m.Weights = [][]int32{places}, [][]int32{weights}
}

// blend weighs four neighbours of each value, as warp does.
func (m *ViewMap) blend(to size, way affine) {
	m.Places, m.Weights = make([][]int32, 4), make([][]int32, 4)
	du, dv := fixed(way.a), fixed(way.d)
	for y := range to.height {
		u, v := way.rowStart(y)
		for range to.width {
			x0, y0 := int(u>>16), int(v>>16)
			fx, fy := int32(u>>8)&255, int32(v>>8)&255
			u, v = u+du, v+dv
			for k, weight := range [4]int32{(256 - fx) * (256 - fy), fx * (256 - fy), (256 - fx) * fy, fx * fy} {
				x, y := x0+k&1, y0+k>>1
				x, y = min(max(x, 0), m.Width-1), min(max(y, 0), m.Height-1)
				m.Places[k], m.Weights[k] = append(m.Places[k], int32(y*m.Width+x)), append(m.Weights[k], weight)
			}
		}
	}
}

package report

import (
	"math"
	"slices"
	"strconv"
	"strings"
)

// A plot is drawn twice: here, as a still picture that needs no script, and in
// script.js at the reader's width, with zoom. Both use the same classes of style.css.
const (
	plotWidth, plotHeight                    = 480.0, 230.0
	plotLeft, plotRight, plotTop, plotBottom = 50.0, 10.0, 10.0, 26.0
	plotColours                              = 6
	maxSeriesPoints                          = 60_000 // over all curves
)

type plot struct {
	Title, Unit                             string
	Log                                     bool
	XTicks, YTicks                          []tick
	Lines                                   []line
	Rules                                   []rule // upright lines with names
	Areas                                   []line
	Left, Right, Top, Bottom, Width, Height float64
}

type tick struct {
	At   string // pixels
	Text string
}

// rule is an upright line with its name, which stands before it where there is no room
// behind.
type rule struct {
	tick
	Before bool
}

type line struct {
	Name, D string
	Colour  int
	Last    string
}

func newPlot(title, unit string) plot {
	return plot{Title: title, Unit: unit, Width: plotWidth, Height: plotHeight,
		Left: plotLeft, Right: plotWidth - plotRight, Top: plotTop, Bottom: plotHeight - plotBottom}
}

// axis maps values to pixels.
type axis struct {
	low, high float64
	from, to  float64 // pixels of low and high
	log       bool
}

func (a axis) at(v float64) float64 {
	if a.log {
		v = math.Log10(v)
	}
	return a.from + (v-a.low)/(a.high-a.low)*(a.to-a.from)
}

// newAxis spans the finite values with a little air, a logarithmic axis in powers of ten.
func newAxis(values []float64, from, to float64, log bool) axis {
	low, high := math.Inf(1), math.Inf(-1)
	for _, v := range values {
		if log {
			v = math.Log10(v)
		}
		if finite(v) {
			low, high = min(low, v), max(high, v)
		}
	}
	if low > high {
		low, high = 0, 1
	}
	if low == high {
		air := max(math.Abs(low)/10, 1e-3)
		low, high = low-air, high+air
	}
	return axis{low, high, from, to, log}
}

// air widens an axis by a share of its length on both ends; a linear axis of values
// above zero does not go below it.
func (a axis) air(share float64) axis {
	wide := (a.high - a.low) * share
	low := a.low - wide
	if !a.log && a.low >= 0 {
		low = max(low, 0)
	}
	a.low, a.high = low, a.high+wide
	return a
}

// ticks are about n round values on the axis.
func (a axis) ticks(n int) []tick {
	var list []tick
	for _, v := range a.round(n) {
		list = append(list, tick{pixel(a.at(v)), tickText(v)})
	}
	return list
}

func (a axis) round(n int) []float64 {
	hair := (a.high - a.low) * 1e-10 // lets a round value at the very end count
	a.low, a.high = a.low-hair, a.high+hair
	if a.log && a.high-a.low >= 1 {
		var list []float64
		every := math.Ceil((a.high - a.low) / float64(n))
		for e := math.Ceil(a.low); e <= a.high; e += every {
			list = append(list, math.Pow(10, e))
		}
		return list
	}
	low, high := a.low, a.high
	if a.log {
		low, high = math.Pow(10, low), math.Pow(10, high)
	}
	step := roundStep((high - low) / float64(n))
	var list []float64
	for k := math.Ceil(low / step); k*step <= high && len(list) < 4*n; k++ {
		list = append(list, k*step)
	}
	return list
}

// roundStep is the least of 1, 2, 5 times a power of ten that is not below step.
func roundStep(step float64) float64 {
	power := math.Pow(10, math.Floor(math.Log10(step)))
	for _, f := range []float64{1, 2, 5} {
		if f*power >= step*(1-1e-9) {
			return f * power
		}
	}
	return 10 * power
}

func tickText(v float64) string {
	switch size := math.Abs(v); {
	case size >= 1e6:
		return trimmed(v/1e6) + "M"
	case size >= 1e4:
		return trimmed(v/1e3) + "k"
	case size < 1e-3 && v != 0:
		return exponential(v, 3)
	}
	return trimmed(v)
}

// exponential writes up to so many significant digits and a short exponent: 2.5e−5.
func exponential(v float64, digits int) string {
	mantissa, power, _ := strings.Cut(strconv.FormatFloat(v, 'e', digits-1, 64), "e")
	if strings.Contains(mantissa, ".") {
		mantissa = strings.TrimRight(strings.TrimRight(mantissa, "0"), ".")
	}
	sign := strings.TrimPrefix(power[:1], "+")
	return strings.ReplaceAll(mantissa+"e"+sign+strings.TrimLeft(power[1:], "0"), "-", "−")
}

func trimmed(v float64) string {
	s := strconv.FormatFloat(v, 'f', 4, 64)
	s = strings.TrimRight(strings.TrimRight(s, "0"), ".")
	if s == "-0" {
		return "0"
	}
	return strings.Replace(s, "-", "−", 1)
}

func pixel(v float64) string {
	return strconv.FormatFloat(math.Round(v*10)/10, 'f', -1, 64)
}

// group is the curves of one plot.
type group struct {
	title, unit string
	log         bool
	series      []Series
}

// groups gathers curves by group in the order of first appearance; values that cannot
// stand on a logarithmic axis turn it off.
func groups(all []Series) []group {
	var list []group
	budget := max(200, min(2000, maxSeriesPoints/max(len(all), 1)))
	for _, s := range all {
		if s.Group == "" {
			s.Group = s.Name
		}
		if s.Name == "" {
			s.Name = s.Group
		}
		k := slices.IndexFunc(list, func(g group) bool { return g.title == s.Group })
		if k < 0 {
			k = len(list)
			list = append(list, group{title: s.Group, unit: s.Unit, log: true})
		}
		g := &list[k]
		s.Steps, s.Values = thinned(s.Steps, s.Values, budget)
		s.Values = drawable(s.Values)
		g.log = g.log && s.Log && !slices.ContainsFunc(s.Values, func(v float64) bool { return v < 1/farthest })
		g.series = append(g.series, s)
	}
	return list
}

// farthest bounds the values that a plot can hold without overflow of its axis.
const farthest = 1e300

// drawable replaces what cannot be drawn by NaN, which leaves a gap.
func drawable(values []float64) []float64 {
	list := slices.Clone(values)
	for k, v := range list {
		if !(math.Abs(v) <= farthest) {
			list[k] = math.NaN()
		}
	}
	return list
}

// thinned keeps at most limit points: of each stretch of steps the lowest and the
// highest value, so that no spike is lost.
func thinned(steps []int, values []float64, limit int) ([]int, []float64) {
	if len(steps) <= limit {
		return steps, values
	}
	var keptSteps []int
	var keptValues []float64
	stretches := limit / 2
	for s := range stretches {
		lo, hi := s*len(steps)/stretches, (s+1)*len(steps)/stretches
		least, most := lo, lo
		for k := lo; k < hi; k++ {
			if values[k] < values[least] || math.IsNaN(values[least]) {
				least = k
			}
			if values[k] > values[most] || math.IsNaN(values[most]) {
				most = k
			}
		}
		for _, k := range slices.Compact([]int{min(least, most), max(least, most)}) {
			keptSteps = append(keptSteps, steps[k])
			keptValues = append(keptValues, values[k])
		}
	}
	return keptSteps, keptValues
}

// plot draws the still picture of a group.
func (g group) plot() plot {
	p := newPlot(g.title, g.unit)
	p.Log = g.log
	var xs, ys []float64
	for _, s := range g.series {
		for k, v := range s.Values {
			if finite(v) {
				xs, ys = append(xs, float64(s.Steps[k])), append(ys, v)
			}
		}
	}
	x := newAxis(xs, p.Left, p.Right, false)
	y := newAxis(ys, p.Bottom, p.Top, g.log).air(0.06)
	p.XTicks, p.YTicks = x.ticks(5), y.ticks(6)
	for k, s := range g.series {
		if len(g.series) == 1 && s.Name == g.title {
			s.Name = "" // the title says it
		}
		p.Lines = append(p.Lines, line{Name: s.Name, D: trace(s, x, y), Colour: k % plotColours, Last: number(lastFinite(s.Values))})
	}
	return p
}

// trace is the path of a curve, broken where a value is missing.
func trace(s Series, x, y axis) string {
	var b strings.Builder
	pen := "M"
	for k, v := range s.Values {
		if !finite(v) {
			pen = "M"
			continue
		}
		b.WriteString(pen + pixel(x.at(float64(s.Steps[k]))) + " " + pixel(y.at(v)))
		if pen == "M" && (k+1 == len(s.Values) || !finite(s.Values[k+1])) {
			b.WriteString("h0") // a lone point shows as a dot
		}
		pen = "L"
	}
	return b.String()
}

func lastFinite(values []float64) float64 {
	for _, v := range slices.Backward(values) {
		if finite(v) {
			return v
		}
	}
	return math.NaN()
}

// plot draws the histogram: shares of pairs of one class and of two over distance. All
// histograms of a report share their distance axis when top is the same.
func (h Distances) plot(top float64) plot {
	p := newPlot(h.Name, "")
	positive, negative := shares(h.Positive), shares(h.Negative)
	x := axis{0, top, p.Left, p.Right, false}
	y := newAxis(append(append([]float64{0}, positive...), negative...), p.Bottom, p.Top, false).air(0.06)
	p.XTicks, p.YTicks = x.ticks(6), y.ticks(6)
	p.Areas = []line{
		{Name: "two classes", D: steps(h.Edges, negative, x, y), Colour: 1},
		{Name: "one class", D: steps(h.Edges, positive, x, y), Colour: 0},
	}
	return p
}

// mark draws distances into the histogram, as far as it reaches, each name on a line of
// its own.
func (p *distancePlot) mark(marks []Mark) {
	for _, m := range marks {
		if m.At >= 0 && m.At <= p.top {
			x := axis{0, p.top, p.Left, p.Right, false}
			p.Rules = append(p.Rules, rule{tick{pixel(x.at(m.At)), name(m.Name, maxName)}, m.At > p.top/2})
		}
	}
}

// rocPlot draws TAR over the logarithm of FAR, nil if there is no point to draw.
func rocPlot(curves []ROC) *plot {
	p := newPlot("True accepts over false accepts", "")
	p.Right -= 16 // half of "100 %"
	var far []float64
	for _, c := range curves {
		for _, f := range c.FAR {
			if f > 0 {
				far = append(far, f)
			}
		}
	}
	if len(far) == 0 {
		return nil
	}
	x := axis{math.Floor(math.Log10(slices.Min(far))), 0, p.Left, p.Right, true}
	x.low = min(max(x.low, -6), -1)
	y := axis{0, 1, p.Bottom, p.Top, false}
	p.YTicks = y.ticks(5)
	for _, v := range x.round(4) {
		p.XTicks = append(p.XTicks, tick{pixel(x.at(v)), strconv.FormatFloat(100*v, 'g', 3, 64) + " %"})
	}
	for k, c := range curves {
		var b strings.Builder
		pen := "M"
		for i, f := range c.FAR {
			if f > 0 && math.Log10(f) >= x.low {
				b.WriteString(pen + pixel(x.at(f)) + " " + pixel(y.at(c.TAR[i])))
				pen = "L"
			}
		}
		if pen == "L" {
			b.WriteString("L" + pixel(x.at(1)) + " " + pixel(y.at(1)))
			p.Lines = append(p.Lines, line{Name: name(c.Name, maxName), D: b.String(), Colour: k % plotColours})
		}
	}
	return &p
}

func shares(counts []float64) []float64 {
	total := sum(counts)
	list := make([]float64, len(counts))
	for k, n := range counts {
		if total > 0 {
			list[k] = n / total
		}
	}
	return list
}

// steps is the outline of bars.
func steps(edges, heights []float64, x, y axis) string {
	var b strings.Builder
	b.WriteString("M" + pixel(x.at(edges[0])) + " " + pixel(y.at(0)))
	for k, h := range heights {
		b.WriteString("V" + pixel(y.at(h)) + "H" + pixel(x.at(edges[k+1])))
	}
	b.WriteString("V" + pixel(y.at(0)) + "Z")
	return b.String()
}

// Line is where the name of the k-th upright line stands, below the top.
func (p plot) Line(k int) float64 { return 10 + 18*float64(k) }

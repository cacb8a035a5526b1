package report

import (
	"cmp"
	"encoding/json"
	"html/template"
	"math"
	"slices"
	"strconv"
	"strings"

	"medusa/internal/plain"
)

// page is what the template shows: texts ready to print, in the page's order.
type page struct {
	Title, Version string
	Style          template.CSS
	Script         template.JS

	Headline *metricRow
	On       string
	Facts    []Fact
	Metrics  []metricRow
	Pixels   bool
	Set      string // that was measured
	Items    string // pictures, vectors …
	Item     string // one of them
	Raw      string // what they are before any network: pixels, vectors …
	Protocol string

	Warnings []Warning

	Plots     []plot
	Distances []distancePlot
	Measured  bool // distances were measured here, on a sample

	FewShot    []Table // none or one
	Thresholds []Table // one a list of pairs
	ROC        *plot

	Map           *mapView
	Best, Worst   []queryView
	APName        string
	Confused      []pairView
	Splits        []splitView
	Skipped       []skipView
	SkippedTotal  string
	SkippedList   string
	Config        string
	Thumbnails    []template.URL // the sprite sheets: of the galleries, of the map
	Gallery       sheet
	MissingThumbs string
	Payload       payload
}

type metricRow struct {
	Name, Pixels, Before, After, Gain string
	Worse                             bool   // the gain goes the wrong way
	Bar                               bool   // both values lie within 0 … 1
	From, To, Raw                     string // of the bar, in percent; Raw is empty if pixels were not measured
	low, high                         float64
}

type distancePlot struct {
	plot
	Separation string
	top        float64 // distance at the right end
}

type mapView struct {
	Note    string
	Dots    []line
	Size    float64
	Names   []string // of the layouts
	Classes []string // for the search field
}

type queryView struct {
	Picture     tileView
	Class       string
	Measure, AP string
	Neighbours  []neighbourView
}

type neighbourView struct {
	Picture         tileView
	Right           bool
	Class, Distance string
}

type tileView struct {
	X, Y  int // of the tile in the sheet, in tiles
	Empty bool
	Name  string // in place of a picture where nothing can be drawn: the end of Path
	Path  string
	Alt   string
}

type pairView struct {
	A, B, Count string
	Examples    [][2]tileView
}

type splitView struct{ Name, Classes, Pictures, Smallest, Note string }

type skipView struct {
	Reason, Detail, Count string
	Examples              []string
}

// payload is the JSON that the script reads.
type payload struct {
	Plots []plotData `json:"plots"`
	Map   *mapData   `json:"map"`
}

type plotData struct {
	Title  string       `json:"title"`
	Unit   string       `json:"unit"`
	Log    bool         `json:"log"`
	Series []seriesData `json:"series"`
}

type seriesData struct {
	Name string  `json:"name"`
	X    []int   `json:"x"`
	Y    []value `json:"y"`
}

type mapData struct {
	Extent  int      `json:"extent"`
	Colours int      `json:"colours"`
	Tile    int      `json:"tile"` // pixels of a thumbnail; 0 for none
	Columns int      `json:"columns"`
	Classes []string `json:"classes"`
	Marks   []int    `json:"marks"` // one a class
	Class   []int    `json:"class"` // one a point: index into Classes
	Paths   []string `json:"paths"` // one a point, or none
	Layouts []layout `json:"layouts"`
}

// value is a number with five significant digits, null if it is not finite.
type value float64

func (v value) MarshalJSON() ([]byte, error) {
	if !finite(float64(v)) {
		return []byte("null"), nil
	}
	rounded, err := strconv.ParseFloat(strconv.FormatFloat(float64(v), 'g', 5, 64), 64)
	if err != nil { // rounded beyond the largest float64
		return []byte("null"), nil
	}
	return json.Marshal(rounded)
}

// newPage turns data into texts. Its sheets come later.
func newPage(d *Data) *page {
	p := &page{Title: name(cmp.Or(d.Title, "Training run"), 200), Version: name(d.Version, 200), Protocol: name(d.Protocol, 2000),
		APName: name(cmp.Or(d.APName, apName(d)), maxName), Style: template.CSS(style), Script: template.JS(script)}
	for _, f := range d.Facts {
		p.Facts = append(p.Facts, Fact{name(f.Name, maxName), name(f.Value, 400)})
	}
	for _, m := range d.Metrics {
		p.Metrics = append(p.Metrics, m.row(d.Pixels))
	}
	p.Set, p.Item = name(cmp.Or(d.Set, "test"), maxName), d.item()
	p.Items, p.Raw = name(d.items(), maxName), "pixels"
	if p.Items != "pictures" {
		p.Raw = p.Items
	}
	p.Pixels, p.On = d.Pixels, name(cmp.Or(d.On, "test classes"), 200)
	if len(p.Metrics) > 0 && finite(d.Metrics[0].After) {
		p.Headline = &p.Metrics[0]
	}
	for _, g := range groups(d.Series) {
		g.title, g.unit = name(g.title, maxName), name(g.unit, 20)
		for k := range g.series {
			g.series[k].Name = name(g.series[k].Name, maxName)
		}
		p.Plots = append(p.Plots, g.plot())
		p.Payload.Plots = append(p.Payload.Plots, g.data())
	}
	p.addDistances(d)
	if len(d.FewShot.Rows) > 0 {
		p.FewShot = []Table{d.FewShot.printable()}
	}
	p.addThresholds(d)
	for _, s := range d.Splits {
		p.Splits = append(p.Splits, splitView{name(s.Name, maxName), count(s.Classes), count(s.Pictures), count(s.Smallest), name(s.Note, 400)})
	}
	p.addSkipped(d.Skipped)
	p.SkippedList = name(d.SkippedList, maxPath)
	for _, w := range d.Warnings {
		p.Warnings = append(p.Warnings, Warning{Step: w.Step, Message: name(w.Message, 2000), Advice: name(w.Advice, 2000)})
	}
	p.Config = configText(d.Config)
	return p
}

func (d *Data) items() string { return cmp.Or(d.Items, "pictures") }

// item is one of the items.
func (d *Data) item() string { return name(strings.TrimSuffix(d.items(), "s"), maxName) }

func apName(d *Data) string {
	if d.PerQueryAP != nil {
		return "AP"
	}
	longest := 0
	for _, row := range d.Neighbours.Indices {
		longest = max(longest, len(row))
	}
	return "AP@" + strconv.Itoa(longest)
}

func configText(s string) string {
	if len(s) > maxConfig {
		s = s[:maxConfig] + "\n… cut here: the whole text stands in the run's folder\n"
	}
	return plain.Lines(s)
}

func (m Metric) row(pixels bool) metricRow {
	r := metricRow{Name: name(m.Name, maxName), Pixels: share(m.Pixels), Before: share(m.Before), After: share(m.After), Gain: "–"}
	if gain := m.After - m.Before; finite(gain) {
		r.Gain = share(gain)
		if gain > 0 {
			r.Gain = "+" + r.Gain
		}
		r.Worse = (gain < 0) != m.LowerIsBetter && gain != 0
	}
	if r.Bar = m.Before >= 0 && m.Before <= 1 && m.After >= 0 && m.After <= 1; r.Bar {
		r.From, r.To = pixel(100*m.Before), pixel(100*m.After)
		r.low, r.high = min(m.Before, m.After), max(m.Before, m.After)
		if pixels && m.Pixels >= 0 && m.Pixels <= 1 {
			r.Raw = pixel(100 * m.Pixels)
		}
	}
	return r
}

// Low and Width place the bar between the two values, in percent.
func (r metricRow) Low() string   { return pixel(100 * r.low) }
func (r metricRow) Width() string { return pixel(100 * (r.high - r.low)) }

func (g group) data() plotData {
	p := plotData{Title: g.title, Unit: g.unit, Log: g.log}
	for _, s := range g.series {
		values := make([]value, len(s.Values))
		for k, v := range s.Values {
			values[k] = value(v)
		}
		p.Series = append(p.Series, seriesData{Name: s.Name, X: s.Steps, Y: values})
	}
	return p
}

func (p *page) addDistances(d *Data) {
	list := d.Distances
	if list == nil {
		p.Measured = true
		for _, x := range []struct {
			name   string
			values []float32
		}{{"before training", d.EmbeddingsBefore}, {"after training", d.Embeddings}} {
			if len(x.values) == 0 {
				continue
			}
			if h, ok := measureDistances(x.name, x.values, d.Dim, d.Labels); ok {
				list = append(list, h)
			}
		}
	}
	top, least := 0.0, math.Inf(1)
	for _, h := range list {
		end := h.Edges[len(h.Edges)-1]
		top, least = max(top, end), min(least, end)
	}
	for _, h := range list {
		end := top
		if least < top/3 { // one scale would hide the smaller histogram
			end = h.Edges[len(h.Edges)-1]
		}
		h.Name = name(h.Name, maxName)
		p.Distances = append(p.Distances, distancePlot{h.plot(end), share(h.separation()), end})
	}
	if n := len(list); n > 0 {
		p.Distances[n-1].mark(d.Marks)
	}
}

func (p *page) addThresholds(d *Data) {
	for _, t := range []Table{d.Thresholds, d.Pairs} {
		if len(t.Rows) > 0 {
			p.Thresholds = append(p.Thresholds, t.printable())
		}
	}
	if len(p.Thresholds) > 0 {
		p.ROC = rocPlot(d.ROC)
	}
}

func (t Table) printable() Table {
	out := Table{Head: names(t.Head)}
	for _, row := range t.Rows {
		out.Rows = append(out.Rows, names(row))
	}
	for _, n := range t.Notes {
		out.Notes = append(out.Notes, name(n, 2000))
	}
	return out
}

func names(list []string) []string {
	out := make([]string, len(list))
	for k, s := range list {
		out[k] = name(s, maxName)
	}
	return out
}

func (p *page) addSkipped(list []Skip) {
	total := 0
	for _, s := range list {
		total += s.Count
		v := skipView{Reason: name(s.Reason, 200), Detail: name(s.Detail, 300), Count: count(s.Count)}
		for _, e := range s.Examples[:min(len(s.Examples), 5)] {
			v.Examples = append(v.Examples, name(e, maxPath))
		}
		p.Skipped = append(p.Skipped, v)
	}
	p.SkippedTotal = count(total)
}

// className is the name of a label, or its number if it has none. −1 is a picture of no
// class.
func (d *Data) className(label int) string {
	if label == -1 {
		return "no class"
	}
	if label >= 0 && label < len(d.Classes) {
		return name(d.Classes[label], maxName)
	}
	if label < 0 {
		return "no class"
	}
	return "class " + strconv.Itoa(label)
}

func (d *Data) path(i int) string {
	if len(d.Paths) == 0 {
		return d.item() + " " + strconv.Itoa(i)
	}
	return name(d.Paths[i], maxPath)
}

func (d *Data) tile(i int, s *sheet) tileView {
	t := tileView{Path: d.path(i), Alt: title(d.item()) + " of " + d.className(d.Labels[i])}
	if d.Thumbnail == nil {
		t.Name = t.Path[strings.LastIndexAny(t.Path, `/\`)+1:]
	}
	place, ok := s.place[i]
	if !ok || s.Source == "" {
		t.Empty = true
		return t
	}
	t.X, t.Y = place%s.Columns, place/s.Columns
	return t
}

// galleries are the queries and confused pairs to be shown.
type galleries struct {
	best, worst []retrieved
	pairs       []ClassPair
	examples    [][][2]int
}

func newGalleries(d *Data) galleries {
	var g galleries
	if len(d.Neighbours.Indices) > 0 {
		g.best, g.worst = d.extremes()
	}
	g.pairs = d.confused()
	g.pairs = g.pairs[:min(len(g.pairs), shownPairs)]
	for _, p := range g.pairs {
		g.examples = append(g.examples, d.mistakes(p))
	}
	return g
}

// pictures lists the test pictures of all galleries, rising, each once.
func (g galleries) pictures() []int {
	var all []int
	for _, list := range [][]retrieved{g.best, g.worst} {
		for _, q := range list {
			all = append(all, q.row)
			for _, n := range q.neighbours {
				all = append(all, n.row)
			}
		}
	}
	for _, pairs := range g.examples {
		for _, e := range pairs {
			all = append(all, e[0], e[1])
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

func (p *page) addGalleries(d *Data, g galleries) {
	p.Best, p.Worst = d.queryViews(g.best, p.APName, &p.Gallery), d.queryViews(g.worst, p.APName, &p.Gallery)
	for k, pair := range g.pairs {
		v := pairView{A: d.className(pair.A), B: d.className(pair.B), Count: plural(pair.Count, "query", "queries")}
		if finite(pair.Share) {
			v.Count += " · " + strconv.FormatFloat(100*pair.Share, 'f', 0, 64) + " %"
		}
		for _, e := range g.examples[k] {
			v.Examples = append(v.Examples, [2]tileView{d.tile(e[0], &p.Gallery), d.tile(e[1], &p.Gallery)})
		}
		p.Confused = append(p.Confused, v)
	}
}

func (d *Data) queryViews(list []retrieved, measure string, s *sheet) []queryView {
	var views []queryView
	for _, r := range list {
		v := queryView{Picture: d.tile(r.row, s), Class: d.className(d.Labels[r.row]), Measure: measure, AP: share(r.ap)}
		for _, n := range r.neighbours {
			v.Neighbours = append(v.Neighbours, neighbourView{d.tile(n.row, s), n.right, d.className(d.Labels[n.row]), number(n.distance)})
		}
		views = append(views, v)
	}
	return views
}

// addMap puts the chart on the page; paths may be left out to save room.
func (p *page) addMap(d *Data, c *chart, paths bool) {
	m := &mapData{Extent: chartExtent, Colours: chartColours, Layouts: c.Layouts}
	index := make(map[int]int, len(c.classes))
	for k, label := range c.classes {
		index[label] = k
		m.Classes = append(m.Classes, d.className(label))
		m.Marks = append(m.Marks, c.mark[label])
	}
	for _, i := range c.rows {
		m.Class = append(m.Class, index[d.Labels[i]])
		if paths {
			m.Paths = append(m.Paths, d.path(i))
		}
	}
	p.Payload.Map = m
	v := &mapView{Note: c.note(len(d.Labels), d.item()), Size: 600, Classes: m.Classes}
	v.Dots = c.dots(d.Labels, v.Size)
	for _, l := range c.Layouts {
		v.Names = append(v.Names, l.Name)
	}
	p.Map = v
}

func (c *chart) note(all int, item string) string {
	items := item + "s"
	s := plural(len(c.rows), item, items) + " of " + plural(len(c.classes), "class", "classes")
	if len(c.rows) < all-c.dropped {
		s += ", taken evenly from the classes out of " + count(all)
	}
	s += ". t-SNE: near means similar; distances between far groups mean little."
	if len(c.classes) > chartColours {
		s += " Colours and shapes repeat; neighbouring classes differ."
	}
	if n := c.Layouts[0].strays; n > 0 {
		s += " " + plural(n, item+" lies", items+" lie") + " far outside and " + map[bool]string{true: "stands", false: "stand"}[n == 1] + " at the border."
	}
	if c.dropped > 0 {
		s += " " + plural(c.dropped, item+" has", items+" have") + " an embedding with NaN or Inf and cannot be shown."
	}
	return s
}

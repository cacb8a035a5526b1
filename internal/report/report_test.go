package report

import (
	"bytes"
	"encoding/json"
	"errors"
	"image"
	"image/color"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// run is a whole report of n test pictures of some classes.
func run(n, classes int) Data {
	const dim = 6
	r := rand.New(rand.NewPCG(uint64(n), uint64(classes)))
	d := Data{
		Title: "A run", Facts: []Fact{{"Seed", "7"}, {"Device", "cpu"}},
		Metrics:  []Metric{{Name: "Recall@1", Before: .2, After: .7}, {Name: "NMI", Before: math.NaN(), After: .9}, {Name: "MAP@R", Before: .5, After: .4}},
		Protocol: "Self-retrieval.", Dim: dim, Seed: 1, Config: "loss: triplet\nsteps: 600\n", Version: "medusa test",
		Warnings: []Warning{{Message: "seen before", Advice: "more classes"}, {Step: 20, Message: "a collapse", Advice: "lower the rate"}},
		Splits:   []Split{{Name: "train", Classes: 12, Pictures: 12345, Smallest: 3}},
		Skipped:  []Skip{{Reason: "truncated", Count: 2, Examples: []string{"a.jpg", "b.jpg"}}},
		Series: []Series{
			{Group: "Loss", Steps: []int{1, 2, 3}, Values: []float64{.9, math.NaN(), .5}},
			{Group: "Distance", Name: "one class", Steps: []int{1, 2, 3}, Values: []float64{1, .8, .6}},
			{Group: "Distance", Name: "two classes", Steps: []int{1, 2, 3}, Values: []float64{1, 1.1, 1.2}},
		},
		Thumbnail: func(i int) (image.Image, error) {
			m := image.NewRGBA(image.Rect(0, 0, 20, 30))
			for p := range m.Pix {
				m.Pix[p] = uint8(i*37 + p)
			}
			return m, nil
		},
	}
	for c := range classes {
		d.Classes = append(d.Classes, "class-"+string(rune('a'+c)))
	}
	for i := range n {
		d.Labels = append(d.Labels, i%classes)
		d.Paths = append(d.Paths, filepath.Join(d.Classes[i%classes], "picture.png"))
		for k := range dim {
			v := r.NormFloat64()
			d.EmbeddingsBefore = append(d.EmbeddingsBefore, float32(v))
			d.Embeddings = append(d.Embeddings, float32(.4*v+2*math.Sin(float64(1+i%classes*dim+k))))
		}
	}
	for _, row := range nearest(selected(d.Embeddings, dim, indices(n)), min(5, n-1)) {
		var js []int32
		var ds []float32
		for _, l := range row {
			js, ds = append(js, l.to), append(ds, float32(math.Sqrt(l.p)))
		}
		d.Neighbours.Indices, d.Neighbours.Distances = append(d.Neighbours.Indices, js), append(d.Neighbours.Distances, ds)
	}
	return d
}

func written(t testing.TB, d Data) (string, *html.Node) {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, Write(&b, d))
	root, err := html.Parse(bytes.NewReader(b.Bytes()))
	require.NoError(t, err)
	return b.String(), root
}

// all lists the nodes that are of a kind and, if class is not empty, have that class.
func all(root *html.Node, kind atom.Atom, class string) []*html.Node {
	var list []*html.Node
	for n := range root.Descendants() {
		if n.DataAtom == kind && n.Type == html.ElementNode && (class == "" || strings.Contains(" "+attribute(n, "class")+" ", " "+class+" ")) {
			list = append(list, n)
		}
	}
	return list
}

func attribute(n *html.Node, key string) string {
	for _, a := range n.Attr {
		if a.Key == key {
			return a.Val
		}
	}
	return ""
}

func words(n *html.Node) string {
	var b strings.Builder
	for c := range n.Descendants() {
		if c.Type == html.TextNode {
			b.WriteString(c.Data + " ")
		}
	}
	return strings.Join(strings.Fields(b.String()), " ")
}

func section(t testing.TB, root *html.Node, id string) *html.Node {
	for _, n := range all(root, atom.Section, "") {
		if attribute(n, "id") == id {
			return n
		}
	}
	t.Fatalf("no section %q", id)
	return nil
}

func TestPageHoldsEverySection(t *testing.T) {
	_, root := written(t, run(60, 5))
	assert.Equal(t, "A run", words(all(root, atom.H1, "")[0]))
	assert.Contains(t, words(all(root, atom.Dl, "facts")[0]), "Seed 7")

	var rows []string
	for _, tr := range all(section(t, root, "metrics"), atom.Tr, "")[1:] {
		rows = append(rows, words(tr))
	}
	assert.Equal(t, []string{"Recall@1 0.200 0.700 +0.500", "NMI – 0.900 –", "MAP@R 0.500 0.400 −0.100 (worse)"}, rows)

	curves := all(section(t, root, "curves"), atom.Figure, "")
	require.Len(t, curves, 2)
	assert.Contains(t, words(curves[0]), "Loss 0.5")
	assert.Contains(t, words(curves[1]), "one class 0.6 two classes 1.2")

	assert.Len(t, all(section(t, root, "distances"), atom.Figure, ""), 2)
	assert.Contains(t, words(section(t, root, "map")), "60 pictures of 5 classes.")
	assert.Len(t, all(section(t, root, "queries"), atom.Li, "query"), 16)
	assert.Len(t, all(section(t, root, "queries"), atom.Ol, "found"), 16)
	assert.Contains(t, words(section(t, root, "data")), "train 12 12 345 3", "with a thin space, which is a space to Fields")
	assert.Equal(t, "Warnings Before training : seen before. More classes. Step 20 : a collapse. Lower the rate.", words(section(t, root, "warnings")))
	assert.Contains(t, words(section(t, root, "data")), "truncated 2 a.jpg b.jpg")
	assert.Equal(t, "loss: triplet\nsteps: 600\n", all(root, atom.Pre, "")[0].FirstChild.Data)
	assert.Contains(t, words(all(root, atom.Footer, "")[0]), "medusa test")
}

// Marks of right and wrong stand in words and in shape, and agree with the labels.
func TestNeighboursAreMarked(t *testing.T) {
	d := run(60, 5)
	_, root := written(t, d)
	right, wrong := 0, 0
	for _, q := range all(section(t, root, "queries"), atom.Li, "query") {
		asked := words(all(q, atom.B, "")[0])
		for _, kind := range []string{"right", "wrong"} {
			for _, li := range all(q, atom.Li, kind) {
				assert.Contains(t, words(li), kind)
				alt := attribute(all(li, atom.Span, "thumb")[0], "aria-label")
				assert.Equal(t, kind == "right", alt == "Picture of "+asked, "%s, %s", alt, asked)
				if kind == "right" {
					right++
				} else {
					wrong++
				}
			}
		}
	}
	assert.Equal(t, 16*5, right+wrong)
	assert.Positive(t, right)
	assert.Positive(t, wrong)
}

var inlined = regexp.MustCompile(`data:image/(png|jpeg);base64,[A-Za-z0-9+/=]*`)

var elsewhere = regexp.MustCompile(`(?i)(?:https?:)?//[a-z0-9][a-z0-9.-]+|@import|url\(\s*["']?(?:[^d"'\s]|d[^a])`)

func TestPageLoadsNothing(t *testing.T) {
	_, root := written(t, run(60, 5))
	for n := range root.Descendants() {
		if n.Type != html.ElementNode {
			continue
		}
		assert.NotContains(t, []string{"link", "img", "iframe", "object", "embed", "base", "audio", "video"}, n.Data)
		for _, a := range n.Attr {
			switch a.Key {
			case "src", "srcset", "data", "action", "background", "poster":
				t.Errorf("%s has %s", n.Data, a.Key)
			case "href":
				assert.True(t, strings.HasPrefix(a.Val, "#"), a.Val)
			case "style":
				assert.NotContains(t, a.Val, "url(")
			}
		}
	}
	for _, e := range append(all(root, atom.Style, ""), all(root, atom.Script, "")...) {
		code := inlined.ReplaceAllString(e.FirstChild.Data, "data:")
		for _, found := range elsewhere.FindAllString(code, -1) {
			if found != "//www.w3.org" && found != "http://www.w3.org" && found != "url(#" && found != "url(#$" { // the name of SVG, and a clip path
				t.Errorf("<%s> names %s", e.Data, found)
			}
		}
	}
	policy := ""
	for _, m := range all(root, atom.Meta, "") {
		if attribute(m, "http-equiv") == "Content-Security-Policy" {
			policy = attribute(m, "content")
		}
	}
	assert.Contains(t, policy, "default-src 'none'")
	assert.NotContains(t, policy, "http")
}

func TestSameDataSameFile(t *testing.T) {
	first, _ := written(t, run(80, 7))
	for range 3 {
		again, _ := written(t, run(80, 7))
		require.Equal(t, first, again)
	}
}

func TestIDsAndAnchors(t *testing.T) {
	_, root := written(t, run(60, 5))
	ids := map[string]bool{}
	for n := range root.Descendants() {
		if id := attribute(n, "id"); id != "" {
			assert.False(t, ids[id], "id %s twice", id)
			ids[id] = true
		}
	}
	for _, a := range all(root, atom.A, "") {
		assert.True(t, ids[strings.TrimPrefix(attribute(a, "href"), "#")], attribute(a, "href"))
	}
	for _, svg := range all(root, atom.Svg, "") {
		assert.NotEmpty(t, attribute(svg, "aria-label"))
	}
}

func payloadOf(t testing.TB, root *html.Node) payload {
	t.Helper()
	for _, s := range all(root, atom.Script, "") {
		if attribute(s, "id") == "payload" {
			var p payload
			require.NoError(t, json.Unmarshal([]byte(s.FirstChild.Data), &p))
			return p
		}
	}
	t.Fatal("no payload")
	return payload{}
}

func TestPayloadAgreesWithData(t *testing.T) {
	d := run(60, 5)
	_, root := written(t, d)
	p := payloadOf(t, root)
	require.Len(t, p.Plots, 2)
	assert.Equal(t, []int{1, 2, 3}, p.Plots[0].Series[0].X)
	require.Len(t, p.Map.Layouts, 2)
	assert.Equal(t, d.Classes, p.Map.Classes)
	for k, i := range p.Map.Class {
		require.Equal(t, d.Labels[k], i)
		require.Equal(t, d.Paths[k], p.Map.Paths[k])
	}
	for _, l := range p.Map.Layouts {
		assert.Len(t, l.X, 60)
		for _, v := range append(append([]int{}, l.X...), l.Y...) {
			assert.True(t, v >= 0 && v <= p.Map.Extent)
		}
	}
	assert.Len(t, p.Map.Marks, 5)
	assert.Equal(t, 30, p.Map.Tile, "not larger than the pictures")
}

func TestMissingParts(t *testing.T) {
	whole := run(30, 3)
	for name, change := range map[string]func(*Data){
		"nothing":           func(d *Data) { *d = Data{} },
		"no queries":        func(d *Data) { d.Neighbours = Neighbours{} },
		"no distances":      func(d *Data) { d.Neighbours.Distances = nil },
		"no embeddings":     func(d *Data) { d.Embeddings, d.EmbeddingsBefore = nil, nil },
		"no paths":          func(d *Data) { d.Paths = nil },
		"no class names":    func(d *Data) { d.Classes = nil },
		"no thumbnails":     func(d *Data) { d.Thumbnail = nil },
		"no curves":         func(d *Data) { d.Series = nil },
		"curves of nothing": func(d *Data) { d.Series = []Series{{}, {Name: "x", Steps: []int{1}, Values: []float64{math.NaN()}}} },
		"one class":         func(d *Data) { d.Labels = make([]int, 30) },
		"every one a class": func(d *Data) { d.Labels = indices(30) },
		"negative labels":   func(d *Data) { d.Labels[3] = -5 },
		"NaN embeddings": func(d *Data) {
			d.Embeddings = append([]float32{}, d.Embeddings...)
			d.Embeddings[0], d.Embeddings[7] = float32(math.NaN()), float32(math.Inf(1))
		},
		"all NaN": func(d *Data) {
			d.Embeddings = make([]float32, len(d.Embeddings))
			for i := range d.Embeddings {
				d.Embeddings[i] = float32(math.NaN())
			}
		},
		"huge embeddings": func(d *Data) {
			d.Embeddings = make([]float32, len(d.Embeddings))
			for i := range d.Embeddings {
				d.Embeddings[i] = math.MaxFloat32 * float32(i%3-1)
			}
		},
		"collapsed":      func(d *Data) { d.Embeddings = make([]float32, len(d.Embeddings)) },
		"NaN metrics":    func(d *Data) { d.Metrics = []Metric{{Name: "x", Before: math.NaN(), After: math.Inf(1)}} },
		"NaN precision":  func(d *Data) { d.PerQueryAP = make([]float64, 30); d.PerQueryAP[2] = math.NaN() },
		"NaN neighbours": func(d *Data) { d.Neighbours.Distances[0][0] = float32(math.NaN()) },
		"huge curve": func(d *Data) {
			d.Series = []Series{{Name: "x", Steps: []int{0, 1, 2, 3}, Values: []float64{-math.MaxFloat64, 1e300, -1e300, math.MaxFloat64}}}
		},
		"tiny curve": func(d *Data) {
			d.Series = []Series{{Name: "x", Log: true, Steps: []int{0, 1}, Values: []float64{1e-300, 1}}}
		},
	} {
		t.Run(name, func(t *testing.T) {
			d := whole
			d.Labels = append([]int{}, whole.Labels...)
			d.Neighbours.Distances = nil
			for _, row := range whole.Neighbours.Distances {
				d.Neighbours.Distances = append(d.Neighbours.Distances, append([]float32{}, row...))
			}
			change(&d)
			page, root := written(t, d)
			payloadOf(t, root)
			for n := range root.Descendants() {
				for _, a := range n.Attr {
					if n.Namespace == "svg" {
						assert.NotRegexp(t, "NaN|Inf", a.Val)
					}
				}
			}
			assert.NotContains(t, page, "ZgotmplZ", "a value that the template refused")
		})
	}
}

func TestMissingThumbnailsGetACross(t *testing.T) {
	d := run(30, 3)
	good := d.Thumbnail
	var calls atomic.Int64
	d.Thumbnail = func(i int) (image.Image, error) {
		calls.Add(1)
		switch i {
		case 4:
			return nil, errors.New("unexpected EOF")
		case 5:
			return nil, nil
		case 6:
			return image.NewGray(image.Rect(3, 3, 3, 9)), nil
		}
		return good(i)
	}
	_, root := written(t, d)
	assert.Contains(t, words(section(t, root, "map")), "3 pictures could not be drawn and show a cross.")
	assert.Positive(t, calls.Load())

	d.Thumbnail = func(int) (image.Image, error) { return nil, errors.New("gone") }
	page, _ := written(t, d)
	assert.Contains(t, page, "30 pictures could not be drawn")
}

func TestRefusesWhatDoesNotFit(t *testing.T) {
	for _, row := range []struct {
		change func(*Data)
		want   string
	}{
		{func(d *Data) { d.Paths = d.Paths[1:] }, "report: 29 paths for 30 labels; give one for each test picture, or none"},
		{func(d *Data) { d.Dim = 7 }, "report: Embeddings holds 180 values, want 30 labels × dimension 7"},
		{func(d *Data) { d.Dim = -1 }, "report: embeddings of dimension -1"},
		{func(d *Data) { d.EmbeddingsBefore = d.EmbeddingsBefore[3:] }, "report: EmbeddingsBefore holds 177 values, want 30 labels × dimension 6"},
		{func(d *Data) { d.Labels = nil; d.Paths = nil; d.Neighbours = Neighbours{} }, "report: Embeddings holds 180 values, want 0 labels × dimension 6"},
		{func(d *Data) { d.Neighbours.Indices[3][1] = 30 }, "report: neighbour 30 of query 3 is outside of the 30 test pictures"},
		{func(d *Data) { d.Neighbours.Distances[3] = nil }, "report: query 3 has 5 neighbours and 0 distances"},
		{func(d *Data) { d.PerQueryAP = []float64{1} }, "report: 1 values of PerQueryAP for 30 labels; give one for each test picture, or none"},
		{func(d *Data) { d.Series[0].Steps = nil }, `report: curve "" has 0 steps and 3 values`},
		{func(d *Data) { d.Distances = []Distances{{Name: "x", Edges: []float64{1}}} }, `report: histogram "x" has 1 edges, 0 and 0 bins; want one edge more than bins`},
		{func(d *Data) {
			d.Distances = []Distances{{Name: "x", Edges: []float64{1, 1}, Positive: []float64{1}, Negative: []float64{1}}}
		}, `report: histogram "x": its edges do not rise at 1`},
		{func(d *Data) {
			d.Distances = []Distances{{Name: "x", Edges: []float64{0, 1}, Positive: []float64{-1}, Negative: []float64{1}}}
		}, `report: histogram "x": bin 0 holds -1 pairs`},
	} {
		d := run(30, 3)
		row.change(&d)
		var b bytes.Buffer
		assert.EqualError(t, Write(&b, d), row.want)
		assert.Zero(t, b.Len())
	}
}

func TestWriteFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "report.html")
	d := run(30, 3)
	require.NoError(t, WriteFile(path, d))
	first, err := os.ReadFile(path)
	require.NoError(t, err)

	d.Dim = 99
	require.Error(t, WriteFile(path, d))
	kept, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.Equal(t, first, kept, "a failed report leaves the old one")
	files, err := os.ReadDir(dir)
	require.NoError(t, err)
	assert.Len(t, files, 1, "no temporary file is left")

	err = WriteFile(filepath.Join(dir, "absent", "report.html"), run(5, 2))
	assert.ErrorIs(t, err, os.ErrNotExist)
	assert.ErrorContains(t, err, "report: ")
	assert.ErrorIs(t, Write(broken{}, run(5, 2)), io.ErrClosedPipe)
}

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }

// Noise compresses worst: the file must stay within its limit all the same.
func TestSizeStaysWithinTheLimit(t *testing.T) {
	d := run(5200, 26)
	d.EmbeddingsBefore, d.Neighbours = nil, Neighbours{}
	d.Embeddings = make([]float32, 5200*6) // a collapsed net needs no layout
	noise := image.NewRGBA(image.Rect(0, 0, 256, 256))
	r := rand.New(rand.NewPCG(5, 5))
	for p := range noise.Pix {
		noise.Pix[p] = uint8(r.Uint32())
	}
	d.Thumbnail = func(i int) (image.Image, error) {
		return noise.SubImage(image.Rect(0, 0, 40, 40).Add(image.Pt(i%200, i/200*8))), nil
	}
	page, root := written(t, d)
	assert.LessOrEqual(t, len(page), MaxBytes)
	assert.Greater(t, len(page), MaxBytes/2, "and uses what it may")
	assert.Positive(t, payloadOf(t, root).Map.Tile)
	notes := all(section(t, root, "map"), atom.P, "note")
	assert.Contains(t, words(notes[len(notes)-1]), "5 000 pictures of 26 classes, taken evenly from the classes out of 5 200.")
}

func TestSheetHoldsEachPictureInItsPlace(t *testing.T) {
	shade := func(i int) color.Gray { return color.Gray{Y: uint8(20 * i)} }
	thumbnail := func(i int) (image.Image, error) {
		m := image.NewGray(image.Rect(5, 5, 45, 45))
		for p := range m.Pix {
			m.Pix[p] = shade(i).Y
		}
		return m, nil
	}
	pictures := []int{3, 7, 1, 9, 0}
	s, err := newSheet(pictures, thumbnail, 32, 1<<20)
	require.NoError(t, err)
	assert.Equal(t, 32, s.Tile)
	assert.True(t, strings.HasPrefix(string(s.Source), "data:image/png;base64,"), "drawings are smaller as PNG")
	m := decoded(t, s)
	for _, i := range pictures {
		at := s.place[i]
		assert.Equal(t, shade(i), color.GrayModel.Convert(m.At(at%s.Columns*32+16, at/s.Columns*32+16)), "picture %d", i)
	}
}

// A few points far outside do not squash the map: they stand at the border, and the note
// says how many.
func TestStrayPointsStandAtTheBorder(t *testing.T) {
	points := make([][2]float64, 1000)
	for i := range points {
		points[i] = [2]float64{float64(i % 32), float64(i / 32)}
	}
	points[3], points[700] = [2]float64{900, 10}, [2]float64{12, -5000}
	l := newLayout("after training", points)
	require.Equal(t, 2, l.strays)
	require.Equal(t, chartExtent, l.X[3], "the border")
	require.Equal(t, 0, l.Y[700])
	require.Greater(t, l.X[31]-l.X[0], chartExtent/2, "the others fill the map")

	few := [][2]float64{{0, 0}, {1, 0}, {1, 1}, {0, 1}, {50, 50}}
	l = newLayout("after training", few)
	require.Zero(t, l.strays, "among so few each one counts")

	even := make([][2]float64, 200)
	for i := range even {
		even[i] = [2]float64{float64(i), 0}
	}
	l = newLayout("after training", even)
	require.Zero(t, l.strays)
	require.Equal(t, chartExtent, l.X[199])
	c := &chart{rows: []int{0, 1}, classes: []int{0}, Layouts: []layout{{strays: 1}}}
	require.Contains(t, c.note(2, "picture"), "1 picture lies far outside and stands at the border.")
	c.Layouts[0].strays = 2
	require.Contains(t, c.note(2, "picture"), "2 pictures lie far outside and stand at the border.")
}

func TestThresholdsSection(t *testing.T) {
	d := run(30, 3)
	d.On = "5 test classes, 2 of them learned too"
	d.Pixels = true
	d.Metrics = []Metric{{Name: "Recall@1", Pixels: .25, Before: .5, After: .75}, {Name: "NMI", Pixels: math.NaN(), Before: .1, After: .2}}
	d.Thresholds = Table{Head: []string{"FAR at most", "d", "TAR"}, Rows: [][]string{{"1 %", "0.5", "0.98"}, {"0.1 %", "<b>", "—"}}, Notes: []string{"of 7 classes"}}
	d.FewShot = Table{Head: []string{"few-shot error", "mixed"}, Rows: [][]string{{"20-way 1-shot", "4.31 ± 0.12 %"}}, Notes: []string{"of 5,000 episodes"}}
	d.ROC = []ROC{{Name: "test", FAR: []float64{0, .001, .1}, TAR: []float64{0, .5, .9}}}
	d.Distances = []Distances{{Name: "after", Edges: []float64{0, 1, 2}, Positive: []float64{1, 0}, Negative: []float64{0, 1}}}
	d.Marks = []Mark{{At: 1, Name: "equal error"}, {At: 3, Name: "beyond the end"}}
	html, _ := written(t, d)
	for _, words := range []string{
		"Recall@1, 5 test classes, 2 of them learned too", "Retrieval: 5 test classes, 2 of them learned too", ">Pixels</th>", ">0.250</td>", "raw pixels",
		`href="#thresholds"`, ">0.98</td>", "&lt;b&gt;", "of 7 classes", "True accepts over false accepts", ">equal error</text>", ">0.1 %</text>",
		`href="#few-shot"`, `<section id="few-shot">`, "4.31 ± 0.12 %", "of 5,000 episodes",
	} {
		require.Contains(t, html, words)
	}
	require.NotContains(t, html, "beyond the end")
	require.NotContains(t, html, "unseen classes")

	d.Thresholds, d.FewShot, d.Pixels = Table{}, Table{}, false
	html, _ = written(t, d)
	require.NotContains(t, html, "few-shot")
	require.NotContains(t, html, "thresholds")
	require.NotContains(t, html, ">Pixels</th>")

	d.Thresholds = Table{Head: []string{"a"}, Rows: [][]string{{"1", "2"}}}
	require.ErrorContains(t, Write(io.Discard, d), "row 0 of the thresholds has 2 cells under 1 heads")
	d.Thresholds, d.ROC = Table{}, []ROC{{Name: "x", FAR: []float64{1}}}
	require.ErrorContains(t, Write(io.Discard, d), `ROC "x" has 1 values of FAR and 0 of TAR`)
}

// The page names the set that was measured and what it holds; what cannot be drawn shows
// its name.
func TestNamesOfTheMeasuredSet(t *testing.T) {
	d := run(30, 3)
	d.Set, d.Items, d.Thumbnail = "validation", "vectors", nil
	d.Marks = []Mark{{At: .1, Name: "near"}}
	text, root := written(t, d)
	for _, want := range []string{"Distances between validation vectors", "Map of the validation embeddings", "one dot for each vector", "30 vectors of 3 classes",
		"Left out: 2", "More classes.", "Lower the rate."} {
		assert.Contains(t, text, want)
	}
	assert.NotContains(t, text, "test embeddings")
	named := all(root, atom.Span, "named")
	require.NotEmpty(t, named)
	assert.Contains(t, words(named[0]), "picture.png")
	assert.Empty(t, all(root, atom.Span, "empty"))
}

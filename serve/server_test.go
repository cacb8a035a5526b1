package serve

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"math"
	"mime/multipart"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"medusa/index"
	"medusa/metrics"
	"medusa/model"
)

// Embeddings have the bits of Model.EmbedReader, however pictures are sent and answers read.
func TestEmbed(t *testing.T) {
	s := begin(t, Options{})
	one, err := s.model.EmbedReader(context.Background(), bytes.NewReader(drawing(1, 1)))
	require.NoError(t, err)
	two, err := s.model.EmbedReader(context.Background(), bytes.NewReader(drawing(2, 0)))
	require.NoError(t, err)

	a := is[embedAnswer](s.png("/v1/embed", drawing(1, 1)), 200)
	require.Equal(t, embedAnswer{s.model.Fingerprint(), 5, [][]float32{one}}, a)
	for _, kind := range []string{"application/octet-stream", "image/jpeg", ""} { // what a picture is says itself
		require.Equal(t, a, is[embedAnswer](s.send("POST", "/v1/embed", kind, drawing(1, 1)), 200))
	}
	both := [][]float32{one, two}
	require.Equal(t, both, is[embedAnswer](s.json("/v1/embed", map[string]any{"pictures": [][]byte{drawing(1, 1), drawing(2, 0)}}), 200).Embeddings)

	var b bytes.Buffer
	form := multipart.NewWriter(&b)
	for i, name := range []string{"picture", "anything"} {
		part, err := form.CreateFormFile(name, "../../etc/passwd")
		require.NoError(t, err)
		part.Write(drawing(i+1, 1-i))
	}
	form.Close()
	require.Equal(t, both, is[embedAnswer](s.send("POST", "/v1/embed", form.FormDataContentType(), b.Bytes()), 200).Embeddings)

	bin := s.json("/v1/embed", map[string]any{"pictures": [][]byte{drawing(1, 1), drawing(2, 0)}}, "Accept: application/octet-stream")
	require.Equal(t, 200, bin.status)
	require.Equal(t, "application/octet-stream", bin.header.Get("Content-Type"))
	require.Equal(t, "2,5", bin.header.Get("Medusa-Shape"))
	require.Len(t, bin.body, 2*5*4)
	for i, want := range append(append([]float32{}, one...), two...) {
		require.Equal(t, want, math.Float32frombits(binary.LittleEndian.Uint32(bin.body[4*i:])))
	}
}

// A search finds what index.Search finds, and decides as metrics.Classify does.
func TestSearch(t *testing.T) {
	s := begin(t, Options{})
	s.png("/v1/search", drawing(0, 0)).fails(409, codeEmpty, "the gallery is empty: enrol pictures first")
	s.fill()
	ctx := context.Background()
	query, err := s.model.EmbedReader(ctx, bytes.NewReader(drawing(2, 5)))
	require.NoError(t, err)
	want, err := s.gallery.x.Search(ctx, query, index.SearchOptions{K: 4})
	require.NoError(t, err)

	a := is[searchAnswer](s.png("/v1/search?k=4", drawing(2, 5)), 200)
	require.Equal(t, "euclidean", a.Distance)
	require.Equal(t, 12, a.Items)
	require.Len(t, a.Results, 1)
	require.Len(t, a.Results[0].Hits, 4)
	for i, h := range a.Results[0].Hits {
		it := want.Item(0, i)
		require.Equal(t, want.Of(0)[i].Distance, h.Distance)
		require.Equal(t, s.server.answerOf(it), h.itemAnswer)
		require.Equal(t, 200, s.get(h.Thumbnail).status)
	}
	require.Len(t, is[searchAnswer](s.png("/v1/search", drawing(2, 5)), 200).Results[0].Hits, 10)

	classified := func(votes int, within *float64) metrics.Decision {
		gallery := metrics.Set{Dim: 5}
		require.NoError(t, s.gallery.x.All(func(it index.Item) bool {
			gallery.Embeddings, gallery.Labels = append(gallery.Embeddings, it.Vector...), append(gallery.Labels, int(it.Label[5]-'0'))
			return true
		}))
		d, err := metrics.Classify(ctx, metrics.Set{Dim: 5, Embeddings: query}, &gallery, metrics.ClassifyOptions{K: votes, MaxDistance: within})
		require.NoError(t, err)
		return d[0]
	}
	for _, votes := range []int{1, 2, 5, 12} {
		for _, threshold := range []float64{1e-9, 100} {
			got := is[searchAnswer](s.json("/v1/search", map[string]any{"vectors": [][]float32{query}, "votes": votes, "threshold": threshold}), 200).Results[0].Decision
			d := classified(votes, &threshold)
			require.Equal(t, int(got.Label[5]-'0'), d.Label, votes)
			require.Equal(t, d.Votes, got.Votes)
			require.InDelta(t, d.Distance, got.Distance, 1e-6)
			require.Equal(t, d.Rejected, got.Rejected)
			require.Equal(t, threshold, got.Threshold)
		}
	}
	require.False(t, is[searchAnswer](s.png("/v1/search", drawing(2, 5)), 200).Results[0].Decision.Rejected, "no threshold rejects nothing")

	filtered := is[searchAnswer](s.png("/v1/search?label=class1&label=class3&k=100&exact=true", drawing(2, 5)), 200).Results[0].Hits
	require.Len(t, filtered, 6)
	for _, h := range filtered {
		require.Contains(t, []string{"class1", "class3"}, h.Label)
	}
	require.Len(t, is[searchAnswer](s.png("/v1/search?label=class1&label=clas3&k=100&exact=true", drawing(2, 5)), 200).Results[0].Hits, 3, "one of them is there")
	for query, want := range map[string]string{
		"label=clas1": `the gallery has no items of "clas1"; did you mean "class1"?`, "label=zebra": `of "zebra"; /v1/labels lists the labels that there are`,
		"label=clas1&label=clss2":               `the gallery has no items of "clas1" or "clss2"; did you mean "class1" or "class2"?`,
		"label=x&label=y&label=z&label=d&label": `of "x" or "y" or "z" or of any of 2 other labels; /v1/labels`, "label=": `of ""; /v1/labels`,
	} {
		s.png("/v1/search?"+query, drawing(2, 5)).fails(422, codeLabel, want)
	}
	require.Empty(t, is[searchAnswer](s.png("/v1/search?label=class1&meta.camera=2", drawing(2, 5)), 200).Results[0].Hits, "the label is there")
	require.Empty(t, is[searchAnswer](s.png("/v1/search?meta.camera=2", drawing(2, 5)), 200).Results[0].Hits)
	require.Nil(t, is[searchAnswer](s.png("/v1/search?meta.camera=2", drawing(2, 5)), 200).Results[0].Decision)

	own := want.Of(0)[0].ID
	like := is[searchAnswer](s.json("/v1/search", map[string]any{"id": own, "k": 11}), 200).Results[0].Hits
	require.Len(t, like, 11)
	for _, h := range like {
		require.NotEqual(t, itemID(own), h.ID, "an item is no neighbour of its own")
	}
	several := is[searchAnswer](s.json("/v1/search", map[string]any{"pictures": [][]byte{drawing(2, 5)}, "vectors": [][]float32{query}, "id": "3", "k": 2}), 200)
	require.Len(t, several.Results, 3)
	require.Equal(t, several.Results[0], several.Results[1])
	require.Equal(t, a.Results[0].Hits[:2], several.Results[0].Hits)
	require.Len(t, several.Results[2].Hits, 2)
}

func TestVerify(t *testing.T) {
	m := loaded(t)
	c := &model.Calibration{Model: m.Fingerprint(), Data: "photos"}
	c.AtFAR = []metrics.OperatingPoint{{AskedFAR: 0.01, Threshold: 0.25}, {AskedFAR: 0.001, Threshold: 0.125}}
	g, err := NewGallery(must1(index.New(*made(m))), "")
	require.NoError(t, err)
	s := serving(t, m, g, "", Options{Threshold: 0.5, FAR: 0.05, Calibration: c})
	x, err := m.EmbedReader(context.Background(), bytes.NewReader(drawing(0, 0)))
	require.NoError(t, err)
	y, err := m.EmbedReader(context.Background(), bytes.NewReader(drawing(3, 1)))
	require.NoError(t, err)
	sum := 0.0
	for i := range x {
		sum += (float64(x[i]) - float64(y[i])) * (float64(x[i]) - float64(y[i]))
	}
	d := math.Sqrt(sum)
	require.Positive(t, d)
	verify := func(more map[string]any) verifyAnswer {
		q := map[string]any{"pictures": [][]byte{drawing(0, 0), drawing(3, 1)}}
		for k, v := range more {
			q[k] = v
		}
		return is[verifyAnswer](s.json("/v1/verify", q), 200)
	}
	require.Equal(t, verifyAnswer{d < 0.5, d, 0.5, 0.05}, verify(nil))
	require.Equal(t, verifyAnswer{d < 0.25, d, 0.25, 0.01}, verify(map[string]any{"far": 0.01}))
	require.Equal(t, verifyAnswer{false, d, d, 0}, verify(map[string]any{"threshold": d}), "the threshold itself is not below it")
	require.True(t, verify(map[string]any{"threshold": d * 1.0001}).Same)
	same := is[verifyAnswer](s.json("/v1/verify", map[string]any{"pictures": [][]byte{drawing(1, 1), drawing(1, 1)}}), 200)
	require.Equal(t, verifyAnswer{true, 0, 0.5, 0.05}, same)
	info := is[infoAnswer](s.get("/v1/info"), 200)
	require.Equal(t, []thresholdFAR{{0.01, 0.25}, {0.001, 0.125}}, info.Thresholds)
	require.Equal(t, 0.5, info.Threshold)
	q := map[string]any{"pictures": [][]byte{drawing(0, 0), drawing(3, 1)}, "far": 0.2}
	s.json("/v1/verify", q).fails(400, codeRequest, "the calibration has no threshold for a false accept rate of 0.2: want one of 0.01, 0.001")
	none := serving(t, m, g, "", Options{})
	none.json("/v1/verify", q).fails(400, codeThreshold, "the server knows no thresholds for rates")
	delete(q, "far")
	none.json("/v1/verify", q).fails(400, codeThreshold, "nobody has said below which distance two pictures are the same")
}

func must1[T any](v T, err error) T {
	must(err)
	return v
}

// Decisions use the threshold in the distance of the gallery.
func TestThresholdInTheDistanceOfTheGallery(t *testing.T) {
	m := loaded(t)
	require.False(t, m.Info().Net.Raw)
	for _, c := range []struct {
		o    index.Options
		want float64
	}{
		{index.Options{Distance: metrics.Euclidean}, 0.5},
		{index.Options{Distance: metrics.Cosine}, 0.125},
		{index.Options{Distance: metrics.Cosine, Storage: index.Int8}, 0.125},
		{index.Options{Distance: metrics.Dot}, 0},
		{index.Options{Storage: index.Binary}, 0},
	} {
		c.o.Dim, c.o.Model = m.EmbeddingSize(), m.Fingerprint()
		g, err := NewGallery(must1(index.New(c.o)), "")
		require.NoError(t, err)
		s := serving(t, m, g, "", Options{Threshold: 0.5})
		s.fill()
		got := is[searchAnswer](s.png("/v1/search", drawing(2, 5)), 200)
		require.Equal(t, c.want, got.Results[0].Decision.Threshold, "%v", c.o)
		require.Equal(t, c.o.Distance.String(), got.Distance)
	}
}

func TestItems(t *testing.T) {
	s := begin(t, Options{})
	a := s.png("/v1/items?label=cat&meta.camera=2&meta.day=Monday", drawing(0, 0))
	first := is[enrolAnswer](a, 201)
	require.Equal(t, "/v1/items/1", a.header.Get("Location"))
	require.True(t, first.Saved)
	require.Equal(t, itemAnswer{ID: 1, Label: "cat", Path: "gallery.pictures/1.png", Meta: map[string]string{"camera": "2", "day": "Monday"}, Thumbnail: "/v1/items/1/thumbnail"}, first.Items[0])
	whole := is[wholeItem](s.get("/v1/items/1"), 200)
	require.Equal(t, first.Items[0], whole.itemAnswer)
	x, err := s.model.EmbedReader(context.Background(), bytes.NewReader(drawing(0, 0)))
	require.NoError(t, err)
	require.Equal(t, x, whole.Vector)
	require.Contains(t, string(s.get("/v1/items/1").body), `"id":"1"`, "IDs are strings")

	second := is[enrolAnswer](s.json("/v1/items", map[string]any{"pictures": [][]byte{drawing(1, 0), drawing(1, 1)}, "label": "dog", "ids": []any{"70", 71}}), 201)
	require.Equal(t, itemID(71), second.Items[1].ID, "a number is taken, too")
	require.Equal(t, itemID(72), is[enrolAnswer](s.png("/v1/items", drawing(2, 0)), 201).Items[0].ID, "the next one")
	for _, large := range []string{"18446744073709551615", "9223372036854775808"} {
		s.png("/v1/items?id="+large, drawing(2, 0)).fails(400, codeRequest, "the ID "+large+" is too large: want at most 9223372036854775807")
	}
	require.Equal(t, itemID(73), is[enrolAnswer](s.png("/v1/items?label=dog", drawing(2, 0)), 201).Items[0].ID, "what was refused is no ID that is there")
	require.Equal(t, 204, s.send("DELETE", "/v1/items/73", "", nil).status)
	is[enrolAnswer](s.png("/v1/items?id=9223372036854775807", drawing(2, 0)), 201)
	s.png("/v1/items", drawing(2, 0)).fails(400, codeRequest, "the gallery holds an ID of 9223372036854775807 or more")
	s.json("/v1/items", map[string]any{"pictures": [][]byte{drawing(1, 0)}, "ids": []string{"70"}}).fails(409, codeExists, "there is an item of the ID 70 already")
	require.Equal(t, []labelCount{{"dog", 2}, {"cat", 1}}, is[labelsAnswer](s.get("/v1/labels"), 200).Labels)

	require.Equal(t, 204, s.send("DELETE", "/v1/items/70", "", nil).status)
	s.send("DELETE", "/v1/items/70", "", nil).fails(404, codeNotFound, "there is no item of the ID 70")
	s.get("/v1/items/70").fails(404, codeNotFound, "there is no item of the ID 70")
	s.get("/v1/items/seventy").fails(404, codeNotFound, "want digits")
	s.get("/v1/items/-1/thumbnail").fails(404, codeNotFound, "want digits")
	require.Equal(t, 4, is[infoAnswer](s.get("/v1/info"), 200).Gallery.Items)
}

func TestDescriptionHealthAndPage(t *testing.T) {
	s := begin(t, Options{})
	for path, kind := range map[string]string{"/": "text/html; charset=utf-8", "/style.css": "text/css; charset=utf-8", "/script.js": "text/javascript; charset=utf-8",
		"/icon.svg": "image/svg+xml", "/healthz": "text/plain; charset=utf-8", "/readyz": "text/plain; charset=utf-8", "/openapi.json": "application/json"} {
		a := s.get(path)
		require.Equal(t, 200, a.status, path)
		require.Equal(t, kind, a.header.Get("Content-Type"), path)
		require.NotEmpty(t, strings.TrimSpace(string(a.body)), path)
		require.Equal(t, "nosniff", a.header.Get("X-Content-Type-Options"))
		require.Contains(t, a.header.Get("Content-Security-Policy"), "default-src 'none'")
		require.Equal(t, "no-referrer", a.header.Get("Referrer-Policy"))
	}
	again := s.get("/", "If-None-Match: "+s.get("/").header.Get("ETag"))
	require.Equal(t, http.StatusNotModified, again.status)
	require.True(t, json.Valid(s.get("/openapi.json").body))
	s.get("/v2/embed").fails(404, codeNotFound, "there is nothing under \"/v2/embed\"; /openapi.json describes what there is")
	a := s.get("/v1/embed")
	a.fails(405, codeMethod, "/v1/embed is not for GET, but for POST")
	require.Equal(t, "POST", a.header.Get("Allow"))
	s.send("PUT", "/v1/items/4", "", nil).fails(405, codeMethod, "for GET and DELETE")
	require.Equal(t, 200, s.send("HEAD", "/v1/info", "", nil).status)
}

package nets

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"medusa/graph"
)

// WeightsReport tells what became of a file of weights.
type WeightsReport struct {
	Format    string            `json:"format"`             // of the file: safetensors, pytorch or onnx
	Metadata  map[string]string `json:"metadata,omitempty"` // what the file says of itself
	Files     []WeightsFile     `json:"files"`              // whose bytes the weights are
	Backbone  string            `json:"backbone"`
	Names     string            `json:"names"`               // whose names the tensors had, such as "torchvision's and timm's"
	Prefix    string            `json:"prefix,omitempty"`    // that stood before them
	Twins     []string          `json:"twins,omitempty"`     // prefixes before which the same was there once more, such as a running average
	Loaded    []string          `json:"loaded"`              // tensors of the backbone, all of them
	LeftOut   []string          `json:"left_out,omitempty"`  // tensors of the file, by their names there, but for counts of batches
	Counters  int               `json:"counters,omitempty"`  // counts of batches that were left out
	Adapted   []string          `json:"adapted,omitempty"`   // what was fitted, in words
	New       []string          `json:"new,omitempty"`       // tensors of the network that no file has: the embedding's layer
	Untrained bool              `json:"untrained,omitempty"` // running statistics are all 0 and 1, as before any training
	// NormEps is what the normalisations of these weights add to variances, where that is not what the backbone
	// has by itself: set Config.NormEps to it.
	NormEps float64 `json:"norm_eps,omitempty"`
	// SamePad says that these weights want Config.SamePad.
	SamePad bool `json:"same_pad,omitempty"`
	// Preparation is how pictures were prepared for these weights; its Height is 0 where nobody knows.
	Preparation Preparation `json:"preparation,omitzero"`
}

// WeightsFile is a file and its checksum.
type WeightsFile struct {
	Path   string `json:"path"`
	SHA256 string `json:"sha256"`
}

// report sums up what load did.
func (l *loading) report(params *graph.Params) (WeightsReport, error) {
	r := WeightsReport{Format: l.file.Format, Metadata: l.file.Metadata, Backbone: l.cfg.Backbone, Names: l.spelling.name, Prefix: l.prefix, Twins: l.twins,
		Loaded: sortedKeys(l.values), Adapted: l.adapted, Untrained: l.untrained()}
	if eps := cmp.Or(l.beside.eps, l.spelling.eps); eps != cmp.Or(l.cfg.NormEps, l.usualEps()) {
		r.NormEps = eps
	}
	r.SamePad = l.wantsSamePad()
	for _, name := range l.leftOut {
		if isCounter(name) {
			r.Counters++
		} else {
			r.LeftOut = append(r.LeftOut, name)
		}
	}
	for _, item := range params.Under(EmbeddingPrefix) {
		r.New = append(r.New, params.NameOf(item))
	}
	sums, err := l.file.Sums()
	for _, s := range sums {
		r.Files = append(r.Files, WeightsFile(s))
	}
	if err == nil {
		r.Preparation = l.beside.preparation.or(l.usual(r.Files[0].SHA256))
	}
	return r, err
}

// wantsSamePad reports whether the weights were trained with convolutions that pad as TensorFlow's.
func (l *loading) wantsSamePad() bool {
	reads := l.cfg.given != nil || slices.Contains(schema.Field("SamePad").For, l.cfg.Backbone)
	return reads && !l.cfg.SamePad && (l.beside.samePad || l.spelling.samePad)
}

// usualEps is what the backbone adds to variances by itself.
func (l *loading) usualEps() float64 {
	c := l.cfg
	c.NormEps = 0
	r, err := c.describe()
	if err != nil {
		return 0
	}
	return r.eps
}

// untrained reports whether all running statistics are those of networks that have seen nothing.
func (l *loading) untrained() bool {
	any := false
	for name, values := range l.values {
		first := float32(0)
		switch {
		case strings.HasSuffix(name, ".running_var"):
			first = 1
		case !strings.HasSuffix(name, ".running_mean"):
			continue
		}
		any = true
		if slices.ContainsFunc(values, func(v float32) bool { return v != first }) {
			return false
		}
	}
	return any
}

// String is the report in lines.
func (r WeightsReport) String() string {
	from := ""
	if len(r.Files) > 0 {
		from = " from " + r.Files[0].Path
	}
	behind := ""
	if r.Prefix != "" {
		behind = " behind " + r.Prefix
	}
	lines := []string{fmt.Sprintf("loaded all %d tensors of %s%s (%s names%s)", len(r.Loaded), r.Backbone, from, r.Names, behind)}
	add := func(format string, args ...any) { lines = append(lines, fmt.Sprintf(format, args...)) }
	for _, a := range r.Adapted {
		add("fitted %s", a)
	}
	if len(r.Twins) > 0 {
		add("the same is there behind %s too, and was left out", strings.Join(r.Twins, ", "))
	}
	if len(r.LeftOut) > 0 {
		add("left out %s", few(r.LeftOut))
	}
	if r.Counters > 0 {
		add("left out %d counts of batches", r.Counters)
	}
	if len(r.New) > 0 {
		add("new: %s", few(r.New))
	}
	if r.Untrained {
		add("the running statistics are those of a network that has seen nothing: was it ever trained?")
	}
	if r.NormEps != 0 {
		add("these weights want NormEps %g", r.NormEps)
	}
	if r.SamePad {
		add("these weights want SamePad")
	}
	return strings.Join(lines, "\n  ")
}

// few is a list, and of a long one its beginning.
func few(names []string) string {
	const shown = 10
	if len(names) <= shown {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:shown], ", "), len(names)-shown)
}

// countOf says how many tensors something is said of.
func countOf(n int, what string) string {
	if n == 1 {
		return "1 tensor is " + what + ": "
	}
	return fmt.Sprintf("%d tensors are %s: ", n, what)
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

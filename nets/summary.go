package nets

import (
	"fmt"
	"strings"
	"text/tabwriter"

	"gorgonia.org/tensor"

	"medusa/graph"
)

// Layer is a row of a Summary.
type Layer struct {
	Name   string
	Kind   string
	Shape  []int   // of the output for one picture
	Params int     // learned numbers
	MACs   float64 // multiplications with addition for one picture
}

// Overview lists the layers of a network, in order, and their sums.
type Overview struct {
	Layers    []Layer
	Trunk     int     // features before the embedding's layer
	Embedding int     // numbers in an embedding
	Params    int     // learned numbers, those outside of Layers included
	Buffers   int     // numbers kept but not learned, such as running statistics
	MACs      float64 // for one picture
}

// Summary says what Build would make of cfg: layers, shapes, parameters and the work for
// one picture. It fails where Build would.
func Summary(cfg Config) (Overview, error) {
	r, err := cfg.describe()
	if err != nil {
		return Overview{}, err
	}
	o := Overview{Layers: r.layers, Trunk: r.trunk, Embedding: cfg.withDefaults().Embedding}
	for _, item := range r.params.All() {
		n := item.Shape().TotalSize()
		if item.Buffer {
			o.Buffers += n
		} else {
			o.Params += n
		}
	}
	for _, l := range o.Layers {
		o.MACs += l.MACs
	}
	return o, nil
}

// String is the summary as a table.
func (o Overview) String() string {
	var s strings.Builder
	w := tabwriter.NewWriter(&s, 0, 0, 2, ' ', tabwriter.AlignRight)
	name, kind := len("layer"), len("batch norm")
	for _, l := range o.Layers {
		name = max(name, len(l.Name))
	}
	row := func(label, what, shape, params, macs string) { // names to the left, numbers to the right
		fmt.Fprintf(w, "%-*s  %-*s\t%s\t%s\t%s\t\n", name, label, kind, what, shape, params, macs)
	}
	row("layer", "kind", "output", "parameters", "MACs")
	for _, l := range o.Layers {
		row(l.Name, l.Kind, size(l.Shape), fmt.Sprint(l.Params), count(l.MACs))
	}
	row("all", "", fmt.Sprint(o.Embedding), fmt.Sprint(o.Params), count(o.MACs))
	w.Flush()
	return strings.ReplaceAll("\n"+s.String(), "\n  ", "\n")[1:] // without the padding on the left
}

// size writes a shape as 32×28×28.
func size(shape []int) string {
	parts := make([]string, len(shape))
	for i, n := range shape {
		parts[i] = fmt.Sprint(n)
	}
	return strings.Join(parts, "×")
}

// count writes a large number with a unit.
func count(n float64) string {
	switch {
	case n >= 1e9:
		return fmt.Sprintf("%.2f G", n/1e9)
	case n >= 1e6:
		return fmt.Sprintf("%.2f M", n/1e6)
	case n >= 1e3:
		return fmt.Sprintf("%.1f k", n/1e3)
	}
	return fmt.Sprintf("%.0f", n)
}

// report collects the layers while a network is built to be described.
type report struct {
	params *graph.Params
	layers []Layer
	seen   int // tensors of params that the layers so far account for
	trunk  int
	eps    float64 // that normalisations add to variances by themselves
}

func (r *report) add(name, kind string, shape tensor.Shape, macs float64) {
	layer := Layer{Name: name, Kind: kind, Shape: shape, MACs: macs}
	all := r.params.All()
	for _, item := range all[r.seen:] {
		if !item.Buffer {
			layer.Params += item.Shape().TotalSize()
		}
	}
	r.seen = len(all)
	r.layers = append(r.layers, layer)
}

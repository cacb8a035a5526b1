package report

import (
	"math"

	"github.com/pkg/errors"
)

// check refuses data whose parts do not fit each other.
func (d *Data) check() error {
	n := len(d.Labels)
	for _, part := range []struct {
		name string
		rows int
	}{
		{"paths", len(d.Paths)}, {"values of PerQueryAP", len(d.PerQueryAP)}, {"lists of neighbours", len(d.Neighbours.Indices)},
		{"lists of neighbours' distances", len(d.Neighbours.Distances)},
	} {
		if part.rows != 0 && part.rows != n {
			return errors.Errorf("report: %d %s for %d labels; give one for each test picture, or none", part.rows, part.name, n)
		}
	}
	if d.Dim < 0 || d.Dim > math.MaxInt32 {
		return errors.Errorf("report: embeddings of dimension %d", d.Dim)
	}
	for _, part := range []struct {
		name   string
		values []float32
	}{{"Embeddings", d.Embeddings}, {"EmbeddingsBefore", d.EmbeddingsBefore}} {
		if len(part.values) != 0 && len(part.values) != n*d.Dim {
			return errors.Errorf("report: %s holds %d values, want %d labels × dimension %d", part.name, len(part.values), n, d.Dim)
		}
	}
	return errors.WithMessage(d.checkRows(n), "report")
}

func (d *Data) checkRows(n int) error {
	for q, row := range d.Neighbours.Indices {
		for _, j := range row {
			if j < 0 || int(j) >= n {
				return errors.Errorf("neighbour %d of query %d is outside of the %d test pictures", j, q, n)
			}
		}
		if len(d.Neighbours.Distances) > 0 && len(d.Neighbours.Distances[q]) != len(row) {
			return errors.Errorf("query %d has %d neighbours and %d distances", q, len(row), len(d.Neighbours.Distances[q]))
		}
	}
	for _, s := range d.Series {
		if len(s.Steps) != len(s.Values) {
			return errors.Errorf("curve %q has %d steps and %d values", s.Name, len(s.Steps), len(s.Values))
		}
	}
	for name, t := range map[string]Table{"thresholds": d.Thresholds, "listed pairs": d.Pairs, "few-shot errors": d.FewShot} {
		for k, row := range t.Rows {
			if len(row) != len(t.Head) {
				return errors.Errorf("row %d of the %s has %d cells under %d heads", k, name, len(row), len(t.Head))
			}
		}
	}
	for _, c := range d.ROC {
		if len(c.FAR) != len(c.TAR) {
			return errors.Errorf("ROC %q has %d values of FAR and %d of TAR", c.Name, len(c.FAR), len(c.TAR))
		}
	}
	for _, h := range d.Distances {
		if err := h.check(); err != nil {
			return err
		}
	}
	return nil
}

func (h Distances) check() error {
	if bins := len(h.Edges) - 1; bins < 1 || len(h.Positive) != bins || len(h.Negative) != bins {
		return errors.Errorf("histogram %q has %d edges, %d and %d bins; want one edge more than bins", h.Name, len(h.Edges), len(h.Positive), len(h.Negative))
	}
	for b, e := range h.Edges {
		if !finite(e) || b > 0 && e <= h.Edges[b-1] {
			return errors.Errorf("histogram %q: its edges do not rise at %d", h.Name, b)
		}
	}
	for _, list := range [][]float64{h.Positive, h.Negative} {
		for b, n := range list {
			if !finite(n) || n < 0 {
				return errors.Errorf("histogram %q: bin %d holds %v pairs", h.Name, b, n)
			}
		}
	}
	return nil
}

package cli

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"

	"github.com/pkg/errors"

	"medusa/datasets"
	"medusa/index"
	"medusa/internal/field"
	"medusa/metrics"
	"medusa/model"
)

// searchRun is the work of the command.
type searchRun struct {
	*searchFlags
	*pictureIndex
	filter    index.Filter
	threshold float64 // below which pictures count as the same; 0 for any
	answers   *answers
}

// chooseThreshold finds the threshold that was asked for, or with -classify that of the calibration, if there is one.
func (r *searchRun) chooseThreshold(m *model.Model) error {
	o, given := r.options, r.given()
	r.threshold = o.Threshold
	if !o.Classify {
		return nil
	}
	if err := r.checkLabelled(); err != nil || given["threshold"] {
		return err
	}
	asked := given["far"] || given["calibration"]
	if reason := r.otherDistances(); reason != "" {
		if asked {
			return wrong("%s: %s: give a %s", field.Name("-classify"), reason, field.Name("-threshold"))
		}
		r.answers.note("no picture is rejected: " + reason + "; -threshold sets one")
		return nil
	}
	path := o.Model
	if path == "" {
		path = asTypedPath(r.pictureIndex.Options().ModelPath)
	}
	c := calibrated{call: r.call, far: o.FAR, farGiven: given["far"], file: o.Calibration}
	point, from, err := c.threshold(path, m.Fingerprint())
	switch none := new(noThreshold); {
	case errors.As(err, none) && !asked:
		r.answers.note("no picture is rejected: there is no threshold for " + path + "; calibrate finds one, -threshold sets one")
		return nil
	case err != nil:
		return err
	}
	r.threshold = point.Threshold
	r.answers.note(fmt.Sprintf("a picture is of a label if one of that is nearer than %s, the threshold of %s", thresholdText(r.threshold), from))
	return nil
}

// checkLabelled refuses an index without labels.
func (r *searchRun) checkLabelled() error {
	labels, err := r.Labels()
	if delete(labels, ""); err == nil && len(labels) == 0 {
		err = wrong("%s: the pictures of %s have no labels to choose from", field.Name("-classify"), r.path)
	}
	return err
}

// otherDistances says why the thresholds of calibrate are none for this index.
func (g *pictureIndex) otherDistances() string {
	switch o := g.Index.Options(); {
	case o.Distance != metrics.Euclidean:
		return "calibrate measures euclidean distances, and the index " + o.Distance.String() + " ones"
	case o.Storage == index.Binary && !o.KeepFloats:
		return "calibrate measures euclidean distances, and the index counts bits"
	}
	return ""
}

// searchFor looks for the pictures of a chunk.
func (r *searchRun) searchFor(ctx context.Context, c model.Chunk) error {
	if c.Pictures.Len() == 0 {
		return nil
	}
	o := r.search(r.options.K+1, r.options.Exact, r.options.Effort)
	o.Filter = r.filter
	found, err := r.Search(ctx, c.Embeddings, o)
	if err != nil {
		return err
	}
	dim := r.pictureIndex.Index.Options().Dim
	for i := range c.Pictures.Len() {
		q := &query{path: c.Pictures.Origin(i)}
		if l := c.Pictures.Labels()[i]; l != datasets.NoClass {
			q.label = c.Pictures.Classes()[l]
		}
		if err := r.answer(ctx, q, found, i, c.Embeddings[i*dim:(i+1)*dim], o); err != nil {
			return err
		}
		if err := r.answers.add(q, c.Pictures, i, r.threshold); err != nil {
			return err
		}
	}
	return nil
}

// query is a picture that is looked for, and what was found.
type query struct {
	path, label string
	found       []match
	selfLeftOut bool
	decision    *decision
}

// match is a picture that was found.
type match struct {
	index.Item
	distance float64
}

// answer puts into q what was found for query i, and searches again where leaving out the picture itself leaves too few.
func (r *searchRun) answer(ctx context.Context, q *query, found index.Results, i int, embedding []float32, o index.SearchOptions) error {
	self, err := r.keptPath(q.path)
	if err != nil {
		return err
	}
	if r.options.KeepSelf || isNoFile(filepath.FromSlash(self)) {
		self = ""
	}
	for q.take(found, i, self); len(q.found) < r.options.K && len(found.Of(i)) == o.K; q.take(found, i, self) {
		more := r.search(8*o.K, r.options.Exact, r.options.Effort)
		more.Filter = r.filter
		if found, err = r.Search(ctx, embedding, more); err != nil {
			return err
		}
		i, o = 0, more
	}
	q.found = q.found[:min(len(q.found), r.options.K)]
	if r.options.Classify {
		return r.decide(q)
	}
	if r.threshold > 0 {
		q.found = slices.DeleteFunc(q.found, func(m match) bool { return !(m.distance < r.threshold) })
	}
	return nil
}

// take takes what was found for query i, without the pictures at the path self.
func (q *query) take(found index.Results, i int, self string) {
	q.found, q.selfLeftOut = nil, false
	for place, h := range found.Of(i) {
		if it := found.Item(i, place); self != "" && it.Path == self {
			q.selfLeftOut = true
		} else {
			q.found = append(q.found, match{it, h.Distance})
		}
	}
}

// decision is which label a picture has.
type decision struct {
	label     string
	distance  float64 // of the nearest picture of it
	votes, of int
	rejected  bool
}

// decide takes the vote of what was found with a label.
func (r *searchRun) decide(q *query) error {
	var names []string
	var labels []int
	var distances []float64
	for _, m := range q.found {
		if m.Label == "" {
			continue
		}
		at := slices.Index(names, m.Label)
		if at < 0 {
			at = len(names)
			names = append(names, m.Label)
		}
		labels, distances = append(labels, at), append(distances, m.distance)
	}
	if len(labels) == 0 {
		q.decision = &decision{rejected: true}
		return nil
	}
	d, err := metrics.Vote(labels, distances)
	if err != nil {
		return err
	}
	q.decision = &decision{names[d.Label], d.Distance, d.Votes, len(labels), r.threshold > 0 && !(d.Distance < r.threshold)}
	return nil
}

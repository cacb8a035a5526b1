package cli

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/pkg/errors"

	"medusa/internal/field"
	"medusa/internal/terminal"
	"medusa/internal/wording"
	"medusa/metrics"
	"medusa/model"
	"medusa/trainer"
)

// retrievalOptions are what the flags of evaluate set that measure pictures by retrieval.
type retrievalOptions struct {
	Gallery string    `yaml:"gallery" flag:"gallery" arg:"PATH" doc:"pictures among which those of PATH are looked for" unset:"those of PATH, each among all others"`
	ReRank  string    `yaml:"rerank" flag:"rerank" arg:"K1,K2,LAMBDA" doc:"order the gallery by neighbours in common, as of re-identification; 20,6,0.3 is usual" unset:"as it is"`
	Expand  string    `yaml:"expand" flag:"expand" arg:"N,ALPHA" doc:"replace each query by its mean with the N pictures nearest to it, of the weight of their cosine to the power ALPHA, 3 if left out" unset:"as it is"`
	Whiten  string    `yaml:"whiten" flag:"whiten" arg:"PATH" doc:"whiten embeddings as learned from other pictures" unset:"as they are"`
	Sizes   []int     `yaml:"sizes" flag:"sizes" arg:"N,…" doc:"the first numbers of embeddings alone, as of models that learned nested sizes (matryoshka)" unset:"all"`
	Data    embedData `yaml:"data"`
	Device  string    `yaml:"device" flag:"device" arg:"cpu|cuda|cuda:N|auto" doc:"computes the network: cpu, cuda (the first GPU), cuda:N, or auto, which takes a GPU where there is one" unset:"cpu"`
	Threads int       `yaml:"threads" flag:"threads" arg:"N" doc:"for the computation; no result depends on it" unset:"all processors" min:"1"`
}

// retrieval measures pictures by what is found for them.
type retrieval struct {
	call    *invocation
	options *retrievalOptions
	rerank  *metrics.ReRanking
	expand  *metrics.ExpandOptions
	sizes   []int
}

// newRetrieval reads what was asked for.
func newRetrieval(c *invocation, o *retrievalOptions) (*retrieval, error) {
	r := &retrieval{call: c, options: o, sizes: slices.Clone(o.Sizes)}
	if o.ReRank != "" {
		v, err := numbersOf(o.ReRank, 3, 3)
		if err != nil || v[0] != float64(int(v[0])) || v[1] != float64(int(v[1])) || v[0] < 1 || v[1] < 1 || v[2] < 0 || v[2] > 1 {
			return nil, wrong("%s %s: want two whole numbers from 1 on and a share from 0 to 1, such as 20,6,0.3", field.Name("-rerank"), o.ReRank)
		}
		r.rerank = &metrics.ReRanking{K1: int(v[0]), K2: int(v[1]), Lambda: v[2]}
	}
	if o.Expand != "" {
		v, err := numbersOf(o.Expand, 1, 2)
		if err != nil || v[0] != float64(int(v[0])) || v[0] < 1 || len(v) == 2 && !(v[1] >= 0 && v[1] <= 1000) {
			return nil, wrong("%s %s: want a whole number from 1 on, and a power from 0 on if one is named, such as 5 or 5,3", field.Name("-expand"), o.Expand)
		}
		r.expand = &metrics.ExpandOptions{Neighbours: int(v[0]), Alpha: 3}
		if len(v) == 2 {
			r.expand.Alpha = v[1]
		}
	}
	return r, nil
}

// numbersOf reads a list of so many.
func numbersOf(text string, least, most int) (out []float64, err error) {
	for _, part := range strings.Split(text, ",") {
		v, err := strconv.ParseFloat(strings.TrimSpace(part), 64)
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	if len(out) < least || len(out) > most {
		return nil, errors.Errorf("%d numbers", len(out))
	}
	return out, nil
}

// ranking is the figures of a kind of ranking.
type ranking struct {
	name   string
	result metrics.Result
}

// show embeds the pictures and measures them.
func (r *retrieval) show(ctx context.Context, w *terminal.Screen, path string, paths []string, tasks string) error {
	o := r.options
	m, err := loadForPictures(path, "evaluate", o.Device, o.Threads)
	if err != nil {
		return err
	}
	defer m.Close()
	for _, size := range r.sizes {
		if size < 1 || size >= m.EmbeddingSize() {
			return wrong("%s: %d, but embeddings have %d numbers: want fewer", field.Name("-sizes"), size, m.EmbeddingSize())
		}
	}
	r.call.warnOfKnown(w, path, paths)
	query, err := embedLabelled(ctx, r.call, w, m, paths, o.Data)
	if err != nil {
		return err
	}
	var gallery *labelled
	if o.Gallery != "" {
		if gallery, err = embedLabelled(ctx, r.call, w, m, []string{o.Gallery}, o.Data); err != nil {
			return errors.WithMessage(err, "-gallery")
		}
		query.sameClasses(gallery)
	}
	columns, err := r.measure(ctx, w, m, query, gallery)
	if err != nil {
		return err
	}
	var episodes *trainer.Table
	if tasks != "" {
		if episodes, err = r.episodes(ctx, query, tasks); err != nil {
			return err
		}
	}
	r.table(w, query, gallery, columns)
	if episodes != nil {
		w.Say("")
		printTable(w, *episodes)
	}
	if query.leftOut.any() || gallery != nil && gallery.leftOut.any() {
		return errLeftOut
	}
	return nil
}

// sameClasses gives the classes of the gallery the numbers that those of l have.
func (l *labelled) sameClasses(gallery *labelled) {
	number := map[string]int{}
	for i, name := range l.classes {
		number[name] = i
	}
	for _, name := range gallery.classes {
		if _, known := number[name]; !known {
			number[name] = len(number)
		}
	}
	for i, label := range gallery.Labels {
		gallery.Labels[i] = number[gallery.classes[label]]
	}
}

// measure measures the embeddings as they are, and changed as was asked for.
func (r *retrieval) measure(ctx context.Context, w *terminal.Screen, m *model.Model, query, gallery *labelled) ([]ranking, error) {
	of := func(l *labelled) *metrics.Set {
		if l == nil {
			return nil
		}
		return &l.Set
	}
	evaluate := func(q metrics.Set, g *metrics.Set, rerank *metrics.ReRanking) (metrics.Result, error) {
		task := w.Begin("measuring retrieval")
		defer task.End()
		return metrics.Evaluate(ctx, q, g, metrics.Options{RecallAt: []int{1, 2, 4, 8}, NoClustering: true, ReRank: rerank,
			Progress: func(_ metrics.Stage, done, total int) { task.Progress(done, total) }})
	}
	plain, err := evaluate(query.Set, of(gallery), nil)
	if err != nil {
		return nil, err
	}
	columns := []ranking{{"as it is", plain}}
	for _, size := range r.sizes {
		q, err := query.First(size)
		if err != nil {
			return nil, err
		}
		var g *metrics.Set
		if gallery != nil {
			first, err := gallery.First(size)
			if err != nil {
				return nil, err
			}
			g = &first
		}
		result, err := evaluate(q, g, nil)
		if err != nil {
			return nil, err
		}
		columns = append(columns, ranking{fmt.Sprintf("first %d", size), result})
	}
	if r.rerank == nil && r.expand == nil && r.options.Whiten == "" {
		return columns, nil
	}
	var names []string
	q, g := query.Set, of(gallery)
	if r.options.Whiten != "" {
		if q, g, err = r.whiten(ctx, w, m, q, g); err != nil {
			return nil, err
		}
		names = append(names, "whitened")
	}
	if r.expand != nil {
		if q, err = metrics.Expand(ctx, q, g, *r.expand); err != nil {
			return nil, err
		}
		names = append(names, "expanded")
	}
	if r.rerank != nil {
		names = append(names, "re-ranked")
	}
	changed, err := evaluate(q, g, r.rerank)
	if err != nil {
		return nil, err
	}
	return append(columns, ranking{strings.Join(names, ", "), changed}), nil
}

// whiten learns from other pictures how to whiten, and does it.
func (r *retrieval) whiten(ctx context.Context, w *terminal.Screen, m *model.Model, query metrics.Set, gallery *metrics.Set) (metrics.Set, *metrics.Set, error) {
	from, err := embedAll(ctx, r.call, w, m, []string{r.options.Whiten}, r.options.Data)
	if err != nil {
		return query, nil, errors.WithMessage(err, "-whiten")
	}
	white, err := metrics.NewWhitening(from.Set, metrics.WhitenOptions{})
	if err != nil {
		return query, nil, errors.WithMessage(err, "-whiten")
	}
	q, err := white.Apply(query)
	if err != nil || gallery == nil {
		return q, nil, err
	}
	g, err := white.Apply(*gallery)
	return q, &g, err
}

// table shows the figures, a column for each kind of ranking.
func (r *retrieval) table(w *terminal.Screen, query, gallery *labelled, columns []ranking) {
	first := columns[0].result
	line := fmt.Sprintf("%s of %s; each is a query among all others", wording.Number(query.Len(), "pictures"), wording.Number(len(query.classes), "classes"))
	if gallery != nil {
		line = fmt.Sprintf("%s of %s, looked for among %s of %s", wording.Number(query.Len(), "pictures"), wording.Number(len(query.classes), "classes"),
			wording.Number(gallery.Len(), "others"), wording.Number(len(gallery.classes), "classes"))
	}
	if first.LeftOut > 0 {
		line += fmt.Sprintf("; %s no match and no figure", wording.Number(first.LeftOut, "have"))
	}
	w.Say(line + "\n")
	t := trainer.Table{Head: []string{""}}
	for _, c := range columns {
		t.Head = append(t.Head, c.name)
	}
	for i, v := range first.Values() {
		row := []string{wording.Measure(v.Name)}
		for _, c := range columns {
			row = append(row, strconv.FormatFloat(c.result.Values()[i].Value, 'f', 3, 64))
		}
		t.Rows = append(t.Rows, row)
	}
	printTable(w, t)
}

// episodes are the few-shot errors of the pictures.
func (r *retrieval) episodes(ctx context.Context, query *labelled, text string) (*trainer.Table, error) {
	tasks, err := trainer.ParseFewShot(text)
	if err != nil {
		return nil, wrong("%s: %v", field.Name("-few-shot"), err)
	}
	figures, err := trainer.MeasureFewShot(ctx, query.Set, query.classes, tasks, 0)
	if err != nil {
		return nil, wrong("%s: %v", field.Name("-few-shot"), err)
	}
	t := trainer.FewShotTable(figures, "pictures")
	return &t, nil
}

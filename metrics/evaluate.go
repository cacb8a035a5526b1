package metrics

import (
	"cmp"
	"context"
	"slices"

	"github.com/pkg/errors"

	"medusa/internal/needs"
)

// Options says what Evaluate measures and how. The zero value measures everything over
// the full ranking by Euclidean distance.
type Options struct {
	Distance Distance // Euclidean if zero
	RecallAt []int    // the K of Recall@K; 1, 2, 4, 8, 16, 32 if empty
	CMCAt    []int    // the K of CMC@K where cameras are known; 1, 5, 10 if empty

	// K is the number of neighbours that R-precision, MAP@R, MAP and MRR look at: all if
	// zero, KLargestR for the largest R of any query. Relevant rows beyond count as not
	// found; R-precision of a query with R > K is over K places. Figures with a K below
	// the largest R are not comparable to those without.
	K int

	GalleryHoldsQueries bool  // query i is also row i of the gallery, and is left out of its own ranking
	OwnRows             []int // in place of GalleryHoldsQueries: query i is also row OwnRows[i], below zero for none
	AverageByClass      bool  // average each class's queries, then the classes, in place of all queries
	PerClass, PerQuery  bool  // fill Result.Classes, Result.PerQuery

	// MaxQueries bounds the queries that are measured: of more that have relevant rows, so many
	// are drawn with Seed, and each is ranked against the whole gallery. The figures are then
	// estimates of those of all queries; a share p of Q drawn queries has a standard error of
	// at most √(p(1−p)/Q). All are measured if zero.
	MaxQueries int

	// ReRank, if not nil, orders the gallery by k-reciprocal neighbours. Clusters and thresholds are of
	// the embeddings all the same. With MaxQueries the neighbours are those among the gallery and the drawn queries.
	ReRank *ReRanking

	NoClustering  bool  // leave out NMI, AMI, ARI and pairwise F1, which need k-means
	Clusters      int   // of k-means; the number of classes among the queries if zero
	ClusterLabels []int // a clustering of the queries in place of k-means
	Restarts      int   // of k-means, the best by inertia counting; 1 if zero
	MaxIterations int   // of k-means; 100 if zero
	// MaxClustered bounds rows × clusters of k-means with Clusters of zero: above it whole
	// classes are drawn with Seed, as many as it allows. No bound if zero.
	MaxClustered int64
	Seed         uint64 // of k-means, and of what is drawn

	// Progress, if not nil, is called now and then while queries are measured and rows are
	// clustered, by the goroutine of Evaluate. The total of a stage is 0 where nobody knows it.
	Progress func(stage Stage, done, total int)
}

// Stage is a part of an evaluation.
type Stage string

// The stages of Evaluate.
const (
	StageRetrieval  Stage = "retrieval"  // progress counts queries
	StageClustering Stage = "clustering" // progress counts iterations of k-means
)

// progress tells o.Progress if there is one.
func (o Options) progress(stage Stage, done, total int) {
	if o.Progress != nil {
		o.Progress(stage, done, total)
	}
}

// progressEvery is the number of queries between two calls of Options.Progress.
const progressEvery = 64

// KLargestR as Options.K is the largest number of relevant rows that a query has.
const KLargestR = -1

const noMatch = "metrics: none of the %d queries has another picture of its class in the gallery; " +
	"retrieval needs at least two pictures of a class"

// defaultRecallAt is the K of Recall@K that papers print, and their continuation.
var defaultRecallAt = []int{1, 2, 4, 8, 16, 32}

// defaultCMCAt is what papers on re-identification print.
var defaultCMCAt = []int{1, 5, 10}

// Evaluate measures query embeddings against a gallery, or against themselves where
// gallery is nil, every query's own row left out. Under Cosine the rows are divided by
// their norms before they are clustered.
func Evaluate(ctx context.Context, query Set, gallery *Set, o Options) (Result, error) {
	if err := needs.Context("metrics", ctx); err != nil {
		return Result{}, err
	}
	m, err := match(query, gallery, o.GalleryHoldsQueries, o.OwnRows)
	if err != nil {
		return Result{}, err
	}
	if err := m.checkLabels(); err != nil {
		return Result{}, err
	}
	if err := o.check(query.Len()); err != nil {
		return Result{}, err
	}
	if len(o.RecallAt) == 0 {
		o.RecallAt = slices.Clone(defaultRecallAt)
	}
	if len(o.CMCAt) == 0 {
		o.CMCAt = slices.Clone(defaultCMCAt)
	}
	r, err := retrieve(ctx, m, o.drawQueries(m), o)
	if err != nil || o.NoClustering {
		return r, err
	}
	if err := cluster(ctx, query, o, &r); err != nil {
		return Result{}, err
	}
	return r, nil
}

func (o Options) check(queries int) error {
	if err := o.Distance.check(); err != nil {
		return err
	}
	if err := o.ReRank.check(o.Distance); err != nil {
		return err
	}
	for _, k := range o.RecallAt {
		if k < 1 {
			return errors.Errorf("metrics: recall at %d; K starts at 1", k)
		}
	}
	for _, k := range o.CMCAt {
		if k < 1 {
			return errors.Errorf("metrics: CMC at %d; K starts at 1", k)
		}
	}
	switch {
	case o.MaxQueries < 0 || o.MaxClustered < 0:
		return errors.Errorf("metrics: MaxQueries is %d, MaxClustered %d; give numbers above 0, or 0 for no bound", o.MaxQueries, o.MaxClustered)
	case o.K < KLargestR:
		return errors.Errorf("metrics: K is %d; give a number of neighbours, 0 for all or KLargestR", o.K)
	case o.NoClustering && (o.ClusterLabels != nil || o.Clusters != 0):
		return errors.New("metrics: NoClustering together with Clusters or ClusterLabels; set one of them")
	case o.ClusterLabels != nil && o.Clusters != 0:
		return errors.New("metrics: ClusterLabels together with Clusters; set one of them")
	case o.ClusterLabels != nil && len(o.ClusterLabels) != queries:
		return errors.Errorf("metrics: %d cluster labels for %d queries", len(o.ClusterLabels), queries)
	}
	return nil
}

// depth is the number of neighbours that K stands for.
func (o Options) depth(m matching) int {
	switch o.K {
	case 0:
		return m.gallery.Len()
	case KLargestR:
		return slices.Max(m.relevant())
	}
	return o.K
}

// retrieve fills in the retrieval figures of the drawn queries, nil for all.
func retrieve(ctx context.Context, m matching, drawn *drawnQueries, o Options) (Result, error) {
	r := Result{RecallAt: o.RecallAt, Seed: o.Seed}
	row := func(query int) int { return query }
	r.Recall = make([]float64, len(o.RecallAt))
	byClass := make(map[int]*Class)
	depth := o.depth(m) // of all queries
	if drawn != nil {
		m, r.AllQueries, r.LeftOut = m.of(drawn.rows), drawn.matched, drawn.unmatched
		row = func(query int) int { return drawn.rows[query] }
	}
	one := make([]float64, len(o.RecallAt))
	reid := newReID(m, o)
	o.progress(StageRetrieval, 0, m.query.Len())
	reranked, err := m.reRank(ctx, o.Distance, o.ReRank)
	if err != nil {
		return Result{}, err
	}
	err = forEachQuery(ctx, newScanner(m, o.Distance, rankBlock), reranked, func(query int, ranking []tier) {
		if query%progressEvery == 0 {
			o.progress(StageRetrieval, query, m.query.Len())
		}
		reid.add(ranking)
		if len(ranking) == 0 {
			r.LeftOut++
			return
		}
		if o.PerQuery {
			one = make([]float64, len(o.RecallAt))
		}
		figures, open := measure(ranking, depth, o.RecallAt, one), tied(ranking, depth)
		r.Queries++
		if open {
			r.Tied++
		}
		r.add(figures)
		label := m.query.Labels[query]
		if byClass[label] == nil {
			byClass[label] = &Class{Label: label, Retrieval: Retrieval{Recall: make([]float64, len(o.RecallAt))}}
		}
		byClass[label].Queries++
		byClass[label].add(figures)
		if o.PerQuery {
			first := ranking[0]
			r.PerQuery = append(r.PerQuery, Query{
				Row: row(query), Relevant: relevantRows(ranking), First: int(first.before + first.rows - first.relevant + 1),
				Tied: open, Retrieval: figures,
			})
		}
	})
	if err != nil {
		return Result{}, err
	}
	if r.Queries == 0 {
		return Result{}, errors.Errorf(noMatch, r.LeftOut)
	}
	r.divide(r.Queries)
	r.ReID = reid.mean()
	r.averageClasses(byClass, o)
	return r, nil
}

// averageClasses turns the classes' sums into means and files them as o says.
func (r *Result) averageClasses(byClass map[int]*Class, o Options) {
	classes := make([]Class, 0, len(byClass))
	for _, c := range byClass {
		c.divide(c.Queries)
		classes = append(classes, *c)
	}
	slices.SortFunc(classes, func(a, b Class) int { return cmp.Compare(a.Label, b.Label) })
	if o.AverageByClass {
		r.Retrieval = Retrieval{Recall: make([]float64, len(o.RecallAt))}
		for _, c := range classes {
			r.add(c.Retrieval)
		}
		r.divide(len(classes))
	}
	if o.PerClass {
		r.Classes = classes
	}
}

// cluster fills in the clustering figures.
func cluster(ctx context.Context, query Set, o Options, r *Result) error {
	labels := o.ClusterLabels
	if labels == nil {
		if o.Clusters == 0 {
			if query, o.Clusters, r.AllClasses = query.clusterable(o); r.AllClasses > 0 {
				r.ClusteredRows = query.Len()
			}
		}
		if o.Distance == Cosine {
			query.Embeddings = newSide(query, Cosine).product
		}
		found, err := KMeans(ctx, query, KMeansOptions{
			Clusters: o.Clusters, Restarts: o.Restarts, MaxIterations: o.MaxIterations, Seed: o.Seed,
			Progress: func(iteration int) { o.progress(StageClustering, iteration, 0) },
		})
		if err != nil {
			return err
		}
		labels = found.Labels
	}
	t, err := NewContingency(query.Labels, labels)
	if err != nil {
		return err
	}
	r.Clusters, r.Clustered = len(t.columns), true
	r.NMI, r.AMI, r.ARI, r.PairwiseF1 = t.NMI(), t.AMI(), t.ARI(), t.PairwiseF1()
	return nil
}

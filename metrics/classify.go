package metrics

import (
	"context"

	"github.com/pkg/errors"
)

// ClassifyOptions says how Classify decides.
type ClassifyOptions struct {
	K        int      // neighbours that vote; 1 if zero
	Distance Distance // Euclidean if zero
	// MaxDistance, if not nil, rejects a query whose nearest neighbour of the chosen class is farther:
	// it belongs to none of the classes. Verify finds such thresholds.
	MaxDistance *float64

	GalleryHoldsQueries bool  // query i is also row i of the gallery, and has no vote on itself
	OwnRows             []int // in place of GalleryHoldsQueries: query i is also row OwnRows[i], below zero for none
}

// Decision is what a query is taken for.
type Decision struct {
	Label    int     // the class; of a rejected query, the one that it comes nearest to
	Rejected bool    // the query is of none of the classes
	Votes    int     // of the K neighbours
	Row      int     // of the gallery: the nearest neighbour of the class
	Distance float64 // from it
}

// Classify gives each query the label that most of its K nearest gallery rows have; of labels with as many
// votes, that of the nearest row. A class is enrolled by adding rows of it to the gallery, without training.
// A nil gallery is the query set itself, each row left out of its own neighbours. Labels of the
// queries are not needed where there is a gallery.
//
// T. Cover and P. Hart, "Nearest Neighbor Pattern Classification", IEEE Transactions on Information
// Theory 13, 1967.
func Classify(ctx context.Context, query Set, gallery *Set, o ClassifyOptions) ([]Decision, error) {
	of := query
	if gallery != nil {
		of = *gallery
	}
	if err := of.checkLabels("gallery"); err != nil {
		return nil, err
	}
	if m := o.MaxDistance; m != nil && *m != *m {
		return nil, errors.New("metrics: classification: MaxDistance is NaN")
	}
	found, err := Search(ctx, query, gallery, SearchOptions{
		K: o.K, Distance: o.Distance, GalleryHoldsQueries: o.GalleryHoldsQueries, OwnRows: o.OwnRows,
	})
	if err != nil {
		return nil, err
	}
	out := make([]Decision, query.Len())
	var labels []int
	for i := range out {
		rows, distances := found.Of(i)
		labels = labels[:0]
		for _, row := range rows {
			labels = append(labels, of.Labels[row])
		}
		if out[i], err = Vote(labels, distances); err != nil {
			return nil, err
		}
		out[i].Row = int(rows[out[i].Row])
		out[i].Rejected = o.MaxDistance != nil && out[i].Distance > *o.MaxDistance
	}
	return out, nil
}

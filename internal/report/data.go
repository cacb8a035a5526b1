package report

import "image"

// Data is all that a report shows. Every field may be left at its zero value.
//
// The test set has N pictures: Embeddings, Labels, Paths, Neighbours and PerQueryAP
// speak of the same N rows in the same order.
type Data struct {
	Title   string
	Facts   []Fact   // of the run: data, classes, steps, seed, device, time, images/s …
	Metrics []Metric // of retrieval on the test classes
	// On says what was measured: it stands beside the headline figure and over the table.
	// Empty is "test classes".
	On string
	// Set is the name of the measured set, such as "validation"; empty is "test".
	Set string
	// Pixels says that Metric.Pixels was measured.
	Pixels bool
	// Items is what was learned from and measured on; pictures if empty.
	Items string
	// Protocol says in a sentence how the metrics were measured (gallery, queries,
	// what was left out); it stands under their table.
	Protocol string

	Warnings []Warning // in the order of the run

	Series []Series // curves, in the order of their groups' first appearance

	Labels  []int    // (N) class of each test picture, an index into Classes; −1 for none
	Classes []string // names of the test classes
	Paths   []string // (N) where each picture lies; any bytes
	// Thumbnail returns test picture i, in any size. It is called for the pictures
	// shown, from several goroutines at once. An error gives a placeholder.
	Thumbnail func(i int) (image.Image, error)

	Dim              int       // length E of an embedding
	Embeddings       []float32 // (N, E) row-major, after training
	EmbeddingsBefore []float32 // (N, E) of the same pictures before training

	// Distances are histograms of pair distances, usually one before and one after
	// training. If nil, they are measured on the embeddings, Euclidean, on pairs among
	// at most 2,000 pictures taken evenly.
	Distances []Distances

	// Thresholds tells how well a threshold on the distance parts pairs of one class from
	// those of two, and Pairs the same of the pairs of a list; their section is left out if
	// neither has rows.
	Thresholds Table
	Pairs      Table
	// FewShot tells how well classes are told apart of which few pictures are known; it stands
	// below the measures if it has rows.
	FewShot Table
	ROC     []ROC  // a curve a set
	Marks   []Mark // thresholds, drawn into the last histogram

	// Neighbours are the nearest pictures of each query among the others. If it is
	// empty, the sections of queries and of confused classes are left out.
	Neighbours Neighbours
	// PerQueryAP (N) ranks queries from best to worst, NaN for a query without a match
	// in the gallery, which is not shown. If nil, the average precision over the
	// neighbours given takes its place. APName names the measure on the page.
	PerQueryAP []float64
	APName     string

	// Confused are class pairs, most confused first. If nil, they are counted from
	// the nearest neighbour of each query.
	Confused []ClassPair

	Splits  []Split // table of what was found, one row a split
	Skipped []Skip  // what was left out, by reason
	// SkippedList names the file in the run's folder that lists all of them.
	SkippedList string

	// Progress, if not nil, is told which part of the report is being made.
	Progress func(part string)

	Config  string // the whole configuration, as YAML text
	Version string // of the software that wrote the report
	Seed    int64  // of the 2-D layout
}

// telling says which part is being made.
func (d *Data) telling(part string) {
	if d.Progress != nil {
		d.Progress(part)
	}
}

// Fact is one line about the run.
type Fact struct{ Name, Value string }

// Metric is one measure on the test classes, before and after training. NaN means not
// measured.
type Metric struct {
	Name          string  // such as "Recall@1"
	Pixels        float64 // of the raw pixels in place of embeddings
	Before, After float64
	LowerIsBetter bool
}

// Table is texts in rows, the first of each row naming it.
type Table struct {
	Head  []string
	Rows  [][]string // each as long as Head
	Notes []string   // below it
}

// ROC is the share of pairs of one class (TAR) and of two (FAR) that lie below a
// distance, for rising distances.
type ROC struct {
	Name     string
	FAR, TAR []float64 // within 0 … 1
}

// Mark is a distance with its name.
type Mark struct {
	At   float64
	Name string
}

// Warning is something in the run that a person should look at.
type Warning struct {
	Step    int
	Message string // what was seen
	Advice  string // what to do
}

// Series is one curve over training steps.
type Series struct {
	Group  string // curves of one group share a plot; the group's name is its title
	Name   string // of the curve; empty takes Group
	Unit   string // of the values, shown on the axis; may be empty
	Log    bool   // asks for a logarithmic axis, used if all values of the group are above 0
	Steps  []int
	Values []float64 // one a step; NaN and Inf leave a gap
}

// Distances holds how often pairs of one class and pairs of two classes lie at each
// distance. Bin b reaches from Edges[b] to Edges[b+1].
type Distances struct {
	Name     string // such as "before training"
	Edges    []float64
	Positive []float64 // count or share of pairs of one class, len(Edges)−1
	Negative []float64 // count or share of pairs of two classes, len(Edges)−1
}

// Neighbours holds for each query row the nearest gallery rows, nearest first, and
// their distances. Rows may differ in length.
type Neighbours struct {
	Indices   [][]int32
	Distances [][]float32
}

// ClassPair says that pictures of class A have nearest neighbours of class B. A and B
// are indices into Data.Classes.
type ClassPair struct {
	A, B  int
	Count int     // queries of A whose nearest neighbour is of B
	Share float64 // Count over the queries of A
}

// Split is a part of the data set.
type Split struct {
	Name     string // "train", "validation", "test"
	Classes  int
	Pictures int
	Smallest int    // pictures in the smallest class
	Note     string // anything else: picture sizes, the smallest class by name
}

// Skip counts what was left out for one reason.
type Skip struct {
	Reason   string
	Detail   string // what is known besides: what such a file is, what to do
	Count    int
	Examples []string // some of their paths
}

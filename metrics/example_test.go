package metrics_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log"

	"medusa/metrics"
)

// Six points in the plane: three of class 1 near (0, 0), three of class 2, one of which
// lies among class 1.
func points() metrics.Set {
	return metrics.Set{
		Embeddings: []float32{0, 0, 1, 0, 0, 1.5, 9, 9, 9, 7.5, 1.25, 1},
		Dim:        2,
		Labels:     []int{1, 1, 1, 2, 2, 2},
	}
}

func ExampleEvaluate() {
	r, err := metrics.Evaluate(context.Background(), points(), nil, metrics.Options{RecallAt: []int{1, 2}, Seed: 1})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, v := range r.Values() {
		fmt.Printf("%s %.3f\n", v.Name, v.Value)
	}
	// Output:
	// recall_at_1 0.667
	// recall_at_2 0.833
	// precision_at_1 0.667
	// r_precision 0.667
	// map_at_r 0.625
	// map 0.790
	// mrr 0.792
	// nmi 0.479
	// ami 0.355
	// ari 0.324
	// pairwise_f1 0.615
}

func ExampleResult_MarshalJSON() {
	r, _ := metrics.Evaluate(context.Background(), points(), nil, metrics.Options{RecallAt: []int{1, 4}, NoClustering: true})
	text, _ := json.Marshal(r)
	fmt.Println(string(text))
	// Output:
	// {"recall_at_1":0.6666666666666666,"recall_at_4":1,"precision_at_1":0.6666666666666666,"r_precision":0.6666666666666666,"map_at_r":0.625,"map":0.7902777777777777,"mrr":0.7916666666666666,"queries":6,"queries_left_out":0}
}

func ExampleSearch() {
	gallery := points()
	query := metrics.Set{Embeddings: []float32{8, 8}, Dim: 2}
	found, err := metrics.Search(context.Background(), query, &gallery, metrics.SearchOptions{K: 3})
	if err != nil {
		fmt.Println(err)
		return
	}
	indices, distances := found.Of(0)
	for i, row := range indices {
		fmt.Printf("row %d of class %d at %.2f\n", row, gallery.Labels[row], distances[i])
	}
	// Output:
	// row 4 of class 2 at 1.12
	// row 3 of class 2 at 1.41
	// row 5 of class 2 at 9.72
}

func ExampleRecall() {
	r, _ := metrics.Recall(context.Background(), points(), nil, []int{1, 4}, metrics.SearchOptions{Distance: metrics.Euclidean})
	fmt.Printf("%.2f %.2f of %d queries\n", r.Recall[0], r.Recall[1], r.Queries)
	// Output:
	// 0.67 1.00 of 6 queries
}

func ExampleMostConfused() {
	s := points()
	found, _ := metrics.Search(context.Background(), s, nil, metrics.SearchOptions{K: 1})
	pairs, _ := metrics.MostConfused(found, s.Labels, s.Labels, 5)
	for _, p := range pairs {
		fmt.Printf("class %d taken for %d: %d (%.0f %%)\n", p.Query, p.Neighbour, p.Count, 100*p.Share)
	}
	// Output:
	// class 1 taken for 2: 1 (33 %)
	// class 2 taken for 1: 1 (33 %)
}

func ExampleKMeans() {
	c, _ := metrics.KMeans(context.Background(), points(), metrics.KMeansOptions{Clusters: 2, Seed: 1})
	t, _ := metrics.NewContingency(points().Labels, c.Labels)
	fmt.Printf("%v NMI %.3f\n", c.Labels, t.NMI())
	// Output:
	// [1 1 1 0 0 1] NMI 0.479
}

func ExampleVerify() {
	v, err := metrics.Verify(context.Background(), points(), metrics.VerifyOptions{FAR: []float64{0.5, 0.01}, At: []float64{3}})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%d pairs of one class, %d of two; EER %.3f, AUC %.3f\n", v.Genuine, v.Impostor, v.EER, v.AUC)
	for _, p := range append(v.AtFAR, v.At...) {
		fmt.Printf("nearer than %.2f: %.2f of the former, %.2f of the latter\n", p.Threshold, p.TAR, p.FAR)
	}
	fmt.Println("too few pairs to tell a rate of", v.TooFine)
	// Output:
	// 6 pairs of one class, 9 of two; EER 0.333, AUC 0.722
	// nearer than 3.00: 0.67 of the former, 0.33 of the latter
	// too few pairs to tell a rate of [0.5 0.01]
}

// Two people, each seen by two cameras: a picture of one's own camera is no answer.
func ExampleReID() {
	s := metrics.Set{
		Embeddings: []float32{0, 1, 4, 2, 6, 7}, Dim: 1,
		Labels:  []int{1, 1, 1, 2, 2, 2},
		Cameras: []int{1, 1, 2, 1, 2, 2},
	}
	r, err := metrics.Evaluate(context.Background(), s, nil, metrics.Options{RecallAt: []int{1}, CMCAt: []int{1, 2}, NoClustering: true})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("Recall@1 %.2f CMC@1 %.2f CMC@2 %.2f mAP %.2f\n", r.Recall[0], r.ReID.CMC[0], r.ReID.CMC[1], r.ReID.MAP)
	// Output:
	// Recall@1 0.58 CMC@1 0.00 CMC@2 0.67 mAP 0.45
}

// Faces as Labeled Faces in the Wild lists them: pairs of the same and of different people,
// in folds.
func ExampleVerifyPairs() {
	faces := metrics.Set{Embeddings: []float32{0, 1, 12, 14, 30, 37}, Dim: 1}
	pairs := []metrics.Pair{
		{A: 0, B: 1, Same: true, Fold: 0}, {A: 1, B: 2, Fold: 0},
		{A: 2, B: 3, Same: true, Fold: 1}, {A: 3, B: 4, Fold: 1},
		{A: 4, B: 5, Same: true, Fold: 2}, {A: 0, B: 5, Fold: 2},
	}
	v, err := metrics.VerifyPairs(context.Background(), faces, pairs, metrics.VerifyOptions{})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, f := range v.Folds {
		fmt.Printf("fold %d: same below %.1f, %.2f right\n", f.Fold, f.Threshold, f.Accuracy)
	}
	fmt.Printf("accuracy %.3f ± %.3f\n", v.Accuracy, v.StandardError)
	// Output:
	// fold 0: same below 11.5, 0.50 right
	// fold 1: same below 9.0, 1.00 right
	// fold 2: same below 6.5, 0.50 right
	// accuracy 0.667 ± 0.167
}

// Two classes are told apart of which one picture each is known.
func ExampleEpisodes() {
	r, err := metrics.Episodes(context.Background(), points(), metrics.EpisodeOptions{Ways: 2, Shots: 1, Queries: 1, Seed: 1})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%.1f %% ± %.1f wrong over %d episodes\n", 100*r.Error, 100*r.Interval, r.Episodes)
	// Output:
	// 25.8 % ± 1.5 wrong over 1000 episodes
}

func ExampleNewWhitening() {
	s := metrics.Set{Dim: 2, Embeddings: []float32{3, 0, -3, 0, 0, 1, 0, -1}}
	w, err := metrics.NewWhitening(s, metrics.WhitenOptions{Keep: true})
	if err != nil {
		fmt.Println(err)
		return
	}
	y, err := w.Apply(s)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%.3f\n", y.Embeddings)
	// Output: [1.414 0.000 -1.414 0.000 0.000 1.414 0.000 -1.414]
}

func ExampleClassify() {
	known := metrics.Set{Dim: 2, Embeddings: []float32{1, 0, 0, 1}, Labels: []int{0, 1}}
	asked := metrics.Set{Dim: 2, Embeddings: []float32{0.9, 0.1, -1, -1}}
	within := 0.5
	decisions, err := metrics.Classify(context.Background(), asked, &known, metrics.ClassifyOptions{Distance: metrics.Cosine, MaxDistance: &within})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, d := range decisions {
		fmt.Println(d.Label, d.Rejected)
	}
	// Output:
	// 0 false
	// 0 true
}

func ExampleSuspectLabels() {
	s := metrics.Set{Dim: 1, Embeddings: []float32{0, 1, 2, 3, 20, 21, 22, 23}, Labels: []int{0, 0, 1, 0, 1, 1, 1, 1}}
	found, err := metrics.Search(context.Background(), s, nil, metrics.SearchOptions{K: 3})
	if err != nil {
		log.Fatal(err)
	}
	suspects, _, err := metrics.SuspectLabels(found, s.Labels)
	if err != nil {
		log.Fatal(err)
	}
	for _, row := range suspects {
		fmt.Printf("row %d has label %d, and seems to be %d\n", row.Row, s.Labels[row.Row], row.Suggested)
	}
	// Output: row 2 has label 1, and seems to be 0
}

func ExampleVote() {
	d, err := metrics.Vote([]int{4, 9, 9}, []float64{0.1, 0.2, 0.3})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(d.Label, d.Votes, d.Distance)
	// Output: 9 2 0.2
}

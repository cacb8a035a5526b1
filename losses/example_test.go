package losses_test

import (
	"fmt"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"medusa/graph"
	"medusa/losses"
)

// Four points on the unit circle, two of each class.
var (
	points = []float64{1, 0, 0, 1, -1, 0, -0.6, 0.8}
	labels = []int{0, 0, 1, 1}
)

func show(loss losses.Loss) {
	v, err := losses.Evaluate(loss, points, labels, tensor.Float64)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%.3f\n", v.Loss)
}

func ExampleContrastive() {
	show(losses.Contrastive{})
	show(losses.Contrastive{Form: losses.Squared})
	// Output:
	// 1.522
	// 0.717
}

func ExampleTriplet() {
	show(losses.Triplet{})
	show(losses.Triplet{Mining: losses.All})
	// Output:
	// 0.722
	// 0.548
}

func ExampleLiftedStructure() {
	show(losses.LiftedStructure{})
	// The paper's: raw embeddings, margin 1.
	show(losses.LiftedStructure{Margin: 1, Sharpness: 1, Metric: graph.Metric{Raw: true}})
	// Output:
	// 0.556
	// 2.517
}

func ExampleMultiSimilarity() {
	show(losses.MultiSimilarity{})
	// Output:
	// 0.628
}

func ExampleCrossEntropy() {
	head := &losses.CrossEntropy{Classes: 2, Seed: 1}
	v, err := losses.Evaluate(head, points, labels, tensor.Float64)
	fmt.Println(err, len(v.Gradient), len(v.Params["classifier.weight"]))
	// Output:
	// <nil> 8 4
}

func ExampleJoint() {
	joint := &losses.Joint{Parts: []losses.Part{
		{Loss: &losses.CrossEntropy{Classes: 2}},
		{Loss: losses.Triplet{Margin: 0.3}, Weight: 0.5},
	}}
	v, err := losses.Evaluate(joint, points, labels, tensor.Float32)
	fmt.Println(err, v.Loss > 0, len(joint.Params().All()))
	// Output:
	// <nil> true 1
}

func ExampleParse() {
	setting := losses.Setting{Classes: 2, EmbeddingSize: 2}
	loss, err := losses.Parse("triplet:margin=0.2,mining=batch-hard", setting)
	if err != nil {
		panic(err)
	}
	show(loss)
	_, err = losses.Parse("triplet:margn=0.2", setting)
	fmt.Println(err)
	// Output:
	// 0.722
	// losses: triplet has no parameter "margn" (did you mean "margin"?); it has margin, mining, mining-margin, soft, swap, metric, normalize, reducer, low, high, weight
}

// A loss of one's own is a formula.
func ExampleFunc() {
	loss := losses.Func(func(embeddings, labels *gorgonia.Node) (*gorgonia.Node, error) {
		d := graph.Distances(graph.Normalize(graph.Of(embeddings))) // (B, B)
		pos, neg := graph.PairMasks(graph.Data(labels))             // (B, B)
		return graph.MeanOver(pos, d).Sub(graph.MeanOver(neg, d)).Node()
	})
	show(loss)
	// Output:
	// -0.305
}

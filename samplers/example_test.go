package samplers_test

import (
	"fmt"

	"medusa/samplers"
)

func ExampleNew() {
	labels := []int{0, 0, 0, 1, 1, 1, 2, 2, 2, 3} // ten pictures of four classes
	s, err := samplers.New(labels, samplers.Config{P: 2, K: 3, Seed: 1})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(s.BatchesPerEpoch(), "batches of", s.Batch(), "in an epoch")
	batch := make([]int, s.Batch())
	for range s.BatchesPerEpoch() {
		if err := s.Next(batch); err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println("class", labels[batch[0]], batch[:3], "class", labels[batch[3]], batch[3:])
	}
	// Output:
	// 2 batches of 6 in an epoch
	// class 1 [3 4 5] class 2 [8 7 6]
	// class 0 [1 2 0] class 2 [7 6 8]
}

func ExampleNewPlan() {
	labels := []int{0, 0, 0, 1, 1, 1, 2, 2, 2, 3}
	fmt.Println(samplers.NewPlan(labels, 3, false))
	fmt.Println(samplers.NewPlan(labels, 3, true))
	// Output:
	// 3 of 4 classes usable, 9 of 10 pictures; too small and left out: 1
	// 4 of 4 classes usable, 10 of 10 pictures; small and repeating pictures: 1
}

func ExampleSampler_Restore() {
	labels := []int{0, 0, 0, 1, 1, 1, 2, 2, 2}
	config := samplers.Config{Name: "pk", P: 2, K: 2, Seed: 7}
	batch, again := make([]int, 4), make([]int, 4)

	first, _ := samplers.New(labels, config)
	_ = first.Next(batch)
	state, _ := first.State()
	_ = first.Next(batch)

	second, _ := samplers.New(labels, config)
	if err := second.Restore(state); err != nil {
		fmt.Println(err)
	}
	_ = second.Next(again)
	fmt.Println(fmt.Sprint(batch) == fmt.Sprint(again))
	// Output: true
}

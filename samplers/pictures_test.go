package samplers

import (
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
)

// anyPictures are pictures of which everything is known that samplers ask for: their super-classes are
// two, by turns of the labels, and a picture is in as many tuples as its number says.
func anyPictures(labels []int) Pictures {
	d := Pictures{Labels: labels, Names: func(i int) string { return fmt.Sprintf("%d/%d.png", labels[i], i) }, CategoryNames: []string{"even", "odd"}}
	sorted := slices.Compact(slices.Sorted(slices.Values(labels)))
	for _, l := range labels {
		d.Categories = append(d.Categories, slices.Index(sorted, l)%2)
	}
	d.Counter = func(string) (Counter, error) {
		return func(embeddings []float32, labels []int, _ int) ([]float64, error) {
			counts := make([]float64, len(labels))
			for i := range counts {
				counts[i] = float64(i)
			}
			return counts, nil
		}, nil
	}
	return d
}

// sixOf is a configuration of a sampler whose batch has six pictures.
func sixOf(name string) Config {
	switch name {
	case "uniform", fixedTripletsName, tuplesToWeightsName:
		return Config{Name: name, Batch: 6}
	}
	return Config{Name: name, P: 2, K: 3}
}

// What only one sampler reads is refused by the others, none of it ignored.
func TestFieldsOfOneSampler(t *testing.T) {
	labels := labelsOf(1, 6, 6, 6, 6)
	for name, c := range map[string]Config{
		"Supers": {Supers: 2}, "SuperBatches": {SuperBatches: 2}, "SuperBy": {SuperBy: "/"}, "Triplets": {Triplets: "9"}, "Miner": {Miner: "hdc"},
	} {
		taken := 0
		for _, sampler := range builtIn {
			with := sixOf(sampler)
			with.Supers, with.SuperBatches, with.SuperBy, with.Triplets, with.Miner = c.Supers, c.SuperBatches, c.SuperBy, c.Triplets, c.Miner
			if name == "SuperBy" {
				with.SuperBy = ByCategory
			}
			_, err := Of(anyPictures(labels), with)
			if err == nil {
				taken++
				continue
			}
			assert.ErrorContains(t, err, name+": nothing of this means anything to Name "+sampler)
		}
		assert.Equal(t, 1, taken, name)
	}
	_, err := New(labels, Config{Supers: 2, Triplets: "2"})
	assert.EqualError(t, err, "samplers: Supers and Triplets: nothing of this means anything to Name pk")
}

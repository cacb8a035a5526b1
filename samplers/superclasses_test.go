package samplers

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// birds are classes in super-classes, by their names: animal/bird has 3 classes, animal/cat 2, thing 1.
var birds = []string{"animal/bird/duck", "animal/bird/teal", "animal/bird/gull", "animal/cat/lion", "animal/cat/puma", "thing"}

func of(classes ...int) (labels []int) { // so many pictures of each class
	for class, n := range classes {
		for range n {
			labels = append(labels, class)
		}
	}
	return labels
}

// Names of classes tell super-classes, and categories go before names.
func TestSuperClasses(t *testing.T) {
	labels := of(2, 1, 1, 1, 2, 1)
	for name, c := range map[string]struct {
		d    Pictures
		by   string
		want []int
	}{
		"names":               {Pictures{Labels: labels, Classes: birds}, "", []int{0, 0, 0, 0, 1, 1, 1, 2}},
		"names, by a text":    {Pictures{Labels: labels, Classes: birds}, "/", []int{0, 0, 0, 0, 1, 1, 1, 2}},
		"another text":        {Pictures{Labels: []int{0, 1}, Classes: []string{"b-x", "b-y"}}, "-", []int{0, 0}},
		"categories":          {Pictures{Labels: []int{0, 0, 1}, Classes: birds, Categories: []int{7, 7, 3}}, "", []int{7, 7, 3}},
		"categories, by name": {Pictures{Labels: []int{0, 0, 1}, Classes: birds, Categories: []int{7, 7, 3}}, ByCategory, []int{7, 7, 3}},
		"names all the same":  {Pictures{Labels: []int{0, 3}, Classes: birds, Categories: []int{7, 7}}, "/", []int{0, 1}},
	} {
		got, err := c.d.supers(Config{SuperBy: c.by})
		require.NoError(t, err, name)
		assert.Equal(t, c.want, got, name)
	}
}

func TestSuperClassesThatAreNone(t *testing.T) {
	labels := of(4, 4, 4, 4, 4, 4)
	named := Pictures{Labels: labels, Classes: birds}
	half := Pictures{Labels: []int{0, 0, 1, 1}, Classes: birds, Categories: []int{0, 1, 1, 1}, CategoryNames: []string{"fish", "bird"}}
	lacking := Pictures{Labels: []int{0, 0, 1, 1}, Categories: []int{0, 0, 1, -1}, Names: func(int) string { return "a.png" }}
	for want, c := range map[string]struct {
		d Pictures
		c Config
	}{
		`Name is hierarchical, but nothing tells which classes are of one super-class`:       {Pictures{Labels: labels}, Config{}},
		`names of classes by "-" between their parts`:                                        {named, Config{SuperBy: "-"}},
		"SuperBy is category, but no category of any picture is known":                       {named, Config{SuperBy: ByCategory}},
		"P is 5 classes in a batch, and Supers 2: want a multiple of the latter":             {named, Config{P: 5}},
		"Supers is -1, SuperBatches 4, P 0 and K 0, want at least 1 of each":                 {named, Config{Supers: -1}},
		"class animal/bird/duck is of the categories fish and bird, want one":                {half, Config{}},
		"picture a.png has no category":                                                      {lacking, Config{}},
		"Supers, P, K and SuperBatches: hierarchical: a batch needs 3 super-classes with 2 ": {named, Config{Supers: 3, P: 6}},
		"Batch, Power and Pool mean nothing to Name hierarchical":                            {named, Config{Batch: 8}},
	} {
		c.c.Name = hierarchicalName
		_, err := Of(c.d, c.c)
		assert.ErrorContains(t, err, want)
	}
}

// By name the sampler is the one that is made by value, with sizes that suit the classes where none
// are given.
func TestHierarchicalByName(t *testing.T) {
	labels := of(4, 4, 4, 4, 4, 4)
	byName, err := Of(Pictures{Labels: labels, Classes: birds}, Config{Name: hierarchicalName, Seed: 5})
	require.NoError(t, err)
	supers := []int{}
	for _, l := range labels {
		supers = append(supers, []int{0, 0, 0, 1, 1, 2}[l])
	}
	byValue, err := NewHierarchical(labels, supers, Hierarchy{Supers: 2, Classes: 2, K: 4, Batches: 4, Seed: 5})
	require.NoError(t, err)
	require.Equal(t, run(t, byValue, 20), run(t, byName, 20))
}

func TestSizesOfHierarchicalFit(t *testing.T) {
	for name, c := range map[string]struct {
		classes       []int // pictures of each
		supers        []int // of each class
		given, wanted Hierarchy
	}{
		"plenty":            {each(9, 40), turns(4, 40), Hierarchy{Supers: 2}, Hierarchy{Supers: 2, Classes: 8, K: 4}},
		"few classes":       {each(9, 12), turns(4, 12), Hierarchy{Supers: 2}, Hierarchy{Supers: 2, Classes: 3, K: 4}},
		"few pictures":      {each(3, 40), turns(4, 40), Hierarchy{Supers: 2}, Hierarchy{Supers: 2, Classes: 8, K: 3}},
		"what is given":     {each(9, 40), turns(4, 40), Hierarchy{Supers: 4, Classes: 2, K: 5}, Hierarchy{Supers: 4, Classes: 2, K: 5}},
		"all super-classes": {each(9, 40), turns(4, 40), Hierarchy{Supers: 4}, Hierarchy{Supers: 4, Classes: 4, K: 4}},
	} {
		labels := of(c.classes...)
		var supers []int
		for _, l := range labels {
			supers = append(supers, c.supers[l])
		}
		assert.Equal(t, c.wanted, c.given.fit(labels, supers), name)
	}
}

// each is n in each of so many classes.
func each(n, classes int) []int {
	out := make([]int, classes)
	for i := range out {
		out[i] = n
	}
	return out
}

// turns are the super-classes of classes, by turns.
func turns(supers, classes int) []int {
	out := make([]int, classes)
	for i := range out {
		out[i] = i % supers
	}
	return out
}

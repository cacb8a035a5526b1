package samplers

import "cmp"

// The sizes of a batch where nothing is said and the classes allow them.
const (
	DefaultP     = 16
	DefaultK     = 4
	DefaultBatch = DefaultP * DefaultK
)

// Fit fills in the sizes that c leaves at zero, so that they suit the classes of labels:
//
//   - P is 16 and K is 4 where there are 16 classes of 4 pictures.
//   - With fewer classes P is their number, and K grows to keep P·K at about 64.
//   - K is smaller where else more than a tenth of the classes, of those with two pictures
//     or more, would be left out for having too few; P then grows to keep P·K at about 64.
//   - A size that is given stays, and the other one is at most 16 or 4.
//   - The uniform sampler's batch is 64, or all pictures where there are fewer.
//
// Fit never fails: New refuses what no classes can meet. The sampler views, one that was registered
// from outside, and a P×K sampler whose Batch is given, are left as they are.
func (c Config) Fit(labels []int) Config { return c.FitTo(Pictures{Labels: labels}) }

// FitTo is Fit where more may be known than labels: hierarchical then has 16 classes of 4 pictures, or
// fewer where else more than a tenth of the super-classes would be left out.
func (c Config) FitTo(d Pictures) Config {
	labels := d.Labels
	switch c.Name {
	case hierarchicalName:
		if h, err := d.hierarchy(c); err == nil {
			c.Supers, c.P, c.K = h.Supers, h.Supers*h.Classes, h.K
		}
	case "uniform":
		c.Batch = cmp.Or(c.Batch, min(DefaultBatch, len(labels)))
	case "", "pk", "pk-independent", "pk-weighted", "pk-hard":
		if c.Batch == 0 && min(c.P, c.K) == 0 { // what is below 0 is refused as it is
			c.P, c.K = fitPK(countClasses(labels), c)
		}
	}
	return c
}

func fitPK(classes []Class, c Config) (p, k int) {
	have := func(k int) int { // classes of which K pictures can be shown
		n := 0
		for _, class := range classes {
			if class.Pictures >= k || c.Repeat {
				n++
			}
		}
		return n
	}
	if c.K > 0 {
		return max(min(DefaultP, have(c.K)), 2), c.K
	}
	all := have(2)
	most := DefaultK
	if c.P == 0 {
		most = DefaultBatch / max(min(DefaultP, all), 2)
	}
	if c.Repeat {
		most = min(most, largest(classes)) // a class repeats to keep up with larger ones, not for its own sake
	}
	k = max(most, 2)
	for k > 2 && have(k) < max(c.P, all-all/10) {
		k--
	}
	if c.P > 0 {
		return c.P, k
	}
	return max(min(DefaultBatch/k, have(k)), 2), k
}

// largest is the number of pictures of the largest class, 0 if there is none.
func largest(classes []Class) int {
	n := 0
	for _, class := range classes {
		n = max(n, class.Pictures)
	}
	return n
}

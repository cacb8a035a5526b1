package samplers

import (
	"cmp"

	"github.com/pkg/errors"

	"medusa/internal/field"
)

// views yields batches of P distinct pictures, each K times in a row, for losses to which the
// augmentations of one picture are alike, such as losses.SelfSupervised. An epoch shows every
// picture.
type views struct {
	*uniform // of P pictures
	k        int
	firsts   []int
}

// DefaultViews is K of the sampler views.
const DefaultViews = 2

func newViews(labels []int, c Config) (Sampler, error) {
	if c.Repeat || c.Power != 0 || c.Pool != 0 {
		return nil, field.Errorf("samplers", "", "%s views takes %s, %s and %s only; %s, %s and %s belong to other samplers", field.Name("Name"),
			field.Name("P"), field.Name("K"), field.Name("Seed"), field.Name("Repeat"), field.Name("Power"), field.Name("Pool"))
	}
	c.K = cmp.Or(c.K, DefaultViews)
	if c.K < 2 {
		return nil, field.Errorf("samplers", "", "%s is %d, want at least 2 views of each picture", field.Name("K"), c.K)
	}
	c.P = cmp.Or(c.P, min(max(DefaultBatch/c.K, 2), len(labels)))
	if c.P < 1 || c.P > len(labels) {
		return nil, field.Errorf("samplers", "", "%s is %d distinct pictures out of %d, want 1 to %d", field.Name("P"), c.P, len(labels), len(labels))
	}
	if c.P > maxPictures/c.K {
		return nil, field.Errorf("samplers", "", "%s is %d and %s %d, which make a batch above %d: lower one of them", field.Name("P"), c.P, field.Name("K"), c.K, maxPictures)
	}
	if c.Batch != 0 && c.Batch != c.P*c.K {
		return nil, field.Errorf("samplers", "", "%s is %d, but %s of %d and %s of %d make %d: leave it out, or make them equal",
			field.Name("Batch"), c.Batch, field.Name("P"), c.P, field.Name("K"), c.K, c.P*c.K)
	}
	of, err := newUniform(labels, Config{Name: c.Name, Batch: c.P, Seed: c.Seed})
	if err != nil {
		return nil, err
	}
	return &views{uniform: of.(*uniform), k: c.K, firsts: make([]int, c.P)}, nil
}

func (s *views) Batch() int { return len(s.firsts) * s.k }

func (s *views) Next(dst []int) error {
	if len(dst) != s.Batch() {
		return errors.Errorf("samplers: views: Next got room for %d indices, a batch has %d", len(dst), s.Batch())
	}
	if err := s.uniform.Next(dst[:len(s.firsts)]); err != nil {
		return err
	}
	copy(s.firsts, dst)
	for i := range dst {
		dst[i] = s.firsts[i/s.k]
	}
	return nil
}

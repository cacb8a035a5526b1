package cli

import (
	"context"
	"slices"

	"github.com/pkg/errors"

	"medusa/index"
	"medusa/internal/wording"
)

// remove takes pictures out of an index.
func (r *indexRun) remove(ctx context.Context, args []string) error {
	g, err := openIndex(args[0])
	if err != nil {
		return err
	}
	if err := canWrite(args[0], "INDEX"); err != nil {
		return err
	}
	filter, err := g.filter(r.options.Selection)
	if err != nil {
		return err
	}
	ids, err := g.meant(filter)
	if err != nil {
		return err
	}
	if err := g.Remove(ids...); err != nil {
		return err
	}
	if err := r.save(ctx, g); err != nil {
		return err
	}
	r.screen.Sayf("%s removed, %s left", wording.Number(len(ids), "pictures"), wording.Thousands(g.Len()))
	r.describe(g)
	return nil
}

// meant are the IDs of the pictures for which a filter holds, of which there must be one.
func (g *pictureIndex) meant(f index.Filter) (ids []uint64, err error) {
	err = g.All(func(it index.Item) bool {
		if isMeant(f, it) {
			ids = append(ids, it.ID)
		}
		return true
	})
	if err == nil && len(ids) == 0 {
		err = errors.Errorf("no picture of %s is all of that: nothing was removed", g.path)
	}
	return ids, err
}

// isMeant reports whether a filter holds for an item.
func isMeant(f index.Filter, it index.Item) bool {
	if f.Labels != nil && !slices.Contains(f.Labels, it.Label) {
		return false
	}
	for key, value := range f.Meta {
		if got, ok := it.Meta[key]; !ok || got != value {
			return false
		}
	}
	return f.Where == nil || f.Where(it)
}

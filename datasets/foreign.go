package datasets

import "github.com/pkg/errors"

// Fill calls d.Fill of a Set of any origin. If that fails, the error names the item; a panic is an error
// too.
func Fill(d Set, dst []float32, items []int, norm Normalisation) error {
	if own, ok := d.(*Dataset); ok {
		return own.Fill(dst, items, norm)
	}
	all := guarded(func() error { return d.Fill(dst, items, norm) })
	if all == nil || len(items) == 0 {
		return all
	}
	size := len(dst) / len(items)
	for k, item := range items {
		one := dst[k*size : (k+1)*size : (k+1)*size]
		if err := aboutItem(d, item, func() error { return d.Fill(one, items[k:k+1], norm) }); err != nil {
			return err
		}
	}
	return errors.WithMessagef(all, "%d items together, from %s to %s, of which each one alone is well",
		len(items), NameOf(d, items[0]), NameOf(d, items[len(items)-1]))
}

// aboutItem calls do, and adds the item's name to its error.
func aboutItem(d Set, item int, do func() error) error {
	err := guarded(do)
	if err == nil {
		return nil
	}
	name := "" // an item's name may fail too
	if guarded(func() error { name = NameOf(d, item); return nil }) != nil {
		name = NameOf(unnamed{d}, item)
	}
	return errors.WithMessage(err, name)
}

// unnamed hides the names of a Set's items.
type unnamed struct{ Set }

// guarded calls do, and returns a panic of it as an error.
func guarded(do func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = errors.Errorf("panic: %v", p)
		}
	}()
	return do()
}

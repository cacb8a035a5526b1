package datasets

import (
	"runtime"
	"sync"

	"github.com/pkg/errors"
)

// Fill writes the pictures of indices, normalised and not augmented, to dst as
// (len(indices), C, H, W). It is what evaluation reads with; it uses all processors
// when there is enough to do, and the result does not depend on their number.
func (d *Dataset) Fill(dst []float32, indices []int, norm Normalisation) error {
	return d.fill(dst, indices, norm, func() func(dst []float32, item int) error { return d.filler(norm) })
}

// fill writes items in parallel. Each goroutine calls filler once, and writes its items by the function that it returns.
func (d *Dataset) fill(dst []float32, indices []int, norm Normalisation, filler func() func(dst []float32, item int) error) error {
	n := d.store.bytes()
	if len(dst) != len(indices)*n {
		return errors.Errorf("datasets: %d values of room for %d pictures of %d values each", len(dst), len(indices), n)
	}
	if err := norm.Validate(d.store.channels); err != nil {
		return err
	}
	if err := d.checkIndices(indices); err != nil {
		return err
	}
	return inParallel(len(indices), n, func(from, to int) error {
		fill := filler()
		for i := from; i < to; i++ {
			if err := fill(dst[i*n:(i+1)*n], indices[i]); err != nil {
				return err
			}
		}
		return nil
	})
}

// filler returns what writes an item, normalised. It serves one goroutine.
func (d *Dataset) filler(norm Normalisation) func(dst []float32, item int) error {
	s := d.store
	if d.quarters == nil {
		fill := s.filler(norm)
		return func(dst []float32, item int) error { return fill(dst, int(d.rows[item])) }
	}
	tables, scratch, turned := norm.Tables(s.channels), s.scratch(), make([]byte, s.bytes())
	return func(dst []float32, item int) error {
		pixels, err := s.get(int(d.rows[item]), scratch)
		if err != nil {
			return err
		}
		lookUp(dst, turn(turned, pixels, size{s.height, s.width}, s.channels, d.quarter(item)), tables)
		return nil
	}
}

// checkIndices says which of indices is no picture of d.
func (d *Dataset) checkIndices(indices []int) error { return checkItems(d.Len(), indices) }

func checkItems(n int, items []int) error {
	for _, i := range items {
		if i < 0 || i >= n {
			return errors.Errorf("datasets: picture %d asked for, the set has %d", i, n)
		}
	}
	return nil
}

// lookUp writes one planar picture through the table of each channel.
func lookUp(dst []float32, pixels []byte, tables [][256]float32) {
	plane := len(pixels) / len(tables)
	for c := range tables {
		table := &tables[c]
		to := dst[c*plane : (c+1)*plane]
		for i, v := range pixels[c*plane : (c+1)*plane] {
			to[i] = table[v]
		}
	}
}

// inParallel calls do over pieces of 0 … n−1, each item costing about cost bytes of
// work, and returns the error of the lowest piece that failed.
func inParallel(n, cost int, do func(from, to int) error) error {
	const worth = 1 << 17 // bytes of work below which another goroutine costs more than it brings
	workers := min(runtime.GOMAXPROCS(0), 1+n*cost/worth, n)
	if workers <= 1 {
		return do(0, n)
	}
	errs := make([]error, workers)
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() { errs[w] = do(w*n/workers, (w+1)*n/workers) })
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

package loops

import "unsafe"

// packRows copies k rows of width elements that stand ld apart in src to rows that
// stand pitch apart in dst.
func packRows[T Float](dst []T, pitch int, src []T, ld, width, k int) {
	copyRows(dst, src, width, k, pitch, ld)
}

// packColumns writes width rows of k elements, ld apart in src, as columns of dst: element
// p of row i goes to dst[p·pitch+i]. Up to pitch, a multiple of four, it may write any
// values behind the last column.
func packColumns[T Float](dst []T, pitch int, src []T, ld, width, k int) {
	from := 0
	if f := active.simd.turn; f != nil && isSingle[T]() && k >= 4 {
		lanes := active.f32.lanes
		from = turnRows(f, lanes, singles(dst), pitch, singles(src), ld, 0, width, k)
		if half := active.simd.turnHalf; half != nil {
			from = turnRows(half, lanes/2, singles(dst), pitch, singles(src), ld, from, width, k)
		}
	}
	if from == width {
		return
	}
	done := 0
	if f := active.simd.transpose4; f != nil && isSingle[T]() && k >= 8 {
		done = k &^ 7
		for i := from; i < width; i += 4 {
			row := func(r int) *float32 { // the last row stands for rows that are not there
				return (*float32)(unsafe.Pointer(&src[min(i+r, width-1)*ld]))
			}
			_ = dst[(done-1)*pitch+i+3]
			f((*float32)(unsafe.Pointer(&dst[i])), row(0), row(1), row(2), row(3), done/8, 4*pitch)
		}
	}
	for i := from; i < width; i++ {
		row := src[i*ld : i*ld+k]
		for p := done; p < k; p++ {
			dst[p*pitch+i] = row[p]
		}
	}
}

// Transpose writes an m×n matrix of rows ld apart in src as n rows of m numbers, pitch ≥ m
// apart in dst. It goes through tiles of which both sides stay in the nearest cache, also where rows
// are a power of two apart and so fall into the same few sets of it.
func Transpose[T Float](dst []T, pitch int, src []T, ld, m, n int) {
	const rows, cols = 32, 16 // the quickest of many for matrices of 1024 columns
	for i := 0; i < m; i += rows {
		for p := 0; p < n; p += cols {
			transposeTile(dst[p*pitch+i:], pitch, src[i*ld+p:], ld, min(rows, m-i), min(cols, n-p))
		}
	}
}

func transposeTile[T Float](dst []T, pitch int, src []T, ld, m, n int) {
	whole := m &^ 3
	if whole > 0 {
		packColumns(dst, pitch, src, ld, whole, n)
	}
	for i := whole; i < m; i++ {
		for p, v := range src[i*ld : i*ld+n] {
			dst[p*pitch+i] = v
		}
	}
}

// turnRows turns rows of src, from the from-th on, as long as there are enough for f. It
// returns the first that is left.
func turnRows(f func(dst, src *float32, count, pitch, step int, ahead *float32), lanes int, dst []float32, pitch int, src []float32, ld, from, width, k int) int {
	for ; from+lanes <= width; from += lanes {
		_, _ = dst[(k-1)*pitch+from+lanes-1], src[(from+lanes-1)*ld+k-1]
		f(&dst[from], &src[from*ld], k, 4*ld, 4*pitch, ahead(src, (from+lanes)*ld))
	}
	return from
}

// ahead is where src goes on, or its first element behind its end.
func ahead(src []float32, at int) *float32 {
	if at >= len(src) {
		at = 0
	}
	return &src[at]
}

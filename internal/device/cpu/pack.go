package cpu

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
	done := 0
	if f := active.simd.transpose4; f != nil && unsafe.Sizeof(T(0)) == 4 && k >= 8 {
		done = k &^ 7
		for i := 0; i < width; i += 4 {
			row := func(r int) *float32 { // the last row stands for rows that are not there
				return (*float32)(unsafe.Pointer(&src[min(i+r, width-1)*ld]))
			}
			_ = dst[(done-1)*pitch+i+3]
			f((*float32)(unsafe.Pointer(&dst[i])), row(0), row(1), row(2), row(3), done/8, 4*pitch)
		}
	}
	for i := range width {
		row := src[i*ld : i*ld+k]
		for p := done; p < k; p++ {
			dst[p*pitch+i] = row[p]
		}
	}
}

// Transpose writes an m×n matrix of rows ld apart in src as n rows of m numbers, pitch ≥ m
// apart in dst.
func Transpose[T Float](dst []T, pitch int, src []T, ld, m, n int) {
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

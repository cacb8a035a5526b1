package loops

// DotFour sets out[i] = Σ x·rows[i]. The rows are at least as long as x.
func DotFour(out *[4]float32, x []float32, rows *[4][]float32) {
	n := len(x)
	for _, r := range rows {
		mustHold("DotFour", "a row", r, n)
	}
	if f := active.simd.dots; f != nil && n > 0 {
		f(&out[0], &x[0], &rows[0][0], &rows[1][0], &rows[2][0], &rows[3][0], n)
		return
	}
	for i, r := range rows {
		var sum float32
		for j, v := range x {
			sum += v * r[j]
		}
		out[i] = sum
	}
}

// FetchFour has the beginnings of rows brought into the cache, which will be read soon. Rows are
// not empty.
func FetchFour(rows *[4][]float32) {
	const line, most = 16, 8 // numbers in 64 bytes; the processor itself goes on behind so many lines
	f, lines := active.simd.fetch, most
	for _, r := range rows {
		lines = min(lines, ceil(len(r), line))
	}
	if f != nil && lines > 0 {
		f(&rows[0][0], &rows[1][0], &rows[2][0], &rows[3][0], lines)
	}
}

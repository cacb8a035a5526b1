package cpu

import "testing"

// Blocks of halves lie one behind the other, and whole rows are made of them.
func TestHalves(t *testing.T) {
	for _, n := range []int{1, 63, 64, 65, 128, 200} {
		h := halves{n}
		value := func(r, j int) float32 { return float32(min(r, j)*n + max(r, j) + 1) }
		x := make([]float32, n*n)
		for b := range h.bands() {
			from, to := h.band(b)
			for r := from; r < to; r++ {
				row := make([]float32, n-from)
				for k := range row {
					row[k] = value(r, from+k)
				}
				h.put(x, row, b, r)
			}
		}
		for b := range h.bands() {
			from, to := h.band(b)
			rows := make([]float32, gradientRows*(n+3))
			h.rows(rows, n+3, x, b)
			for r := from; r < to; r++ {
				for j := range n {
					if want := value(r, j); rows[(r-from)*(n+3)+j] != want || h.at(x, r, j) != want {
						t.Fatalf("n %d, row %d, column %d: %v and %v, want %v", n, r, j, rows[(r-from)*(n+3)+j], h.at(x, r, j), want)
					}
				}
			}
		}
	}
}

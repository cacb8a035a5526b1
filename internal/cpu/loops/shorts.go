package loops

import (
	"math"
	"unsafe"
)

// Products of rows that were rounded to 16-bit integers cost half of those of float32, with
// AVX2. A sum of products must stay within 32 bits; where the lengths of two rows have a
// product below 2³¹, all sums of their products do.

const (
	// ShortRows and ShortColumns are the size of a tile; ShortProducts does whole tiles.
	ShortRows    = 6
	ShortColumns = 16

	shortQuad = 8 // elements that a kernel takes at once
)

// HasShorts reports whether products of 16-bit integers are faster than those of float32.
func HasShorts() bool { return active.simd.shortTile != nil }

// ShortPitch is the length of a row of dim elements, of 16 bits or of bytes, that is filled up with zeros.
func ShortPitch(dim int) int { return max(1, ceil(dim, shortQuad)) * shortQuad }

// Shorten computes dst = scale·src, rounded to the nearest, ties to even, and fills what is
// left of dst with 0. The results must be within 16 bits.
func Shorten(dst []int16, src []float32, scale float32) {
	mustHold("Shorten", "dst", dst, len(src))
	i := 0
	if f := active.simd.shorten; f != nil && len(src) >= 16 {
		i = len(src) &^ 15
		f(&dst[0], &src[0], i/16, scale)
	}
	for ; i < len(src); i++ {
		dst[i] = int16(math.RoundToEven(float64(src[i] * scale)))
	}
	clear(dst[len(src):])
}

// Lengthen computes dst = scale·src, each product rounded once.
func Lengthen(dst []float32, src []int8, scale float32) {
	mustHold("Lengthen", "dst", dst, len(src))
	i := 0
	if f := active.simd.lengthen; f != nil && len(src) >= 8 {
		i = len(src) &^ 7
		f(&dst[0], &src[0], i/8, scale)
	}
	for ; i < len(src); i++ {
		dst[i] = float32(src[i]) * scale
	}
}

// ShortPanels brings rows of pitch elements, a result of ShortPitch, into the order in which
// ShortProducts reads its second matrix: panels of ShortColumns rows, pairs of elements of
// all rows of a panel together. dst has room for whole panels.
func ShortPanels(dst, rows []int16, count, pitch int) {
	mustHold("ShortPanels", "rows", rows, count*pitch)
	mustHold("ShortPanels", "dst", dst, ceil(count, ShortColumns)*ShortColumns*pitch)
	words := func(s []int16) []float32 { // a pair of shorts is moved as one number
		return unsafe.Slice((*float32)(unsafe.Pointer(unsafe.SliceData(s))), len(s)/2)
	}
	for first := 0; first < count; first += ShortColumns {
		panel := words(dst[first*pitch : (first+ShortColumns)*pitch])
		packColumns(panel, ShortColumns, words(rows[first*pitch:count*pitch]), pitch/2, min(ShortColumns, count-first), pitch/2)
	}
}

// ShortProducts computes C = alpha·X·Yᵀ of m rows X of pitch elements and n rows Y that
// ShortPanels brought into order. m is a multiple of ShortRows and n of ShortColumns; rows
// of C are ldc apart.
func ShortProducts(c []float32, ldc int, alpha float32, x []int16, m int, panels []int16, n, pitch int) {
	if m <= 0 || n <= 0 {
		return
	}
	mustHold("ShortProducts", "X", x, m*pitch)
	mustHold("ShortProducts", "Y", panels, n*pitch)
	mustHold("ShortProducts", "C", c, extent(m, n, ldc))
	if m%ShortRows != 0 || n%ShortColumns != 0 || pitch%shortQuad != 0 {
		panic("loops: ShortProducts of parts of tiles") // a programmer's mistake
	}
	tile := active.simd.shortTile
	if tile == nil {
		tile = shortLoop
	}
	for j := 0; j < n; j += ShortColumns {
		for i := 0; i < m; i += ShortRows {
			tile(&c[i*ldc+j], 4*ldc, &x[i*pitch], 2*pitch, &panels[j*pitch], pitch/shortQuad, alpha)
		}
	}
}

// shortLoop is the meaning of the kernel.
func shortLoop(c *float32, cRow int, x *int16, xRow int, panel *int16, quads int, alpha float32) {
	for i := range ShortRows {
		for j := range ShortColumns {
			var sum int32
			for p := range shortQuad * quads {
				v := *(*int16)(unsafe.Add(unsafe.Pointer(x), i*xRow+2*p))
				w := *(*int16)(unsafe.Add(unsafe.Pointer(panel), 2*(p/2*2*ShortColumns+2*j+p%2)))
				sum += int32(v) * int32(w)
			}
			*(*float32)(unsafe.Add(unsafe.Pointer(c), i*cRow+4*j)) = float32(sum) * alpha
		}
	}
}

package icc

import (
	"image"
	"image/color"
	"image/draw"
	"math"
	"sync"
)

// matrix is by rows.
type matrix [9]float64

var identity = matrix{1, 0, 0, 0, 1, 0, 0, 0, 1}

// srgbColumns are sRGB's red, green and blue in the profile connection space: CIE XYZ,
// adapted from D65 to D50 by Bradford's method.
var srgbColumns = [3][3]float64{
	{0.4360747, 0.2225045, 0.0139322},
	{0.3850649, 0.7168786, 0.0971045},
	{0.1430804, 0.0606169, 0.7141733},
}

// toLinearSRGB is the matrix from light in columns' colours to light in sRGB's.
func toLinearSRGB(columns [3][3]float64) matrix {
	return fromColumns(srgbColumns).inverse().times(fromColumns(columns))
}

func fromColumns(c [3][3]float64) (m matrix) {
	for i := range 3 {
		for j := range 3 {
			m[3*j+i] = c[i][j]
		}
	}
	return m
}

func (m matrix) times(o matrix) (p matrix) {
	for i := range 3 {
		for j := range 3 {
			for k := range 3 {
				p[3*i+j] += m[3*i+k] * o[3*k+j]
			}
		}
	}
	return p
}

func (m matrix) inverse() (inv matrix) {
	for i := range 3 {
		for j := range 3 {
			a, b, c, d := (j+1)%3, (j+2)%3, (i+1)%3, (i+2)%3
			inv[3*i+j] = m[3*a+c]*m[3*b+d] - m[3*a+d]*m[3*b+c]
		}
	}
	det := m[0]*inv[0] + m[1]*inv[3] + m[2]*inv[6]
	for i := range inv {
		inv[i] /= det
	}
	return inv
}

func (m matrix) of(v [3]float64) [3]float64 {
	return [3]float64{m[0]*v[0] + m[1]*v[1] + m[2]*v[2], m[3]*v[0] + m[4]*v[1] + m[5]*v[2], m[6]*v[0] + m[7]*v[1] + m[8]*v[2]}
}

// decodeSRGB is from stored values of sRGB to light.
func decodeSRGB(v float64) float64 {
	if v <= 0.04045 {
		return v / 12.92
	}
	return math.Pow((v+0.055)/1.055, 2.4)
}

// encodeSRGB is decodeSRGB's inverse.
func encodeSRGB(light float64) float64 {
	if light <= 0.0031308 {
		return 12.92 * light
	}
	return 1.055*math.Pow(light, 1/2.4) - 0.055
}

// Transform converts colours to sRGB. It may be used by many goroutines.
type Transform struct {
	grey   bool
	same   bool
	curves [3]curve
	m      [9]int64 // of 1/2^14

	light8  [3][256]int64 // of 1/65535
	light16 func() *[3][65536]uint16
}

const fraction = 14

func newTransform(curves [3]curve, m matrix, grey bool) *Transform {
	t := &Transform{grey: grey, curves: curves}
	for i, v := range m {
		t.m[i] = int64(math.Round(v * (1 << fraction)))
	}
	for c, f := range curves {
		for v := range 256 {
			t.light8[c][v] = int64(light(f, float64(v)/255))
		}
	}
	t.light16 = sync.OnceValue(func() *[3][65536]uint16 {
		var table [3][65536]uint16
		for c, f := range curves {
			for v := range table[c] {
				table[c][v] = light(f, float64(v)/65535)
			}
		}
		return &table
	})
	t.same = t.changesLittle(m)
	return t
}

// light is the curve's value in 65535ths, within 0 … 1.
func light(f curve, v float64) uint16 {
	if l := f(v); l > 0 { // not NaN
		return uint16(math.Round(min(l, 1) * 65535))
	}
	return 0
}

// changesLittle reports whether no colour moves by more than what profiles that mean
// sRGB differ among each other: by rounded numbers and by short tables.
func (t *Transform) changesLittle(m matrix) bool {
	const little, steps = 2. / 255, 15
	moves := func(r, g, b float64) bool {
		in := [3]float64{r, g, b}
		out := m.of([3]float64{t.curves[0](r), t.curves[1](g), t.curves[2](b)})
		for c := range out {
			// Colours at the border of sRGB may leave it by a little.
			if !(math.Abs(encodeSRGB(min(max(out[c], 0), 1))-in[c]) <= little) {
				return true
			}
		}
		return false
	}
	for v := range 256 {
		if g := float64(v) / 255; moves(g, g, g) {
			return false
		}
	}
	if t.grey {
		return true
	}
	at := func(i int) float64 { return float64(i) / steps }
	for i := range (steps + 1) * (steps + 1) * (steps + 1) {
		if moves(at(i%(steps+1)), at(i/(steps+1)%(steps+1)), at(i/(steps+1)/(steps+1))) {
			return false
		}
	}
	return true
}

// IsSame reports whether the colours are sRGB's already: then Apply changes no bit.
func (t *Transform) IsSame() bool { return t.same }

// IsGrey reports whether the profile is of grey pictures only.
func (t *Transform) IsGrey() bool { return t.grey }

// encoded8 and encoded16 are stored values of sRGB for light in so many steps.
const steps8, steps16 = 1 << 14, 1 << 16

var (
	encoded8 = sync.OnceValue(func() *[steps8]byte {
		var table [steps8]byte
		for i := range table {
			table[i] = byte(math.Round(255 * encodeSRGB(float64(i)/(steps8-1))))
		}
		return &table
	})
	encoded16 = sync.OnceValue(func() *[steps16]uint16 {
		var table [steps16]uint16
		for i := range table {
			table[i] = uint16(math.Round(65535 * encodeSRGB(float64(i)/(steps16-1))))
		}
		return &table
	})
)

// mix is a row of the matrix, in 65535ths of light.
func mix(m []int64, r, g, b int64) int64 {
	return min(max((m[0]*r+m[1]*g+m[2]*b+1<<(fraction-1))>>fraction, 0), 65535)
}

func (t *Transform) to8(encoded *[steps8]byte, r, g, b byte) (byte, byte, byte) {
	lr, lg, lb := t.light8[0][r], t.light8[1][g], t.light8[2][b]
	// 0 … 65535 in steps8 steps, rounded.
	index := func(l int64) int64 { return (l*(steps8-1) + 32767) / 65535 }
	return encoded[index(mix(t.m[0:3], lr, lg, lb))], encoded[index(mix(t.m[3:6], lr, lg, lb))], encoded[index(mix(t.m[6:9], lr, lg, lb))]
}

// Apply returns the picture in sRGB; it may change img. Inks (CMYK) stay as they are.
func (t *Transform) Apply(img image.Image) image.Image {
	if t.same {
		return img
	}
	switch m := img.(type) {
	case *image.Gray:
		table := t.greys()
		for i, v := range m.Pix {
			m.Pix[i] = table[v]
		}
		return m
	case *image.RGBA:
		t.apply8(m.Pix, m.Opaque())
		return m
	case *image.NRGBA:
		t.apply8(m.Pix, true)
		return m
	case *image.Paletted:
		for i, c := range m.Palette {
			n := color.NRGBAModel.Convert(c).(color.NRGBA)
			n.R, n.G, n.B = t.to8(encoded8(), n.R, n.G, n.B)
			m.Palette[i] = n
		}
		return m
	case *image.Gray16, *image.RGBA64, *image.NRGBA64:
		return t.apply16(img)
	case *image.CMYK:
		return m
	case *image.YCbCr:
		flat := image.NewRGBA(m.Bounds())
		draw.Draw(flat, flat.Bounds(), m, m.Bounds().Min, draw.Src)
		t.apply8(flat.Pix, true)
		return flat
	}
	flat := image.NewNRGBA(img.Bounds())
	draw.Draw(flat, flat.Bounds(), img, img.Bounds().Min, draw.Src)
	t.apply8(flat.Pix, true)
	return flat
}

// greys is what each grey becomes: of light that is the same in all colours.
func (t *Transform) greys() (table [256]byte) {
	for v := range table {
		r, g, b := t.to8(encoded8(), byte(v), byte(v), byte(v))
		table[v] = byte((uint(r) + uint(g) + uint(b) + 1) / 3)
	}
	return table
}

// apply8 converts pixels of four bytes; straight says that colours are not multiplied by
// alpha.
func (t *Transform) apply8(pix []byte, straight bool) {
	encoded := encoded8()
	var last, is [3]byte
	known := false
	for ; len(pix) >= 4; pix = pix[4:] {
		p := pix[:4:4]
		if a := uint32(p[3]); !straight && a != 0xff {
			if a == 0 {
				continue
			}
			for c := range 3 {
				p[c] = byte(min((uint32(p[c])*255+a/2)/a, 255))
			}
			p[0], p[1], p[2] = t.to8(encoded, p[0], p[1], p[2])
			for c := range 3 {
				p[c] = byte((uint32(p[c])*a + 127) / 255)
			}
			continue
		}
		if now := [3]byte(p); !known || now != last {
			last, known = now, true
			is[0], is[1], is[2] = t.to8(encoded, p[0], p[1], p[2])
		}
		p[0], p[1], p[2] = is[0], is[1], is[2]
	}
}

// apply16 converts pictures of 16 bits.
func (t *Transform) apply16(img image.Image) image.Image {
	light, encoded := t.light16(), encoded16()
	one := func(r, g, b uint16) (uint16, uint16, uint16) {
		lr, lg, lb := int64(light[0][r]), int64(light[1][g]), int64(light[2][b])
		return encoded[mix(t.m[0:3], lr, lg, lb)], encoded[mix(t.m[3:6], lr, lg, lb)], encoded[mix(t.m[6:9], lr, lg, lb)]
	}
	get := func(p []byte) uint16 { return uint16(p[0])<<8 | uint16(p[1]) }
	put := func(p []byte, v uint16) { p[0], p[1] = byte(v>>8), byte(v) }
	var pix []byte
	switch m := img.(type) {
	case *image.Gray16:
		for i := 0; i < len(m.Pix); i += 2 {
			v := get(m.Pix[i:])
			_, v, _ = one(v, v, v)
			put(m.Pix[i:], v)
		}
		return m
	case *image.RGBA64:
		if !m.Opaque() {
			flat := image.NewNRGBA64(m.Bounds())
			draw.Draw(flat, flat.Bounds(), m, m.Bounds().Min, draw.Src)
			return t.apply16(flat)
		}
		pix = m.Pix
	case *image.NRGBA64:
		pix = m.Pix
	}
	for ; len(pix) >= 8; pix = pix[8:] {
		r, g, b := one(get(pix), get(pix[2:]), get(pix[4:]))
		put(pix, r)
		put(pix[2:], g)
		put(pix[4:], b)
	}
	return img
}

package icc

import "math"

// Chromaticities are x and y of white, red, green and blue (CIE 1931).
type Chromaticities [8]float64

// The primaries that ITU-T H.273 numbers, with D65 as white.
var primaries = map[byte]Chromaticities{
	1:  {0.3127, 0.3290, 0.64, 0.33, 0.30, 0.60, 0.15, 0.06},       // BT.709, sRGB
	5:  {0.3127, 0.3290, 0.64, 0.33, 0.29, 0.60, 0.15, 0.06},       // BT.601, 625 lines
	6:  {0.3127, 0.3290, 0.63, 0.34, 0.31, 0.595, 0.155, 0.07},     // BT.601, 525 lines
	9:  {0.3127, 0.3290, 0.708, 0.292, 0.170, 0.797, 0.131, 0.046}, // BT.2020
	12: {0.3127, 0.3290, 0.680, 0.320, 0.265, 0.690, 0.150, 0.060}, // Display P3
}

// SRGBPrimaries are sRGB's chromaticities.
func SRGBPrimaries() Chromaticities { return primaries[1] }

// Gamma returns the way to sRGB from values that are light to the power of exponent, in
// colours of the given chromaticities; ok is false if those make no sense.
func Gamma(exponent float64, c Chromaticities) (t *Transform, ok bool) {
	f := func(v float64) float64 { return math.Pow(v, 1/exponent) }
	return fromChromaticities(f, c)
}

// Coded returns the way to sRGB from primaries and transfer characteristics by the numbers
// of ITU-T H.273; ok is false for those that are not known or are of high dynamic range.
func Coded(primary, transfer byte) (t *Transform, ok bool) {
	c, ok := primaries[primary]
	if !ok {
		return nil, false
	}
	var f curve
	switch transfer {
	case 13:
		f = decodeSRGB
	case 1, 6, 14, 15:
		f = func(v float64) float64 {
			if v < 4.5*0.018053968510807 {
				return v / 4.5
			}
			return math.Pow((v+0.09929682680944)/1.09929682680944, 1/0.45)
		}
	case 4:
		f = func(v float64) float64 { return math.Pow(v, 2.2) }
	case 5:
		f = func(v float64) float64 { return math.Pow(v, 2.8) }
	case 8:
		f = func(v float64) float64 { return v }
	default:
		return nil, false
	}
	return fromChromaticities(f, c)
}

func fromChromaticities(f curve, c Chromaticities) (*Transform, bool) {
	for i := range 4 {
		if !(c[2*i+1] > 0.001) || !(c[2*i] >= 0) || c[2*i]+c[2*i+1] > 1.2 {
			return nil, false
		}
	}
	xyz := func(i int) [3]float64 { // of luminance 1
		x, y := c[2*i], c[2*i+1]
		return [3]float64{x / y, 1, (1 - x - y) / y}
	}
	m := fromColumns([3][3]float64{xyz(1), xyz(2), xyz(3)})
	share := m.inverse().of(xyz(0)) // of each primary in white
	var columns [3][3]float64
	for i := range columns {
		for j, v := range xyz(i + 1) {
			columns[i][j] = v * share[i]
		}
	}
	toD50 := adaptation(xyz(0), [3]float64{0.96422, 1, 0.82521})
	m = fromColumns(srgbColumns).inverse().times(toD50).times(fromColumns(columns))
	for _, v := range m {
		if v-v != 0 || math.Abs(v) > 100 {
			return nil, false
		}
	}
	return newTransform([3]curve{f, f, f}, m, false), true
}

// adaptation is Bradford's matrix from one white to another.
func adaptation(from, to [3]float64) matrix {
	cones := matrix{0.8951, 0.2664, -0.1614, -0.7502, 1.7135, 0.0367, 0.0389, -0.0685, 1.0296}
	a, b := cones.of(from), cones.of(to)
	scale := matrix{b[0] / a[0], 0, 0, 0, b[1] / a[1], 0, 0, 0, b[2] / a[2]}
	return cones.inverse().times(scale).times(cones)
}

// SRGBCurve is Gamma with sRGB's curve.
func SRGBCurve(c Chromaticities) (t *Transform, ok bool) { return fromChromaticities(decodeSRGB, c) }

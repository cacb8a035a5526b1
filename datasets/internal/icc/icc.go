// Package icc reads colour profiles and converts pictures to sRGB, where a profile
// describes its colours by curves and a matrix. Profiles of tables (of printers, mostly)
// and of other colour spaces than grey and RGB are recognised, not applied.
//
// ICC.1:2022 (profile version 4.4); IEC 61966-2-1 (sRGB).
package icc

import (
	"encoding/binary"
	"math"

	"github.com/pkg/errors"
)

// What Parse finds out instead of a transform.
var (
	ErrDamaged = errors.New("icc: damaged profile")
	ErrInks    = errors.New("icc: profile of inks or of another colour space than grey and RGB")
	ErrTables  = errors.New("icc: profile of tables")
)

// curve is from stored values to light, both 0 … 1.
type curve func(float64) float64

// profile gives access to the tags of a file.
type profile struct{ data []byte }

// Parse returns the way of a profile's colours to sRGB.
func Parse(data []byte) (*Transform, error) {
	const header = 132
	p := profile{data}
	if len(data) < header || string(data[36:40]) != "acsp" {
		return nil, ErrDamaged
	}
	space, connection := string(data[16:20]), string(data[20:24])
	switch space {
	case "GRAY":
		c, err := p.curve("kTRC")
		if err != nil {
			return nil, err
		}
		if connection == "Lab " { // the curve leads to lightness, not to light
			lightness := c
			c = func(v float64) float64 { return lightOf(lightness(v)) }
		}
		return newTransform([3]curve{c, c, c}, identity, true), nil
	case "RGB ":
		if connection != "XYZ " {
			return nil, ErrTables
		}
		return p.rgb()
	}
	return nil, ErrInks
}

// lightOf is CIE's relative luminance of a lightness L*, 0 … 1 both.
func lightOf(lightness float64) float64 {
	if f := (100*lightness + 16) / 116; f > 6./29 {
		return f * f * f
	}
	return 100 * lightness * 27 / 24389
}

func (p profile) rgb() (*Transform, error) {
	var curves [3]curve
	var columns [3][3]float64
	for i, letter := range []string{"r", "g", "b"} {
		var err error
		if columns[i], err = p.xyz(letter + "XYZ"); err != nil {
			return nil, err
		}
		if curves[i], err = p.curve(letter + "TRC"); err != nil {
			return nil, err
		}
	}
	m := toLinearSRGB(columns)
	for _, v := range m {
		const most = 100
		if !(math.Abs(v) <= most) {
			return nil, ErrDamaged
		}
	}
	return newTransform(curves, m, false), nil
}

// tag returns the bytes of a tag; ErrTables if it is absent, for then only tables are left.
func (p profile) tag(name string) ([]byte, error) {
	n := binary.BigEndian.Uint32(p.data[128:])
	for list := p.data[132:]; n > 0 && len(list) >= 12; n, list = n-1, list[12:] {
		if string(list[:4]) != name {
			continue
		}
		at, size := uint64(binary.BigEndian.Uint32(list[4:])), uint64(binary.BigEndian.Uint32(list[8:]))
		if at+size > uint64(len(p.data)) || size < 12 {
			return nil, ErrDamaged
		}
		return p.data[at : at+size], nil
	}
	return nil, ErrTables
}

// fixed reads a number of 16 bits before and 16 behind the point.
func fixed(b []byte) float64 { return float64(int32(binary.BigEndian.Uint32(b))) / (1 << 16) }

func (p profile) xyz(name string) (v [3]float64, err error) {
	b, err := p.tag(name)
	if err != nil {
		return v, err
	}
	if string(b[:4]) != "XYZ " || len(b) < 20 {
		return v, ErrDamaged
	}
	for i := range v {
		v[i] = fixed(b[8+4*i:])
	}
	return v, nil
}

func (p profile) curve(name string) (curve, error) {
	b, err := p.tag(name)
	if err != nil {
		return nil, err
	}
	switch string(b[:4]) {
	case "curv":
		return sampledCurve(b)
	case "para":
		return parametricCurve(b)
	}
	return nil, ErrDamaged
}

// sampledCurve reads a table, or the exponent in its place.
func sampledCurve(b []byte) (curve, error) {
	n := uint64(binary.BigEndian.Uint32(b[8:]))
	if 12+2*n > uint64(len(b)) {
		return nil, ErrDamaged
	}
	switch n {
	case 0:
		return func(v float64) float64 { return v }, nil
	case 1:
		if len(b) < 14 {
			return nil, ErrDamaged
		}
		gamma := float64(binary.BigEndian.Uint16(b[12:])) / 256
		return func(v float64) float64 { return math.Pow(v, gamma) }, nil
	}
	table := make([]float64, n)
	for i := range table {
		table[i] = float64(binary.BigEndian.Uint16(b[12+2*i:])) / 65535
	}
	return func(v float64) float64 {
		at := v * float64(len(table)-1)
		i := min(int(at), len(table)-2)
		return table[i] + (at-float64(i))*(table[i+1]-table[i])
	}, nil
}

// parametricCurve reads one of the functions of ICC.1:2022, section 10.18.
func parametricCurve(b []byte) (curve, error) {
	counts := []int{1, 3, 4, 5, 7}
	kind := int(binary.BigEndian.Uint16(b[8:]))
	if kind >= len(counts) || len(b) < 12+4*counts[kind] {
		return nil, ErrDamaged
	}
	var p [7]float64 // g a b c d e f
	p[1] = 1
	for i := range counts[kind] {
		p[i] = fixed(b[12+4*i:])
	}
	g, a, bb, c, d, e, f := p[0], p[1], p[2], p[3], p[4], p[5], p[6]
	switch kind {
	case 0:
		return func(v float64) float64 { return math.Pow(v, g) }, nil
	case 1, 2:
		if a == 0 {
			return nil, ErrDamaged
		}
		if kind == 1 {
			c = 0
		}
		d, e, f, c = -bb/a, c, c, 0
	}
	return func(v float64) float64 {
		if v >= d {
			return math.Pow(max(a*v+bb, 0), g) + e
		}
		return c*v + f
	}, nil
}

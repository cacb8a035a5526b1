package icc

import (
	"image"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func read(t *testing.T, name string) []byte {
	t.Helper()
	data, err := os.ReadFile("testdata/" + name + ".icc")
	require.NoError(t, err)
	return data
}

// Profiles that mean sRGB change no bit, others do; colours are compared with LittleCMS's
// by TestDecodeAsOthers of package datasets.
func TestWhatIsSRGB(t *testing.T) {
	files, err := os.ReadDir("testdata")
	require.NoError(t, err)
	for _, file := range files {
		name, isProfile := strings.CutSuffix(file.Name(), ".icc")
		if !isProfile {
			continue
		}
		transform, err := Parse(read(t, name))
		require.NoError(t, err, name)
		require.Equal(t, strings.HasPrefix(name, "srgb"), transform.IsSame(), name)
		require.Equal(t, name == "grey", transform.IsGrey(), name)
		img := image.NewRGBA(image.Rect(0, 0, 1, 1))
		copy(img.Pix, []byte{10, 200, 30, 255})
		got := transform.Apply(img).(*image.RGBA).Pix
		if transform.IsSame() {
			require.Equal(t, []byte{10, 200, 30, 255}, got, name)
		} else {
			require.NotEqual(t, []byte{10, 200, 30, 255}, got, name)
		}
	}
}

// Black, white and alpha stay what they are in every space.
func TestBlackAndWhiteStay(t *testing.T) {
	for _, name := range []string{"p3", "adobe", "prophoto", "table"} {
		transform, err := Parse(read(t, name))
		require.NoError(t, err)
		img := image.NewNRGBA(image.Rect(0, 0, 3, 1))
		copy(img.Pix, []byte{0, 0, 0, 255, 255, 255, 255, 7, 128, 128, 128, 0})
		got := transform.Apply(img).(*image.NRGBA).Pix
		require.Equal(t, []byte{0, 0, 0, 255, 255, 255, 255, 7}, got[:8], name)
		require.Zero(t, got[11])
		wide := image.NewNRGBA64(image.Rect(0, 0, 1, 1))
		copy(wide.Pix, []byte{255, 255, 255, 255, 255, 255, 9, 8})
		require.Equal(t, []byte{9, 8}, transform.Apply(wide).(*image.NRGBA64).Pix[6:], name)
	}
}

func TestParseErrors(t *testing.T) {
	whole := read(t, "p3")
	with := func(at int, text string) []byte {
		b := append([]byte(nil), whole...)
		copy(b[at:], text)
		return b
	}
	for name, tt := range map[string]struct {
		data []byte
		want error
	}{
		"nothing":        {nil, ErrDamaged},
		"half":           {whole[:len(whole)/2], ErrDamaged},
		"no signature":   {with(36, "xxxx"), ErrDamaged},
		"inks":           {with(16, "CMYK"), ErrInks},
		"Lab as the way": {with(20, "Lab "), ErrTables},
		"no curves":      {[]byte(strings.ReplaceAll(string(whole), "rTRC", "xTRC")), ErrTables},
	} {
		_, err := Parse(tt.data)
		require.ErrorIs(t, err, tt.want, name)
	}
}

func TestChromaticitiesThatMakeNoSense(t *testing.T) {
	for _, c := range []Chromaticities{{}, {0.3, 0.3, 0.3, 0.3, 0.3, 0.3, 0.3, 0.3}, {0.3, 0, 0.6, 0.3, 0.3, 0.6, 0.1, 0.1}} {
		_, ok := Gamma(1, c)
		require.False(t, ok, c)
	}
	_, ok := Coded(9, 16) // perceptual quantiser: high dynamic range
	require.False(t, ok)
	same, ok := Coded(1, 13)
	require.True(t, ok)
	require.True(t, same.IsSame())
}

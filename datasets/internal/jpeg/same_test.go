//go:build go1.26

// image/jpeg rounds otherwise before Go 1.26.

package jpeg

import (
	"bytes"
	"image/jpeg"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// checkSame checks that what is decoded here, if anything, is what image/jpeg makes of it, bit
// for bit and by its type.
func checkSame(t *testing.T, data []byte) (isRegular bool) {
	t.Helper()
	got, d := decodeRegular(data)
	if got == nil {
		return false
	}
	if d.interval > 0 && len(d.components) > 1 && d.components[0].h*d.components[0].v > 1 {
		return true // image/jpeg may miss restart markers
	}
	want, err := jpeg.Decode(bytes.NewReader(data))
	require.NoError(t, err)
	require.Equal(t, want, got)
	return true
}

// Files of all kinds become what image/jpeg makes of them, and all are decoded here.
func TestDecodeAsImageJPEG(t *testing.T) {
	for name, data := range files(t) {
		t.Run(name, func(t *testing.T) {
			unmarked := strings.HasSuffix(name, "cmyk_unmarked.jpg") // package datasets adds the marker
			eachWay(t, func(t *testing.T) { require.Equal(t, !unmarked, checkSame(t, data)) })
		})
	}
}

// Whatever the bytes, there is what image/jpeg makes of them, or nothing.
func FuzzDecode(f *testing.F) {
	for _, data := range files(f) {
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		config, err := jpeg.DecodeConfig(bytes.NewReader(data))
		const limit = 1 << 18 // pixels
		if err != nil || config.Width*config.Height > limit {
			return
		}
		checkSame(t, data)
		if hasAVX2 {
			hasAVX2 = false
			defer func() { hasAVX2 = true }()
			checkSame(t, data)
		}
	})
}

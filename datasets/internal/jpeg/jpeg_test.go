package jpeg

import (
	"bytes"
	"image"
	"image/jpeg"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func files(t testing.TB) map[string][]byte {
	t.Helper()
	all := make(map[string][]byte)
	for _, folder := range []string{"testdata", "../../testdata/formats", "../../testdata/pictures", "../../testdata/found"} {
		list, err := filepath.Glob(folder + "/*.jpg")
		require.NoError(t, err)
		for _, file := range list {
			data, err := os.ReadFile(file)
			require.NoError(t, err)
			all[file] = data
		}
	}
	require.Greater(t, len(all), 40)
	return all
}

// Restart markers change no pixel, also where image/jpeg does not find them.
func TestRestarts(t *testing.T) {
	list, err := filepath.Glob("testdata/*_restarts.jpg")
	require.NoError(t, err)
	require.Len(t, list, 7)
	for _, file := range list {
		t.Run(filepath.Base(file), func(t *testing.T) {
			with, err := os.ReadFile(file)
			require.NoError(t, err)
			without, err := os.ReadFile(strings.Replace(file, "_restarts", "", 1))
			require.NoError(t, err)
			require.True(t, bytes.Contains(with, []byte{0xff, 0xd0}))
			require.False(t, bytes.Contains(without, []byte{0xff, 0xd0}))
			got, err := Decode(with)
			require.NoError(t, err)
			want, err := Decode(without)
			require.NoError(t, err)
			require.Equal(t, want, got)
		})
	}
}

// The size is what image/jpeg says; of a file that is cut off it is the same, or an error.
func TestSize(t *testing.T) {
	for name, data := range files(t) {
		t.Run(name, func(t *testing.T) {
			config, err := jpeg.DecodeConfig(bytes.NewReader(data))
			require.NoError(t, err)
			want := image.Pt(config.Width, config.Height)
			got, err := Size(data)
			require.NoError(t, err)
			require.Equal(t, want, got)
			for n := 0; n < len(data); n += 1 + n/20 {
				_, wrong := jpeg.DecodeConfig(bytes.NewReader(data[:n]))
				if got, err := Size(data[:n]); err == nil {
					require.Equal(t, want, got)
				} else {
					require.Equal(t, wrong, err)
				}
			}
		})
	}
}

// A file that is cut off anywhere is no picture, here as there.
func TestDecodeCutOff(t *testing.T) {
	for name, data := range files(t) {
		if !strings.HasPrefix(name, "testdata") {
			continue
		}
		t.Run(name, func(t *testing.T) {
			for n := 0; n < len(data); n += 1 + len(data)/100 {
				got, err := Decode(data[:n])
				require.Error(t, err)
				require.Nil(t, got)
			}
		})
	}
}

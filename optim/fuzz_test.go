package optim

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"
)

// Whatever bytes Load is given, it loads them or gives an error, and with an error changes nothing.
func FuzzLoad(f *testing.F) {
	_, s, _ := saved(f, Default("adam"))
	var file bytes.Buffer
	require.NoError(f, s.Save(&file))
	f.Add(file.Bytes())
	f.Add(bytes.Replace(file.Bytes(), []byte("w1/first"), []byte("w0/first"), 1))
	f.Add(file.Bytes()[:40])
	f.Fuzz(func(t *testing.T, raw []byte) {
		before := s.Steps()
		if err := s.Load(bytes.NewReader(raw), int64(len(raw))); err != nil {
			require.Equal(t, before, s.Steps())
		}
	})
}

package trainer

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"medusa/datasets"
)

// The checksum of a large set, taken block by block, is the one that run folders hold: that of
// the checksums of all items; and its progress ends with the last block.
func TestChecksumOfALargeSet(t *testing.T) {
	const n = summedAtOnce + summedAtOnce/3
	var table bytes.Buffer
	fmt.Fprintln(&table, "label,a,b")
	for i := range n {
		fmt.Fprintf(&table, "%d,%d,%d\n", i%7, i, i%1000)
	}
	path := filepath.Join(t.TempDir(), "vectors.csv")
	require.NoError(t, os.WriteFile(path, table.Bytes(), 0o666))
	s, err := datasets.Open(path, datasets.Options{})
	require.NoError(t, err)
	defer s.Close()
	require.Equal(t, n, s.Train.Len())

	want := sha256.New()
	require.NoError(t, binary.Write(want, binary.LittleEndian, []int64{2, 1, 1, 0, 0}))
	values := make([]float32, 2)
	for i := range n {
		require.NoError(t, s.Train.Fill(values, []int{i}, datasets.Normalisation{}))
		one := sha256.New()
		require.NoError(t, binary.Write(one, binary.LittleEndian, values))
		want.Write(one.Sum(nil))
	}
	var calls []int
	got, err := pixelsSum(itemsOf(s.Train), func(done int) { calls = append(calls, done) })
	require.NoError(t, err)
	require.Equal(t, hex.EncodeToString(want.Sum(nil)[:16]), got)
	require.Equal(t, []int{0, summedAtOnce}, calls)

	labels := sha256.New()
	for _, name := range s.Train.Classes() {
		labels.Write([]byte(name + "\x00"))
	}
	for _, l := range s.Train.Labels() {
		require.NoError(t, binary.Write(labels, binary.LittleEndian, int64(l)))
	}
	require.Equal(t, hex.EncodeToString(labels.Sum(nil)[:8]), labelsSum(s.Train))
}

package datasets

import (
	"encoding/binary"
	"fmt"
	"math"
	"runtime"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"
)

// What is remembered of a picture besides its pixels is small, so that millions can be opened:
// its name, class, row, checksum and where it is kept.
func TestMemoryForEachPicture(t *testing.T) {
	const n, classes = 20_000, 100
	fsys := make(fstest.MapFS, n)
	for i := range n {
		data := append([]byte("P5 2 2 255\n"), byte(i), byte(i>>8), byte(i>>16), 0)
		fsys[fmt.Sprintf("class%03d/picture%06d.pgm", i%classes, i)] = &fstest.MapFile{Data: data}
	}
	heap := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	for _, c := range []struct {
		name string
		o    Options
		most uint64 // bytes a picture
	}{
		{"for the run alone", Options{CacheBytes: 1}, 120},
		{"kept", Options{CacheBytes: 1, KeepCache: true, CacheDir: t.TempDir()}, 300},
	} {
		t.Run(c.name, func(t *testing.T) {
			before := heap()
			s, err := OpenFS(fsys, c.o)
			require.NoError(t, err)
			defer s.Close()
			after := heap()
			require.Equal(t, n, s.Train.Len())
			t.Logf("%d bytes a picture", (after-before)/n)
			require.Less(t, (after-before)/n, c.most)
			runtime.KeepAlive(s)
		})
	}
	runtime.KeepAlive(fsys)
}

// Many copies of one file, as of a sign that a picture is not available, are found in one pass.
func TestManyCopiesOfOneFile(t *testing.T) {
	fsys := toyFS(t, 2, 2)
	sign := pngOf(t, 5, 4, func(x, y int) byte { return byte(x * y * 9) })
	const n = 3000
	for i := range n {
		fsys[fmt.Sprintf("c%d/sign%04d.png", i%2, i)] = &fstest.MapFile{Data: sign}
		fsys[fmt.Sprintf("c0/other%04d.png", i)] = &fstest.MapFile{Data: append(sign[:len(sign):len(sign)], 'x')}
	}
	s, err := OpenFS(fsys, Options{})
	require.NoError(t, err)
	notes := map[string]int{}
	for _, c := range s.Train.Summary().Notes {
		notes[c.What] = c.Count
	}
	require.Equal(t, n, notes["picture that stands in several classes"])
	require.Equal(t, n-1, notes["picture that repeats another of its class"])

	s, err = OpenFS(fsys, Options{DropDuplicates: true})
	require.NoError(t, err)
	require.Equal(t, 4+1, s.Train.Len())
}

// toldInSummary collects the progress of a pass and requires that it ends where it said.
type toldInSummary struct{ calls, done, total int }

func (p *toldInSummary) take(done, total int) { p.calls, p.done, p.total = p.calls+1, done, total }

func TestPassesOverAllPicturesTellHowFarTheyAre(t *testing.T) {
	fsys := copiesFS(t, 8)
	for _, c := range []string{"val0", "val1"} {
		for i := range 5 {
			fsys[fmt.Sprintf("val/%s/%d.png", c, i)] = pngFile(t, photograph(uint64(900+i)+uint64(c[3])*10, 160, 120))
		}
	}
	var p toldInSummary
	s, err := OpenFS(fsys, Options{Height: 16, Progress: p.take})
	require.NoError(t, err)
	n, v, q := s.Train.Len(), s.Val.Len(), s.Test.Len()
	for name, pass := range map[string]struct {
		total int
		do    func() error
	}{
		"near-copies": {2*q + n, func() error { _, err := FindNearCopies(s.Test, s.Train); return err }},
		"told":        {n + 2*v + 3*q, func() error { _, err := s.TellCopies(false); return err }},
		"left out":    {n + 2*v + 3*q, func() error { _, err := s.TellCopies(true); return err }},
		"deviation":   {n, func() error { _, err := s.Train.ComputeNormalisation(); return err }},
	} {
		p = toldInSummary{}
		require.NoError(t, pass.do(), name)
		require.Equal(t, pass.total, p.total, name)
		require.Equal(t, p.total, p.done, name)
	}
	p = toldInSummary{}
	d := randomVectors(t, 3000, 4)
	d.store.told = p.take
	_, err = d.ComputeNormalisation()
	require.NoError(t, err)
	require.Equal(t, toldInSummary{p.calls, 3000, 3000}, p)
}

// The table of 16-bit numbers holds what the rule says, and is what rows are read by.
func TestHalvesAreReadByTable(t *testing.T) {
	e, err := elementOf("<f2")
	require.NoError(t, err)
	big, err := elementOf(">f2")
	require.NoError(t, err)
	var little, large []byte
	for h := range 1 << 16 {
		little = binary.LittleEndian.AppendUint16(little, uint16(h))
		large = binary.BigEndian.AppendUint16(large, uint16(h))
	}
	fast, slow := make([]float32, 1<<16), make([]float32, 1<<16)
	e.floats(fast, little)
	big.floats(slow, large)
	for h := range fast {
		require.Equal(t, math.Float32bits(slow[h]), math.Float32bits(fast[h]), "%#x", h)
	}
}

// What waits for a disk is read by many at a time, what lies in memory by as many as compute.
func TestLoaderReadsFilesByMany(t *testing.T) {
	next := func(dst []int) error { clear(dst); return nil }
	for _, c := range []struct {
		name  string
		d     *Dataset
		asked int
		want  int
	}{
		{"in memory", toy(t, 2, 4, Options{}), 0, runtime.GOMAXPROCS(0)},
		{"in a file", toy(t, 2, 4, Options{CacheBytes: 1}), 0, max(diskReaders, runtime.GOMAXPROCS(0))},
		{"kept", toy(t, 2, 4, Options{CacheBytes: 1, KeepCache: true, CacheDir: t.TempDir()}), 0, max(diskReaders, runtime.GOMAXPROCS(0))},
		{"vectors", randomVectors(t, 20, 3), 0, max(diskReaders, runtime.GOMAXPROCS(0))},
		{"as asked", randomVectors(t, 20, 3), 3, 3},
	} {
		l, err := NewLoader(c.d, LoaderConfig{Batch: 40, Workers: c.asked}, next, 0)
		require.NoError(t, err, c.name)
		require.Equal(t, c.want, l.conf.Workers, c.name)
		l.Close()
		require.NoError(t, c.d.Close())
	}
}

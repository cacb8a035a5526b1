package index

import (
	"encoding/binary"
	"encoding/json"
	"hash/crc32"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// saved is the file of an index with a few items.
func saved(t testing.TB, items int) (path string, data []byte) {
	return savedAs(t, items, Options{Dim: 3, Model: "abc"})
}

func savedAs(t testing.TB, items int, o Options) (path string, data []byte) {
	rng := rand.New(rand.NewPCG(1, 1))
	x, err := New(o)
	require.NoError(t, err)
	for id := range uint64(items) {
		require.NoError(t, x.Add(ctx, randomItem(rng, id*3, 3)))
	}
	if o.Storage != Binary {
		require.NoError(t, x.Build(ctx, GraphOptions{Links: 2, Threads: 1}))
	}
	path = filepath.Join(t.TempDir(), "gallery.index")
	require.NoError(t, x.Save(ctx, path))
	data, err = os.ReadFile(path)
	require.NoError(t, err)
	return path, data
}

// use asks for everything that a file holds.
func use(path string) error {
	x, err := Open(path)
	if err != nil {
		return err
	}
	if err := x.All(func(it Item) bool { return true }); err != nil {
		return err
	}
	if _, err := x.Get(3); err != nil {
		return err
	}
	if _, err := x.Labels(); err != nil {
		return err
	}
	if g := x.now.Load().graph; g != nil { // few items are searched exactly
		w := x.walkers.get(x.now.Load(), x.options.Distance)
		w.aim(make([]float32, x.options.Dim), 0)
		if g.entry >= 0 {
			w.search([]near{w.descend(g.entry, g.top, 0)}, 10, 0)
		}
	}
	found, err := x.Search(ctx, make([]float32, x.Options().Dim), SearchOptions{K: 3})
	if err == nil && len(found.Of(0)) > 0 {
		found.Item(0, 0)
	}
	return err
}

// Whatever bit is turned, wherever a file ends: it is said, before anything is found.
func TestDamageIsFound(t *testing.T) {
	path, data := saved(t, 20)
	require.NoError(t, use(path))
	try := func(changed []byte, what string, at int) {
		require.NoError(t, os.WriteFile(path, changed, 0o666))
		err := use(path)
		damage := new(DamageError)
		require.ErrorAs(t, err, &damage, "%s %d", what, at)
		require.Equal(t, path, damage.Path)
	}
	used := make([]bool, len(data)) // all but the gaps between sections
	whole, err := decodeTable(data)
	require.NoError(t, err)
	for _, s := range whole.Sections {
		for i := range s.Size {
			used[s.Begin+i] = true
		}
	}
	for i := range data {
		if i < len(magic)+4 || used[i] && i%3 == 0 || i >= len(data)-trailerSize {
			changed := append([]byte(nil), data...)
			changed[i] ^= 1 << (i % 8)
			try(changed, "changed byte", i)
		}
	}
	for n := 0; n < len(data); n += 41 {
		try(data[:n], "cut to", n)
	}
	try(append(append([]byte(nil), data...), 0), "one byte more than", len(data))
}

func TestForeignFilesAreNamed(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "x")
	for text, want := range map[string]string{
		"": "this is no index of Medusa", "hello": "this is no index of Medusa",
		string(make([]byte, 1000)): "this is no index of Medusa",
	} {
		require.NoError(t, os.WriteFile(path, []byte(text), 0o666))
		_, err := Open(path)
		require.EqualError(t, err, "index: "+path+": "+want)
	}
	_, err := Open(dir)
	require.ErrorContains(t, err, "is a folder, want a file")
	_, err = Open(filepath.Join(dir, "none"))
	require.ErrorIs(t, err, os.ErrNotExist)
	p, data := saved(t, 1)
	data[len(magic)] = 9
	require.NoError(t, os.WriteFile(p, data, 0o666))
	_, err = Open(p)
	require.ErrorContains(t, err, "format version 9, this program reads version 1")
}

// resealed makes the checksums of a changed file right, as someone might who means harm.
func resealed(data []byte, whole *table, change func(t *table)) []byte {
	t := *whole
	t.Sections = append([]section(nil), whole.Sections...)
	end := int64(headSize)
	for i := range t.Sections {
		s := &t.Sections[i]
		end = max(end, s.Begin+s.Size)
		s.Blocks = nil
		for at := s.Begin; at < s.Begin+s.Size; at += sumBlock {
			s.Blocks = append(s.Blocks, crc32.Checksum(data[at:min(at+sumBlock, s.Begin+s.Size)], castagnoli))
		}
	}
	change(&t)
	out := append([]byte(nil), data[:end]...)
	out = append(out, make([]byte, -end&(sectionAlign-1))...)
	b, err := encodeTable(&t, int64(len(out)))
	if err != nil {
		panic(err)
	}
	return append(out, b...)
}

// FuzzOpen changes files in sections, with right checksums, and in tables. The reader must
// neither panic nor take more memory than the file has.
func FuzzOpen(f *testing.F) {
	type base struct {
		data  []byte
		whole *table
	}
	var bases []base
	for i, o := range []Options{{}, {Storage: Int8, KeepFloats: true}, {Storage: Binary}} {
		o.Dim = 3
		_, data := savedAs(f, 5, o)
		whole, err := decodeTable(data)
		require.NoError(f, err)
		bases = append(bases, base{data, whole})
		text, err := json.Marshal(whole)
		require.NoError(f, err)
		f.Add(uint8(i), uint16(0), uint64(0), text, false)
		f.Add(uint8(i), uint16(900), uint64(1)<<40, []byte(`{"dim":3,"distance":"cosine","storage":"int8","rows":2147483647,"sections":[{"name":"ids","begin":64,"size":9223372036854775807}]}`), false)
		for _, s := range whole.Sections {
			for _, at := range []int64{s.Begin, s.Begin + s.Size/2&^7} {
				f.Add(uint8(i), uint16(at), uint64(math.MaxUint64), text, true)
				f.Add(uint8(i), uint16(at), uint64(0x7ff8000000000001), text, true)
				f.Add(uint8(i), uint16(at), uint64(3), text, true)
			}
		}
	}
	path := filepath.Join(f.TempDir(), "fuzzed")
	f.Fuzz(func(t *testing.T, which uint8, at uint16, word uint64, text []byte, keep bool) {
		data, whole := bases[int(which)%len(bases)].data, bases[int(which)%len(bases)].whole
		changed := append([]byte(nil), data...)
		if int(at)+8 <= len(changed) {
			binary.LittleEndian.PutUint64(changed[at:], word)
		}
		if keep {
			changed = resealed(changed, whole, func(*table) {})
		} else {
			var other table
			if json.Unmarshal(text, &other) != nil {
				return
			}
			changed = resealed(changed, whole, func(t *table) {
				sums := t.Sections
				*t = other
				for i := range t.Sections {
					if i < len(sums) && t.Sections[i].Size == sums[i].Size {
						t.Sections[i].Blocks = sums[i].Blocks
					}
				}
			})
		}
		require.NoError(t, os.WriteFile(path, changed, 0o666))
		x, err := Open(path)
		if err != nil {
			return
		}
		if x.Options().Dim < 1<<10 {
			use(path)
		}
	})
}

// Programs that have a file open keep what they have when it is replaced; what they change is
// theirs alone.
func TestAnOpenFileMayBeReplaced(t *testing.T) {
	path, before := saved(t, 20)
	x, err := Open(path)
	require.NoError(t, err)
	require.NoError(t, x.Update(ctx, Item{ID: 3, Vector: []float32{9, 9, 9}}))
	require.NoError(t, x.Remove(0))
	require.NoError(t, x.Add(ctx, Item{ID: 4, Vector: []float32{9, 9, 9}}))
	after, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, before, after)
	require.NoError(t, x.Save(ctx, path))
	require.Equal(t, 20, x.Len())
	y, err := Open(path)
	require.NoError(t, err)
	for _, x := range []*Index{x, y} {
		found, err := x.Search(ctx, []float32{9, 9, 9}, SearchOptions{K: 2})
		require.NoError(t, err)
		require.EqualValues(t, 3, found.Of(0)[0].ID)
		require.EqualValues(t, 4, found.Of(0)[1].ID)
	}
}

// One set of items has one file, however it came about.
func TestAFileDependsOnItsItemsAlone(t *testing.T) {
	path, data := saved(t, 30)
	rng := rand.New(rand.NewPCG(1, 1))
	x, err := New(Options{Dim: 3, Model: "abc"})
	require.NoError(t, err)
	var items []Item
	for id := range uint64(30) {
		items = append(items, randomItem(rng, id*3, 3))
	}
	rng.Shuffle(len(items), func(i, j int) { items[i], items[j] = items[j], items[i] })
	require.NoError(t, x.Add(ctx, items...))
	require.NoError(t, x.Add(ctx, Item{ID: 1, Vector: []float32{1, 2, 3}, Label: "gone"}))
	require.NoError(t, x.Remove(1))
	require.NoError(t, x.Compact(ctx))
	require.NoError(t, x.Build(ctx, GraphOptions{Links: 2, Threads: 1}))
	require.NoError(t, x.Save(ctx, path))
	again, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, data, again)
}

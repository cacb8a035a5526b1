package datasets

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/pkg/errors"
	"github.com/stretchr/testify/require"

	"medusa/internal/diskroom"
)

// everything is all that can be seen of d.
func everything(t *testing.T, d *Dataset) string {
	t.Helper()
	sum := d.Summary()
	sum.OnDisk, sum.Source, sum.Kept = false, "", 0
	text := fmt.Sprintf("%+v %v %v\n", sum, d.Classes(), d.Labels())
	c, h, w := d.Shape()
	pixels := make([]float32, c*h*w)
	stored := d.Stored()
	scratch := make([]byte, stored.Channels*max(stored.Height*stored.Width, stored.DetailHeight*stored.DetailWidth))
	for i := range d.Len() {
		require.NoError(t, d.Fill(pixels, []int{i}, Normalisation{}))
		text += fmt.Sprintln(pixels)
		if stored.DetailHeight > 0 {
			larger, err := d.StoredPicture(i, true, scratch)
			require.NoError(t, err)
			text += fmt.Sprintln(larger)
		}
	}
	return text
}

// Pictures of every format, with notes on them, are the same from the cache, in memory and
// on disk, under other names too; and none is decoded twice.
func TestKeptPicturesAreTheDecodedOnes(t *testing.T) {
	messy := func(place string) string {
		dir := filepath.Join(t.TempDir(), place)
		files, err := filepath.Glob("testdata/pictures/*")
		require.NoError(t, err)
		for i, name := range files {
			content, err := os.ReadFile(name)
			require.NoError(t, err)
			to := filepath.Join(dir, fmt.Sprintf("c%d", i%4), filepath.Base(name))
			require.NoError(t, os.MkdirAll(filepath.Dir(to), 0o777))
			require.NoError(t, os.WriteFile(to, content, 0o666))
		}
		for i := range 6 { // 12 bits in 16
			to := filepath.Join(dir, "c0", fmt.Sprintf("deep%d.png", i))
			content, err := os.ReadFile("testdata/found/g12in16.png")
			require.NoError(t, err)
			require.NoError(t, os.WriteFile(to, append(content, byte(i)), 0o666))
		}
		return dir
	}
	here, there := messy("here"), messy("there")
	for name, o := range map[string]Options{
		"in memory":   {Height: 12, Width: 10, Channels: 3},
		"on disk":     {Height: 12, Width: 10, Channels: 3, CacheBytes: 1},
		"with detail": {Height: 12, Width: 10, Channels: 3, Detail: 1.5, Resize: Crop},
		"both":        {Height: 12, Width: 10, Channels: 1, Detail: 2, CacheBytes: 1, Invert: true},
	} {
		t.Run(name, func(t *testing.T) {
			open := func(dir string, o Options) (string, int) {
				s, err := OpenFolder(dir, o)
				require.NoError(t, err)
				defer s.Close()
				require.Equal(t, o.CacheBytes == 1, s.Train.Summary().OnDisk)
				return strings.ReplaceAll(everything(t, s.Train), dir, ""), s.Train.Summary().Kept
			}
			want, _ := open(here, o)
			o.KeepCache, o.CacheDir = true, filepath.Join(t.TempDir(), "made", "for it")
			got, kept := open(here, o)
			require.Equal(t, want, got)
			require.Zero(t, kept)
			for _, dir := range []string{here, there} { // found by content, not by name
				got, kept = open(dir, o)
				require.Equal(t, want, got)
				require.Greater(t, kept, 30)
			}
			other := o
			other.Height = 13
			_, kept = open(here, other)
			require.Zero(t, kept)
			files, err := filepath.Glob(filepath.Join(o.CacheDir, "*.pictures"))
			require.NoError(t, err)
			require.Len(t, files, 2, "one file for each size")
		})
	}
}

// What changed, or came new, is decoded; what is damaged, too.
func TestKeptPicturesThatChange(t *testing.T) {
	dir := t.TempDir()
	for i := range 8 {
		path := filepath.Join(dir, fmt.Sprintf("c%d/%d.png", i%2, i))
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o777))
		require.NoError(t, os.WriteFile(path, pngOf(t, 9, 9, func(x, y int) byte { return byte(x*y*i + i) }), 0o666))
	}
	o := Options{KeepCache: true, CacheDir: filepath.Join(dir, ".cache")}
	open := func() (pictures, kept int) {
		s, err := OpenFolder(dir, o)
		require.NoError(t, err)
		require.NoError(t, s.Close())
		require.NoError(t, s.Close(), "as often as one likes")
		return s.Train.Len(), s.Train.Summary().Kept
	}
	check := func(pictures, kept int) {
		t.Helper()
		p, k := open()
		require.Equal(t, pictures, p)
		require.Equal(t, kept, k)
	}
	check(8, 0)
	check(8, 8)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "c0/0.png"), pngOf(t, 9, 9, func(x, y int) byte { return byte(x) }), 0o666))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "c0/new.png"), pngOf(t, 9, 9, func(x, y int) byte { return byte(y) }), 0o666))
	require.NoError(t, os.Rename(filepath.Join(dir, "c1/1.png"), filepath.Join(dir, "c0/moved.png")))
	check(9, 7)
	check(9, 9)
	kept, err := filepath.Glob(filepath.Join(o.CacheDir, "*.pictures"))
	require.NoError(t, err)
	content, err := os.ReadFile(kept[0])
	require.NoError(t, err)
	content[len(content)-20] ^= 1
	require.NoError(t, os.WriteFile(kept[0], content, 0o666))
	check(9, 8)
	check(9, 9)
}

func TestKeptPicturesInUse(t *testing.T) {
	fsys := toyFS(t, 2, 3)
	o := Options{KeepCache: true, CacheDir: t.TempDir()}
	a, err := OpenFS(fsys, o)
	require.NoError(t, err)
	b, err := OpenFS(fsys, o)
	require.NoError(t, err)
	require.Contains(t, fmt.Sprint(b.Train.Summary().Notes), "kept pictures that another process uses: here all are decoded: 1")
	require.NoError(t, b.Close())
	require.NoError(t, a.Close())
	_, err = OpenFS(fsys, Options{KeepCache: true})
	require.ErrorContains(t, err, "Options.KeepCache without Options.CacheDir")
}

// noRoom has every disk be full.
func noRoom(t *testing.T) {
	real := roomOnDisk
	t.Cleanup(func() { roomOnDisk = real })
	roomOnDisk = func(dir string, n int64) error {
		if n == 0 {
			return nil
		}
		return errors.Errorf("needs %d bytes of disk, and 1 are free in %s", n, dir)
	}
}

// Pictures that fit into memory are learned from also where the disk has no room to keep them,
// which is told; nothing is kept, and nothing is lost of what was.
func TestFullDiskKeepsNothingAndTellsIt(t *testing.T) {
	pictures, cache := toyFS(t, 3, 4), t.TempDir()
	o := Options{Height: 8, Width: 8, Channels: 3}
	open := func(o Options) (string, Summary) {
		s, err := OpenFS(pictures, o)
		require.NoError(t, err)
		defer s.Close()
		pixels := make([]float32, s.Train.Len()*ItemSize(s.Train))
		all := make([]int, s.Train.Len())
		for i := range all {
			all[i] = i
		}
		require.NoError(t, s.Train.Fill(pixels, all, Normalisation{}))
		return fmt.Sprint(pixels, s.Train.Labels()), s.Train.Summary()
	}
	want, _ := open(o)
	noRoom(t)
	o.KeepCache, o.CacheDir = true, cache
	got, sum := open(o)
	require.Equal(t, want, got)
	require.Zero(t, sum.Kept)
	i := slices.IndexFunc(sum.Notes, func(c Count) bool { return c.What == "picture that is not kept for the next time" })
	require.GreaterOrEqual(t, i, 0, "%v", sum.Notes)
	require.Equal(t, sum.Pictures, sum.Notes[i].Count)
	require.Contains(t, sum.Notes[i].Detail, "1 are free in "+cache)
	_, sum = open(o)
	require.Zero(t, sum.Kept, "nothing was kept")

	roomOnDisk = diskroom.Check
	_, sum = open(o)
	require.Zero(t, sum.Kept)
	noRoom(t)
	_, sum = open(o)
	require.Equal(t, sum.Pictures, sum.Kept, "all are there: no room is needed")
}

// Where neither memory nor disk has room that is said before anything is decoded, with what
// helps.
func TestFullDiskIsToldBeforehand(t *testing.T) {
	noRoom(t)
	for name, o := range map[string]Options{
		"unnamed":     {Height: 8, Width: 8, CacheBytes: 1, CacheDir: t.TempDir()},
		"kept":        {Height: 8, Width: 8, CacheBytes: 1, CacheDir: t.TempDir(), KeepCache: true},
		"with detail": {Height: 8, Width: 8, CacheBytes: 1, CacheDir: t.TempDir(), Detail: 2},
	} {
		t.Run(name, func(t *testing.T) {
			decoded := 0
			o.Progress = func(done, total int) {
				if total > 0 {
					decoded = done
				}
			}
			_, err := OpenFS(toyFS(t, 3, 4), o)
			require.ErrorContains(t, err, "1 are free in "+o.CacheDir)
			require.ErrorContains(t, err, "set Options.CacheDir to a folder on another disk, raise Options.CacheBytes")
			require.Zero(t, decoded)
		})
	}
}

package trainer

import (
	"bytes"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"medusa/internal/runfolder"

	"github.com/stretchr/testify/require"
)

// long reports whether the whole of a series is asked for: MEDUSA_LONG=1 go test ./trainer
func long(t *testing.T) bool {
	t.Helper()
	if os.Getenv("MEDUSA_LONG") == "1" {
		return true
	}
	t.Log("a part of the series; all of it with MEDUSA_LONG=1 go test ./trainer -run " + t.Name())
	return false
}

func newRandom(t *testing.T) *rand.Rand {
	t.Helper()
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	return rand.New(rand.NewPCG(seed, 0))
}

// sameOutcome asserts that two run folders hold the same run with all that it leaves behind.
func sameOutcome(t *testing.T, a, b string) {
	t.Helper()
	sameRun(t, a, b)
	x, err := os.ReadFile(runfolder.Folder(a).Path(EmbeddingsFile))
	require.NoError(t, err)
	y, err := os.ReadFile(runfolder.Folder(b).Path(EmbeddingsFile))
	require.NoError(t, err)
	require.Equal(t, x, y)
	missing, err := Missing(b, Options{NoReport: os.Getenv(childPlain) != ""})
	require.NoError(t, err)
	require.Empty(t, missing)
	left, err := filepath.Glob(runfolder.Folder(b).Path("*/" + runfolder.TempPrefix + "*"))
	require.NoError(t, err)
	require.Empty(t, left)
}

// A process that is killed when a file is created, written, put aside or in its place, of
// any file of the run folder, leaves a folder from which the run becomes the unbroken one.
func TestKilledAtEveryFile(t *testing.T) {
	all := long(t)
	rng := newRandom(t)
	data := pictures(t)
	t.Setenv(childDraw, "pk")
	t.Setenv(childSteps, "30")
	for _, plain := range []string{"", "1"} {
		t.Run("without a report "+plain, func(t *testing.T) {
			t.Setenv(childPlain, plain)
			whole := filepath.Join(t.TempDir(), "whole")
			c := command(t, data, whole)
			c.Env = append(c.Env, childTrace+"=1")
			said, err := c.Output()
			require.NoError(t, err)
			events := strings.Split(strings.TrimSpace(string(said)), "\n")
			places := rng.Perm(len(events))
			if !all {
				places = places[:2]
			}
			for _, n := range places {
				t.Run(strings.ReplaceAll(events[n], "/", " "), func(t *testing.T) {
					broken := filepath.Join(t.TempDir(), "broken")
					c := command(t, data, broken)
					c.Env = append(c.Env, childKill+"="+strconv.Itoa(n+1))
					require.Error(t, c.Run())
					require.NoError(t, command(t, data, broken).Run())
					sameOutcome(t, whole, broken)
				})
			}
		})
	}
}

// A bit that turns in any file of a run, or a file that is cut, is refused with its name, or
// helped: it never ends in another model without a word.
func TestCorruptionIsNeverTakenSilently(t *testing.T) {
	n := 10
	if long(t) {
		n = 600
	}
	rng := newRandom(t)
	cfg := small(pictures(t))
	cfg.Steps = 20
	whole, _ := run(t, cfg, Options{NoReport: true})
	require.NoError(t, whole.Close())
	half := brokenOff(t, cfg, 17)
	for i := range n {
		from := []*Trainer{whole, half}[i%2]
		f := copyRun(t, string(from.dir))
		name, what := corrupt(t, rng, f)
		told, _, err := resumed(t, from.data.data(), Options{Dir: string(f)})
		if err != nil {
			require.ErrorContains(t, err, filepath.Base(name), what)
			continue
		}
		x, err := os.ReadFile(whole.dir.Path(ModelFile))
		require.NoError(t, err)
		y, err := os.ReadFile(f.Path(ModelFile))
		require.NoError(t, err)
		require.True(t, bytes.Equal(x, y), "%s: %s", name, what)
		if len(told) == 0 { // then nothing was lost
			require.Equal(t, journalOf(t, string(whole.dir)), journalOf(t, string(f)), "%s: %s", name, what)
		}
	}
}

// corrupt damages one of the files of a run that this package reads again.
func corrupt(t *testing.T, rng *rand.Rand, f runfolder.Folder) (name, what string) {
	t.Helper()
	var files []string
	require.NoError(t, fs.WalkDir(os.DirFS(string(f)), ".", func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && !strings.HasPrefix(path, BoardDir) && path != ConfigFile {
			files = append(files, path)
		}
		return err
	}))
	name = files[rng.IntN(len(files))]
	b, err := os.ReadFile(f.Path(name))
	require.NoError(t, err)
	switch at := rng.IntN(len(b)); rng.IntN(3) {
	case 0:
		b, what = b[:at], "cut to "+strconv.Itoa(at)
	case 1:
		what = "zeros from " + strconv.Itoa(at)
		if bytes.Count(b[at:min(at+64, len(b))], []byte{0}) == min(64, len(b)-at) {
			b[at] = 1 // they were
		} else {
			clear(b[at:min(at+64, len(b))])
		}
	default:
		b[at] ^= 1 << rng.IntN(8)
		what = "a bit of byte " + strconv.Itoa(at)
	}
	require.NoError(t, os.WriteFile(f.Path(name), b, 0o644))
	return name, what
}

// A disk that is full at any moment ends the run with a clear message and loses nothing:
// with more room it goes on, and becomes the unbroken run.
func TestFullDisk(t *testing.T) {
	disk := t.TempDir()
	setSize := mountDisk(t, disk)
	rng := newRandom(t)
	data := pictures(t)
	t.Setenv(childDraw, "pk")
	t.Setenv(childSteps, "30")
	whole := filepath.Join(t.TempDir(), "whole")
	require.NoError(t, command(t, data, whole).Run())
	sizes := rng.Perm(30)
	if !long(t) {
		sizes = sizes[:3]
	}
	slices.Sort(sizes)
	full := 0
	for _, n := range sizes {
		t.Run(strconv.Itoa(n), func(t *testing.T) {
			kib := 8 + 10*n
			setSize(kib)
			run := filepath.Join(disk, "run")
			defer os.RemoveAll(run)
			var said strings.Builder
			c := command(t, data, run)
			c.Stderr = &said
			if err := c.Run(); err != nil {
				full++
				require.Contains(t, said.String(), "the disk is full", "%d KiB", kib)
				require.NotContains(t, said.String(), "goroutine")
				setSize(16 << 10)
				again := command(t, data, run)
				require.NoError(t, again.Run(), "%d KiB", kib)
			}
			sameOutcome(t, whole, run)
		})
	}
	if len(sizes) == 30 {
		require.Greater(t, full, 10)
	}
}

package trainer

import (
	"context"
	"encoding/binary"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"medusa/internal/runfolder"
	"medusa/internal/safetensors"
)

// brokenOff is a run that was stopped after the given step.
func brokenOff(t *testing.T, cfg Config, step int) *Trainer {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	tr := start(t, cfg, Options{NoReport: true, Hooks: []Hook{{Step: func(_ context.Context, i StepInfo) error {
		if i.Step == step {
			cancel()
		}
		return nil
	}}}})
	_, err := tr.Run(ctx)
	require.NoError(t, err)
	require.NoError(t, tr.Close())
	return tr
}

// resumed goes on with the run in dir to its end, and is what was told on the way.
func resumed(t *testing.T, data Data, o Options) (told []string, r Result, err error) {
	t.Helper()
	o.NoReport, o.Notice = true, func(m string) { told = append(told, m) }
	on, err := Resume(data, o)
	if err != nil {
		return told, r, err
	}
	defer on.Close()
	r, err = on.Run(context.Background())
	return told, r, err
}

// copyRun copies a run folder.
func copyRun(t *testing.T, dir string) runfolder.Folder {
	t.Helper()
	to := filepath.Join(t.TempDir(), "copy")
	require.NoError(t, os.CopyFS(to, os.DirFS(dir)))
	return runfolder.Folder(to)
}

var damages = map[string]func(b []byte) []byte{
	"a bit of a weight":   func(b []byte) []byte { b[len(b)-100] ^= 4; return b },
	"a bit of the header": func(b []byte) []byte { b[60] ^= 1; return b },
	"truncated":           func(b []byte) []byte { return b[:len(b)*2/3] },
	"empty":               func(b []byte) []byte { return nil },
	"another file":        func(b []byte) []byte { return []byte("PK\x03\x04 and so on and so forth") },
	"checksum taken out":  func(b []byte) []byte { return []byte(strings.Replace(string(b), `"sha256"`, `"sha255"`, 1)) },
}

// Where the last checkpoint is damaged or gone, the run goes on from the newest that is
// whole, says so, and ends as if nothing had been.
func TestDamagedLastCheckpoint(t *testing.T) {
	cfg := small(pictures(t))
	cfg.Steps = 40
	whole, _ := run(t, cfg, Options{NoReport: true})
	tr := brokenOff(t, cfg, 33) // previous is of step 28, best not newer
	damages := maps.Clone(damages)
	damages["gone"] = nil
	for name, damage := range damages {
		t.Run(name, func(t *testing.T) {
			f := copyRun(t, string(tr.dir))
			path := f.Path(LastFile)
			b, err := os.ReadFile(path)
			require.NoError(t, err)
			if damage == nil {
				require.NoError(t, os.Remove(path))
			} else {
				require.NoError(t, os.WriteFile(path, damage(b), 0o644))
			}
			told, _, err := resumed(t, tr.data.data(), Options{Dir: string(f)})
			require.NoError(t, err)
			require.Contains(t, strings.Join(told, "\n"), "going on from "+PreviousFile)
			sameRun(t, string(whole.dir), string(f))
			if damage != nil {
				require.Contains(t, strings.Join(told, "\n"), path, "names the damaged file")
				require.FileExists(t, path+runfolder.SetAside)
			}
		})
	}
}

// The best checkpoint of another run is refused before anything is computed, also where
// step, configuration and pictures are the same.
func TestBestOfAnotherRun(t *testing.T) {
	cfg := small(pictures(t))
	cfg.Steps = 40
	tr := brokenOff(t, cfg, 33)
	last, err := readCheckpoint(tr.dir.Path(LastFile))
	require.NoError(t, err)
	require.Greater(t, last.state.BestStep, 0)
	for name, c := range map[string]struct {
		change func(path string)
		want   string
	}{
		"of another seed": {func(path string) {
			other := cfg
			other.Seed++
			theirs, _ := run(t, other, Options{NoReport: true})
			b, err := os.ReadFile(theirs.dir.Path(BestFile))
			require.NoError(t, err)
			require.NoError(t, os.WriteFile(path, b, 0o644))
			rewrite(t, path, func(f *safetensors.File) { setStep(t, f, last.state) })
		}, "is of another run, which differs in Sampler.Seed, Seed"},
		"of other weights": {func(path string) {
			rewrite(t, path, func(f *safetensors.File) { f.Tensors[0].F32[0]++ })
		}, "its weights are others than those that this run measured"},
		"of another step": {func(path string) {
			other := last.state
			other.BestStep = 0
			rewrite(t, path, func(f *safetensors.File) { setStep(t, f, other) })
		}, "want the best step"},
		"of other pictures": {func(path string) {
			rewrite(t, path, func(f *safetensors.File) {
				f.Metadata["data"] = strings.Replace(f.Metadata["data"], `"pixels":"`, `"pixels":"0`, 1)
			})
		}, "other pixels"},
	} {
		t.Run(name, func(t *testing.T) {
			f := copyRun(t, string(tr.dir))
			c.change(f.Path(BestFile))
			_, _, err := resumed(t, tr.data.data(), Options{Dir: string(f)})
			require.ErrorContains(t, err, c.want)
			require.ErrorContains(t, err, f.Path(BestFile))
			require.NoError(t, os.Remove(f.Path(BestFile)), "the way out that it names")
			on, err := Resume(tr.data.data(), Options{Dir: string(f)})
			require.NoError(t, err)
			require.NoError(t, on.Close())
		})
	}
}

// setStep makes a checkpoint say that it is the best one of s.
func setStep(t *testing.T, f *safetensors.File, s state) {
	t.Helper()
	s.Step = s.BestStep
	f.Metadata["state"] = toJSON(t, s)
}

// A best checkpoint that is lost or damaged is made again from one that has the same
// weights; where there is none, that is told, and the last weights are taken if asked for.
func TestBestIsLost(t *testing.T) {
	cfg := small(pictures(t))
	cfg.Steps, cfg.CheckpointEvery = 40, -1
	whole, r := run(t, cfg, Options{NoReport: true})
	last, err := readCheckpoint(whole.dir.Path(LastFile))
	require.NoError(t, err)
	require.Less(t, last.state.BestStep, last.state.Step)
	require.Equal(t, Best, r.Kept)

	t.Run("the one before has its weights", func(t *testing.T) {
		f := copyRun(t, string(whole.dir))
		require.NoError(t, os.Remove(f.Path(ResultFile)))
		require.NoError(t, os.Truncate(f.Path(BestFile), 200))
		told, _, err := resumed(t, whole.data.data(), Options{Dir: string(f)})
		require.NoError(t, err)
		require.Contains(t, strings.Join(told, "\n"), PreviousFile+" has the same weights and takes its place")
		sameRun(t, string(whole.dir), string(f))
	})
	t.Run("the last is the best", func(t *testing.T) {
		tr := brokenOff(t, cfg, last.state.BestStep)
		require.NoError(t, os.Remove(tr.dir.Path(BestFile)))
		_, _, err := resumed(t, tr.data.data(), Options{Dir: string(tr.dir)})
		require.NoError(t, err)
		sameRun(t, string(whole.dir), string(tr.dir))
	})
	t.Run("for good", func(t *testing.T) {
		f := copyRun(t, string(whole.dir))
		for _, name := range []string{ResultFile, ModelFile, BestFile, PreviousFile} {
			require.NoError(t, os.Remove(f.Path(name)))
		}
		told, _, err := resumed(t, whole.data.data(), Options{Dir: string(f)})
		require.Contains(t, strings.Join(told, "\n"), "put them back before the run ends")
		require.ErrorContains(t, err, "resume and keep the last ones")
		require.ErrorIs(t, err, os.ErrNotExist)
		_, r, err := resumed(t, whole.data.data(), Options{Dir: string(f), Keep: Last})
		require.NoError(t, err)
		require.Equal(t, Last, r.Kept)
		require.Equal(t, cfg.Steps, r.ModelStep)
		missing, err := Missing(string(f), Options{NoReport: true, Keep: Last})
		require.NoError(t, err)
		require.Empty(t, missing)
	})
}

// A run stands on pixels, not on names: other pictures of the same names and numbers are
// refused, the same pictures in another place are not.
func TestPicturesAreKnownByTheirPixels(t *testing.T) {
	cfg := small(pictures(t))
	cfg.Steps = 30
	tr := brokenOff(t, cfg, 12)
	moved := t.TempDir()
	require.NoError(t, os.CopyFS(moved, os.DirFS(cfg.Data.Path)))
	there := cfg
	there.Data.Path = moved
	told, _, err := resumed(t, load(t, there), Options{Dir: string(copyRun(t, string(tr.dir)))})
	require.NoError(t, err)
	require.Empty(t, told)

	for file, want := range map[string]string{
		"train-images-idx3-ubyte": "other pixels", "t10k-images-idx3-ubyte": "the test pictures are others", "t10k-labels-idx1-ubyte": "the test pictures are others",
	} {
		t.Run(file, func(t *testing.T) {
			other := there
			other.Data.Path = t.TempDir()
			require.NoError(t, os.CopyFS(other.Data.Path, os.DirFS(cfg.Data.Path)))
			path := filepath.Join(other.Data.Path, file)
			b, err := os.ReadFile(path)
			require.NoError(t, err)
			b[len(b)-1] ^= 1
			require.NoError(t, os.WriteFile(path, b, 0o644))
			_, _, err = resumed(t, load(t, other), Options{Dir: string(copyRun(t, string(tr.dir)))})
			require.ErrorContains(t, err, want)
			require.ErrorContains(t, err, "put the pictures back as they were")
		})
	}
}

func BenchmarkFingerprint(b *testing.B) {
	dir := b.TempDir()
	const n, side = 20000, 28
	images := binary.BigEndian.AppendUint32(nil, 0x803)
	for _, d := range []int{n, side, side} {
		images = binary.BigEndian.AppendUint32(images, uint32(d))
	}
	images = append(images, make([]byte, n*side*side)...)
	labels := binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, 0x801), n)
	for i := range n {
		labels = append(labels, byte(i%10))
	}
	require.NoError(b, os.WriteFile(filepath.Join(dir, "train-images-idx3-ubyte"), images, 0o644))
	require.NoError(b, os.WriteFile(filepath.Join(dir, "train-labels-idx1-ubyte"), labels, 0o644))
	data, err := Load(DataConfig{Path: dir, Val: "none"}, 1, LoadOptions{})
	require.NoError(b, err)
	defer data.Close()
	b.SetBytes(n * side * side)
	for b.Loop() {
		_, err := fingerprintOf(data.items(), func(int, int) {})
		require.NoError(b, err)
	}
}

func TestKeepThatIsNoChoice(t *testing.T) {
	cfg := small(pictures(t))
	_, err := New(cfg, load(t, cfg), Options{Dir: filepath.Join(t.TempDir(), "run"), Keep: "lats"})
	require.ErrorContains(t, err, `Options.Keep is "lats", want best, last`)
}

// A checkpoint that cannot be read now may be whole: no older one takes its place.
func TestUnreadableIsNotDamaged(t *testing.T) {
	dir := t.TempDir()
	_, err := runfolder.OpenTensors(filepath.Join(dir, strings.Repeat("x", 5000)), runfolder.KindCheckpoint) // what the system refuses
	require.Error(t, err)
	require.False(t, runfolder.IsDamage(err))
	path := filepath.Join(dir, "x")
	require.NoError(t, os.WriteFile(path, []byte("no checkpoint at all"), 0o644))
	_, err = runfolder.OpenTensors(path, runfolder.KindCheckpoint)
	require.True(t, runfolder.IsDamage(err))
}

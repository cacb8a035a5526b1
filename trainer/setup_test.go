package trainer

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"medusa/datasets"
	"medusa/internal/runfolder"
	"medusa/nets"
	"medusa/optim"
	"medusa/samplers"
)

// TestMain lets this test binary be the process that is killed. Each run's memory is small, and to
// collect it as often as is usual takes a fifth of the time.
func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		if err := child(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	debug.SetGCPercent(1000)
	os.Exit(m.Run())
}

const side = 8 // pixels

// pictures writes IDX files of grey pictures: each class is a pattern, with noise
// over it and a shade in a random direction, which must be learned to be nothing. Classes 0 … 11 are for training, 12 … 17 for the test.
func pictures(t testing.TB) string {
	dir := t.TempDir()
	rng := rand.New(rand.NewPCG(1, 2))
	write := func(name string, from, to int) {
		const each = 8
		n := (to - from) * each
		images := binary.BigEndian.AppendUint32(nil, 0x803)
		for _, d := range []int{n, side, side} {
			images = binary.BigEndian.AppendUint32(images, uint32(d))
		}
		labels := binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, 0x801), uint32(n))
		for c := from; c < to; c++ {
			pattern := rand.New(rand.NewPCG(3, uint64(c)))
			var base [side * side]int
			for i := range base {
				base[i] = 100 + pattern.IntN(60)
			}
			for range each {
				dx, dy := 30*rng.Float64()-15, 30*rng.Float64()-15
				for i, v := range base {
					shade := dx*(float64(i%side)-side/2) + dy*(float64(i/side)-side/2)
					images = append(images, byte(min(max(v+rng.IntN(30)+int(shade), 0), 255)))
				}
				labels = append(labels, byte(c))
			}
		}
		require.NoError(t, os.WriteFile(filepath.Join(dir, name+"-images-idx3-ubyte"), images, 0o644))
		require.NoError(t, os.WriteFile(filepath.Join(dir, name+"-labels-idx1-ubyte"), labels, 0o644))
	}
	write("train", 0, 12)
	write("t10k", 12, 18)
	return dir
}

// small is a run of a second with something of everything that has state: batch norm,
// dropout, class weights, moments, a plateau, augmentation.
func small(path string) Config {
	return Config{
		Data: DataConfig{Path: path, Val: "0.34", Augment: datasets.Augment{RandomCrop: 1, FlipH: 0.5, Erase: 0.3}},
		Net:  nets.Config{Channels: []int{4, 8}, Embedding: 8, Dropout: 0.2, Head: "flatten"},
		Loss: "ce:scale=8+triplet", Sampler: samplers.Config{P: 4, K: 3},
		Schedule: optim.ScheduleConfig{Name: "plateau", Warmup: 5, Wait: 1, Gamma: 0.5},
		Solver:   optim.Config{LR: 0.01}, Metric: "map_at_r",
		Steps: 60, EvalEvery: 10, CheckpointEvery: 7, LogEvery: 3, Clip: 1, Seed: 7, EvalBatch: 5,
	}
}

func load(t testing.TB, cfg Config) Data {
	d, err := Load(cfg.Data, cfg.Seed, LoadOptions{})
	require.NoError(t, err)
	t.Cleanup(func() { d.Close() })
	return d
}

func start(t testing.TB, cfg Config, o Options) *Trainer {
	if o.Dir == "" {
		o.Dir = filepath.Join(t.TempDir(), "run")
	}
	tr, err := New(cfg, load(t, cfg), o)
	require.NoError(t, err)
	t.Cleanup(func() { tr.Close() })
	return tr
}

func run(t testing.TB, cfg Config, o Options) (*Trainer, Result) {
	tr := start(t, cfg, o)
	r, err := tr.Run(context.Background())
	require.NoError(t, err)
	return tr, r
}

// sameRun asserts that two run folders hold the same run, times aside.
func sameRun(t *testing.T, a, b string) {
	t.Helper()
	require.Equal(t, journalOf(t, a), journalOf(t, b))
	for _, name := range []string{LastFile, BestFile} {
		x, err := readCheckpoint(runfolder.Folder(a).Path(name))
		require.NoError(t, err)
		y, err := readCheckpoint(runfolder.Folder(b).Path(name))
		require.NoError(t, err)
		require.Equal(t, x.tensors, y.tensors, name)
		require.Equal(t, timeless(x.state), timeless(y.state), name)
		require.Equal(t, x.data, y.data)
	}
	x, err := os.ReadFile(runfolder.Folder(a).Path(ModelFile))
	require.NoError(t, err)
	y, err := os.ReadFile(runfolder.Folder(b).Path(ModelFile))
	require.NoError(t, err)
	require.True(t, bytes.Equal(x, y), "models differ")
}

// timeless is s without what the clock says, and without where in the sampler's sequence
// its state was last copied.
func timeless(s state) state {
	s.TrainTime, s.WaitTime, s.Timed, s.LogBytes, s.Drawn = 0, 0, 0, 0, 0
	s.LogSum = ""
	return s
}

func journalOf(t *testing.T, dir string) []string {
	text, err := os.ReadFile(runfolder.Folder(dir).Path(MetricsFile))
	require.NoError(t, err)
	var out []string
	for line := range strings.Lines(string(text)) {
		record := map[string]any{}
		require.NoError(t, json.Unmarshal([]byte(line), &record), line)
		for _, key := range []string{"images_per_s", "wait_share", "seconds"} {
			delete(record, key)
		}
		b, err := json.Marshal(record)
		require.NoError(t, err)
		out = append(out, string(b))
	}
	return out
}

// opened is a set that Load read.
func opened(d datasets.Set) *datasets.Dataset {
	own, _ := d.(*datasets.Dataset)
	return own
}

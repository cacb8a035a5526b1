package trainer

import (
	"bytes"
	"fmt"
	"image"
	"image/png"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"medusa/datasets"
	"medusa/optim"
)

func TestLoad(t *testing.T) {
	path := pictures(t) // 12 classes to train, 6 others for the test
	for name, c := range map[string]struct {
		cfg              DataConfig
		train, val, test int // classes; 0 for none
	}{
		"a choice by two is not worth them": {DataConfig{}, 12, 0, 6},
		"something to measure on":           {DataConfig{Test: "none"}, 10, 2, 0},
		"no validation":                     {DataConfig{Val: "none"}, 12, 0, 6},
		"nothing to measure on":             {DataConfig{Val: "none", Test: "none"}, 12, 0, 0},
		"a fraction":                        {DataConfig{Val: "0.25"}, 9, 3, 6},
		"test from training":                {DataConfig{Test: "0.25", Val: "none"}, 9, 0, 3},
		"both from training":                {DataConfig{Test: "0.25", Val: "0.34"}, 6, 3, 3},
		"the test's place":                  {DataConfig{Test: path, Val: "none"}, 12, 0, 6},
		"chosen":                            {DataConfig{TrainClasses: "0-4, 7,1?", TestClasses: "15-17", Val: "none"}, 8, 0, 3},
		"too few for a validation":          {DataConfig{TrainClasses: "0-8"}, 9, 0, 6},
	} {
		t.Run(name, func(t *testing.T) {
			c.cfg.Path = path
			d, err := Load(c.cfg, 3, LoadOptions{})
			require.NoError(t, err)
			defer d.Close()
			require.Equal(t, c.train, opened(d.Train).NumClasses())
			for _, part := range []struct {
				d    *datasets.Dataset
				want int
			}{{opened(d.Val), c.val}, {opened(d.Test), c.test}} {
				require.Equal(t, part.want > 0, part.d != nil)
				if part.d != nil {
					require.Equal(t, part.want, part.d.NumClasses())
					require.Empty(t, datasets.SharedClasses(d.Train, part.d))
				}
			}
			if d.Val != nil && d.Test != nil {
				require.Empty(t, datasets.SharedClasses(d.Val, d.Test))
			}
		})
	}
}

func TestLoadErrors(t *testing.T) {
	path := pictures(t)
	only := t.TempDir() // a test part and nothing else
	for _, name := range []string{"t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"} {
		b, err := os.ReadFile(filepath.Join(path, name))
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(only, name), b, 0o644))
	}
	for want, cfg := range map[string]DataConfig{
		"does not exist":                          {Path: filepath.Join(path, "absent")},
		"no pictures to learn from":               {Path: only},
		`no class is called "99"; the 12 classes`: {Path: path, TrainClasses: "0-3,99"},
		"syntax error in pattern":                 {Path: path, TrainClasses: "[a"},
		"there are no such pictures":              {Path: path, Test: "none", TestClasses: "3"},
		"validation pictures are also learned":    {Path: path, Val: path, TestClasses: "12"},
		"cannot be cut into two sets":             {Path: path, TrainClasses: "0-2", Val: "0.5"},
		"Data.Val is 2, want a fraction":          {Path: path, Val: "2"},
		"Data.Mean and Data.Std":                  {Path: path, Normalise: "given", Mean: []float32{1, 2}, Std: []float32{1, 2}},
		"trainer: Data.Test: ":                    {Path: path, Test: filepath.Join(path, "absent")},
	} {
		t.Run(want, func(t *testing.T) {
			if cfg.Val == path { // the training pictures once more, without a test part beside them
				cfg.Val = filepath.Join(t.TempDir(), "twin")
				require.NoError(t, os.MkdirAll(cfg.Val, 0o755))
				for _, name := range []string{"train-images-idx3-ubyte", "train-labels-idx1-ubyte"} {
					b, err := os.ReadFile(filepath.Join(path, name))
					require.NoError(t, err)
					require.NoError(t, os.WriteFile(filepath.Join(cfg.Val, name), b, 0o644))
				}
			}
			_, err := Load(cfg, 0, LoadOptions{})
			require.ErrorContains(t, err, want)
		})
	}
}

func TestLoadWarnsOfSeenTestClasses(t *testing.T) {
	path := pictures(t)
	twin := t.TempDir()
	for _, name := range []string{"train-images-idx3-ubyte", "train-labels-idx1-ubyte"} {
		b, err := os.ReadFile(filepath.Join(path, name))
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(twin, name), b, 0o644))
	}
	var log bytes.Buffer
	d, err := Load(DataConfig{Path: path, Test: twin, Val: "none"}, 0, LoadOptions{Logger: slog.New(slog.NewTextHandler(&log, nil))})
	require.NoError(t, err)
	defer d.Close()
	require.Contains(t, log.String(), "test classes are also learned: the figures are not about unseen classes")
}

func TestNormalisation(t *testing.T) {
	path := pictures(t)
	d, err := Load(DataConfig{Path: path, Normalise: "none"}, 0, LoadOptions{})
	require.NoError(t, err)
	require.Equal(t, datasets.Normalisation{}, d.Norm)
	d, err = Load(DataConfig{Path: path, Normalise: "given", Mean: []float32{0.25}, Std: []float32{2}}, 0, LoadOptions{})
	require.NoError(t, err)
	require.Equal(t, []float32{0.25}, d.Norm.Mean)
	d, err = Load(DataConfig{Path: path, Val: "0.5"}, 0, LoadOptions{})
	require.NoError(t, err)
	own, err := opened(d.Train).ComputeNormalisation()
	require.NoError(t, err)
	require.Equal(t, own, d.Norm, "of what is learned, not of what is held back")
}

// Pictures that are tested on and learned from, too, are told, or not learned.
func TestLoadLooksForCopies(t *testing.T) {
	dir := t.TempDir()
	put := func(name string, seed uint64) {
		rng := rand.New(rand.NewPCG(seed, 1))
		img := image.NewGray(image.Rect(0, 0, 16, 16))
		for i := range img.Pix {
			img.Pix[i] = byte(rng.Uint32())
		}
		var b bytes.Buffer
		require.NoError(t, png.Encode(&b, img))
		path := filepath.Join(dir, filepath.FromSlash(name))
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o777))
		require.NoError(t, os.WriteFile(path, b.Bytes(), 0o666))
	}
	for i := range 12 {
		put(fmt.Sprintf("train/c%d/%d.png", i/3, i), uint64(i))
	}
	for i := range 4 {
		put(fmt.Sprintf("test/d%d/%d.png", i/2, i), uint64(i+11)) // the first is the last one of training
	}
	for copies, want := range map[Copies]struct {
		learned int
		notes   string
	}{
		"":             {12, "picture that train has too: 1"},
		TellCopies:     {12, "picture that train has too: 1"},
		LeaveOutCopies: {11, ""},
		IgnoreCopies:   {12, ""},
	} {
		d, err := Load(DataConfig{Path: dir, Val: "none", Copies: copies}, 1, LoadOptions{})
		require.NoError(t, err)
		require.Equal(t, want.learned, d.Train.Len(), copies)
		require.Equal(t, 4, d.Test.Len())
		var notes string
		for _, n := range opened(d.Test).Summary().Notes {
			notes += n.String()
		}
		require.Contains(t, notes, want.notes)
		require.Equal(t, want.notes == "", notes == "")
		require.NoError(t, d.Close())
	}
	cfg := small(dir)
	cfg.Data.Val, cfg.Schedule, cfg.Metric, cfg.Steps = "none", optim.ScheduleConfig{}, "", 2
	_, r := run(t, cfg, Options{NoReport: true})
	require.Equal(t, "4 pictures of 2 test classes, none of which was seen in training; each is a query among all others; 1 of the pictures also stands in train", r.Protocol)

	_, err := Load(DataConfig{Path: dir, Copies: "burn"}, 1, LoadOptions{})
	require.ErrorContains(t, err, `Data.Copies is "burn"`)
}

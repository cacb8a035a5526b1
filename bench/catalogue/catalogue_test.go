package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"medusa/losses"
)

func TestCounterpartsNameLosses(t *testing.T) {
	for name := range counterparts {
		require.Contains(t, losses.Names(), name)
	}
	for name := range apart {
		require.Contains(t, losses.Names(), name)
	}
	_, err := choose("triplet, nosuch")
	require.ErrorContains(t, err, `-only: losses: no loss is named "nosuch"`)
	two, err := choose("triplet(margin=0.1, miner=none), ce")
	require.NoError(t, err)
	require.Equal(t, []string{"triplet(margin=0.1, miner=none)", "ce"}, two)
	_, err = choose("ce,")
	require.Error(t, err)
	all, err := choose("")
	require.NoError(t, err)
	require.Contains(t, all, "triplet")
	require.NotContains(t, all, "mined")
}

// drawings are a few classes of noise to learn and to measure.
func drawings(t *testing.T) string {
	dir := t.TempDir()
	rng := rand.New(rand.NewPCG(1, 2))
	for i := range 40 {
		part, class := "train", i/4
		if class >= 6 {
			part = "test"
		}
		folder := filepath.Join(dir, part, fmt.Sprint("class", class))
		require.NoError(t, os.MkdirAll(folder, 0o777))
		pixels := make([]byte, 28*28)
		for k := range pixels {
			pixels[k] = byte(rng.IntN(256))
		}
		pgm := append([]byte("P5 28 28 255\n"), pixels...)
		require.NoError(t, os.WriteFile(filepath.Join(folder, fmt.Sprint(i, ".pgm")), pgm, 0o600))
	}
	return dir
}

// A row has figures, and a second command makes no run again.
func TestTableOfARun(t *testing.T) {
	out := t.TempDir()
	args := []string{"-data", drawings(t), "-python", "none", "-only", "triplet", "-steps", "2", "-seeds", "2", "-out", out}
	require.NoError(t, run(context.Background(), args))
	first, err := os.ReadFile(filepath.Join(out, "runs.jsonl"))
	require.NoError(t, err)
	table, err := os.ReadFile(filepath.Join(out, "table.md"))
	require.NoError(t, err)
	require.Regexp(t, `6 classes learned, 4 others measured \(16 pictures`, string(table))
	row := "(?m)^\\| `triplet` \\| `triplet` \\| \\.\\d{3} ± \\.\\d{3} \\| \\.\\d{3} ± \\.\\d{3} \\| "
	require.Regexp(t, row+" *\\|", string(table))
	require.NoError(t, run(context.Background(), args))
	second, err := os.ReadFile(filepath.Join(out, "runs.jsonl"))
	require.NoError(t, err)
	require.Equal(t, first, second)
	require.NoError(t, run(context.Background(), append(args, "-speed")))
	table, err = os.ReadFile(filepath.Join(out, "table.md"))
	require.NoError(t, err)
	require.Regexp(t, row+"\\d+ +\\|", string(table))
}

func TestRefusesWhatCannotBeMeant(t *testing.T) {
	ctx := context.Background()
	require.ErrorContains(t, run(ctx, []string{"-steps", "0"}), "want at least 1 of each")
	require.ErrorContains(t, run(ctx, []string{"triplet"}), `unknown argument "triplet"`)
	broken := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(broken, "runs.jsonl"), []byte("{}\nno\n"), 0o600))
	require.ErrorContains(t, run(ctx, []string{"-python", "none", "-out", broken}), "runs.jsonl:2")
}

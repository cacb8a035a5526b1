package trainer

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"medusa/losses"
	"medusa/miners"
	"medusa/nets"
	"medusa/samplers"
)

// A run whose miners draw, and change with its steps, goes on bit for bit.
func TestMinersGoOn(t *testing.T) {
	cfg := small(pictures(t))
	cfg.Steps, cfg.CheckpointEvery = 24, 5
	cfg.Loss = "triplet(miner=distance-weighted) + 0.5*contrastive(miner=schedule(miners=[none, uniform-histogram(bins=6), chain(first=uniform-histogram, second=hdc)], steps=[9, 15])) + ce(scale=8)"
	whole, _ := run(t, cfg, Options{})
	state := whole.params.Under("loss.")
	names := []string{}
	for _, p := range state {
		names = append(names, p.Name)
	}
	require.Subset(t, names, []string{"loss.0.draws", "loss.1.step", "loss.1.1.draws", "loss.1.2.0.draws"})

	ctx, cancel := context.WithCancel(context.Background())
	broken := start(t, cfg, Options{Hooks: []Hook{{Step: func(_ context.Context, i StepInfo) error {
		if i.Step == 12 {
			cancel()
		}
		return nil
	}}}})
	_, err := broken.Run(ctx)
	require.NoError(t, err)
	require.NoError(t, broken.Close())
	on, err := Resume(load(t, cfg), Options{Dir: string(broken.dir)})
	require.NoError(t, err)
	defer on.Close()
	_, err = on.Run(context.Background())
	require.NoError(t, err)
	sameRun(t, string(whole.dir), string(on.dir))
}

// A program trains on a fixed set of triplets, and on batches of few super-classes.
func TestSamplersOfTuples(t *testing.T) {
	cfg := small(pictures(t))
	cfg.Steps, cfg.Net = 12, nets.Config{Embedding: 8}
	cfg.Loss = ""
	d := load(t, cfg)
	labels := d.Train.Labels()
	supers := make([]int, len(labels))
	for i, l := range labels {
		supers[i] = l / 4
	}
	triplets, err := samplers.NewFixedTriplets(labels, 40, 8, 3)
	require.NoError(t, err)
	super, err := samplers.NewHierarchical(labels, supers, samplers.Hierarchy{Supers: 1, Classes: 2, K: 3, Batches: 2})
	require.NoError(t, err)
	for given, o := range map[string]Options{
		"&samplers.FixedTriplets{Triplets: 40, PerBatch: 8, Seed: 3}": {Sampler: triplets, Loss: losses.Triplet{Margin: 0.2, Miner: miners.Packaged{}}},
		"&samplers.Hierarchical{Hierarchy:":                           {Sampler: super, Loss: losses.Default[losses.Triplet]()},
	} {
		o.Dir = t.TempDir() + "/run"
		cfg := cfg
		cfg.Sampler = samplers.Config{}
		tr, err := New(cfg, d, o)
		require.NoError(t, err)
		r, err := tr.Run(context.Background())
		require.NoError(t, err)
		require.Contains(t, r.Given["Sampler"], given)
		require.NoError(t, tr.Close())
	}
}

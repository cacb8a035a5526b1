package trainer

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"medusa/internal/device/gpu/gputest"
)

func turnedConfig(t *testing.T) Config {
	cfg := small(pictures(t))
	cfg.Data.TurnedClasses, cfg.Data.Augment.Scale, cfg.Data.Augment.Shear = true, 0.1, 5
	cfg.Steps = 20
	return cfg
}

// Only the training part is turned, the same seed gives the same bits, and an interrupted run
// goes on to them.
func TestTurnedClassesAreLearnedAndResumed(t *testing.T) {
	cfg := turnedConfig(t)
	plain := cfg
	plain.Data.TurnedClasses = false
	before, data := load(t, plain), load(t, cfg)
	require.Equal(t, 4*len(before.Train.Classes()), len(data.Train.Classes()))
	require.Equal(t, before.Val.Classes(), data.Val.Classes())
	require.Equal(t, before.Test.Classes(), data.Test.Classes())
	require.Equal(t, before.Norm, data.Norm)
	require.Equal(t, 4, data.items().Train.turns())
	require.Contains(t, data.Parts()[0].Summary().Protocol, "classes to learn are also learned turned by 90, 180 and 270 degrees, as classes of their own")

	whole, _ := run(t, cfg, Options{})
	stopping, cancel := context.WithCancel(context.Background())
	defer cancel()
	tr := start(t, cfg, Options{Hooks: []Hook{{Step: func(_ context.Context, i StepInfo) error {
		if i.Step == 9 {
			cancel()
		}
		return nil
	}}}})
	r, err := tr.Run(stopping)
	require.NoError(t, err)
	require.Equal(t, StopInterrupted, r.Stop)
	require.NoError(t, tr.Close())
	stored, err := Stored(string(tr.dir))
	require.NoError(t, err)
	require.True(t, stored.Data.TurnedClasses)
	on, err := Resume(load(t, stored), Options{Dir: string(tr.dir)})
	require.NoError(t, err)
	defer on.Close()
	_, err = on.Run(context.Background())
	require.NoError(t, err)
	sameRun(t, string(whole.dir), string(on.dir))

	_, err = Resume(before, Options{Dir: string(tr.dir)})
	require.ErrorIs(t, err, ErrPictures)
}

// The device keeps every picture once, and makes the batches that the host makes.
func TestTurnedClassesOnDevice(t *testing.T) {
	gputest.Prepare(t)
	cfg := turnedConfig(t)
	cfg.Net.Dropout, cfg.Steps, cfg.EvalEvery = 0, 3, -1
	var losses [2][]float64
	for i, device := range []string{"cpu", "cuda"} {
		cfg.Device = device
		tr := start(t, cfg, Options{NoReport: true, Hooks: []Hook{{Step: func(_ context.Context, s StepInfo) error {
			losses[i] = append(losses[i], s.Loss)
			return nil
		}}}})
		if device == "cuda" {
			require.NotNil(t, tr.batches.onDevice, "batches are made on the device")
			require.Len(t, tr.batches.onDevice.of, tr.data.Train.Len())
		}
		_, err := tr.Run(context.Background())
		require.NoError(t, err)
	}
	require.Len(t, losses[0], 3)
	for step := range losses[0] {
		require.InEpsilon(t, losses[0][step], losses[1][step], 1e-3)
	}
}

func TestTurnedClassesOfWhatCannotBeTurned(t *testing.T) {
	cfg := turnedConfig(t)
	cfg.Data.Height, cfg.Data.Width = 8, 6
	_, err := Load(cfg.Data, 1, LoadOptions{})
	require.ErrorContains(t, err, "Data.TurnedClasses: pictures of 8×6 (height × width) cannot be turned")
	waves := smallWaves()
	waves.Data.TurnedClasses = true
	_, err = New(waves, newWaves(), Options{Dir: t.TempDir()})
	require.ErrorContains(t, err, "TurnedClasses: only pictures of files can obey that")
}

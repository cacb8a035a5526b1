package trainer

import (
	"bytes"
	"context"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"medusa/internal/device/gpu/gputest"
	"medusa/internal/safetensors"
	"medusa/model"
	"medusa/nets"
	"medusa/optim"
)

// averagedConfig is a run with all that keeps averages, and a solver with two passes.
func averagedConfig(path string) Config {
	cfg := small(path)
	cfg.Average, cfg.ClipValue = optim.AverageConfig{Decay: 0.9}, 0.05
	cfg.Solver = optim.Config{Name: "lamb", LR: 0.01, WeightDecay: 0.01, NoDecay: "loss."}
	cfg.Steps, cfg.EvalEvery, cfg.CheckpointEvery = 9, 4, 3
	return cfg
}

func tensorsNamed(t *testing.T, tensors []safetensors.Tensor) map[string][]float32 {
	t.Helper()
	out := map[string][]float32{}
	for _, x := range tensors {
		out[x.Name] = x.F32
	}
	return out
}

// A run with averages learns what one without learns, and measures and keeps the averages: the
// model has them, and so has the trainer after the run.
func TestAveragesBecomeTheModel(t *testing.T) {
	gputest.Prepare(t)
	path := pictures(t)
	for _, device := range []string{"cpu", "cuda"} {
		t.Run(device, func(t *testing.T) {
			cfg := averagedConfig(path)
			cfg.Keep, cfg.Device = Last, device
			cfg.Schedule = optim.ScheduleConfig{} // plateau would see other figures with averages
			with, r := run(t, cfg, Options{NoReport: true})
			cfg.Average.Decay = 0
			without, _ := run(t, cfg, Options{NoReport: true})

			c, err := readCheckpoint(with.dir.Path(LastFile))
			require.NoError(t, err)
			plain, err := readCheckpoint(without.dir.Path(LastFile))
			require.NoError(t, err)
			stored, weights := tensorsNamed(t, c.tensors), tensorsNamed(t, plain.tensors)
			for name, x := range weights {
				if name != "solver/count" {
					require.Equal(t, x, stored[name], name)
				}
			}
			m, err := model.Load(r.Model, model.Options{})
			require.NoError(t, err)
			defer m.Close()
			live, err := with.Params()
			require.NoError(t, err)
			file, err := safetensors.Open(r.Model)
			require.NoError(t, err)
			require.NotEmpty(t, file.Tensors)
			for _, x := range file.Tensors {
				average := stored["solver/average/"+x.Name]
				require.Equal(t, average, x.F32, x.Name)
				require.NotEqual(t, weights[x.Name], average, x.Name)
				require.Equal(t, average, live.Lookup(x.Name).Value.Float32s(), "%s after the run", x.Name)
			}
			again, err := with.Evaluate(context.Background(), with.data.Test.Set)
			require.NoError(t, err)
			require.Equal(t, r.After.MAPAtR, again.MAPAtR)
			live, err = with.Params()
			require.NoError(t, err)
			for _, item := range live.All() { // what is written then counts
				clear(item.Value.Float32s())
			}
			x, err := with.Embed(context.Background(), with.data.Test.Set)
			require.NoError(t, err)
			require.Equal(t, x[:with.EmbeddingSize()], x[with.EmbeddingSize():2*with.EmbeddingSize()])
		})
	}
}

// A run with averages that was broken off goes on bit for bit; so does one that was finished.
func TestAveragedRunGoesOn(t *testing.T) {
	gputest.Prepare(t)
	path := pictures(t)
	for _, device := range []string{"cpu", "cuda"} {
		t.Run(device, func(t *testing.T) {
			cfg := averagedConfig(path)
			cfg.Device = device
			whole, r := run(t, cfg, Options{NoReport: true})
			broken := brokenOff(t, cfg, 5)
			_, again, err := resumed(t, load(t, cfg), Options{Dir: string(broken.dir)})
			require.NoError(t, err)
			require.Equal(t, r.After.MAPAtR, again.After.MAPAtR)
			sameRun(t, string(whole.dir), string(broken.dir))
		})
	}
}

// A Stepper embeds and saves the averages, which begin with what was loaded into Params.
func TestStepperAverages(t *testing.T) {
	s := smallStepper(t, func(c *StepperConfig) {
		c.Average, c.Solver = optim.AverageConfig{Decay: 0.5, Constant: true}, optim.Config{Name: "lion", LR: 0.01}
	})
	params, err := s.Params()
	require.NoError(t, err)
	weight := params.Lookup("embedding.fc.weight").Value.Float32s()
	weight[0] = 3
	x, err := s.Embed(context.Background(), s.Pictures())
	require.NoError(t, err)
	average := s.averaged.Lookup("embedding.fc.weight").Value.Float32s()
	require.Equal(t, float32(3), average[0])
	_, err = s.Step()
	require.NoError(t, err)
	require.Equal(t, 3+0.5*(weight[0]-3), average[0])
	y, err := s.Embed(context.Background(), s.Pictures())
	require.NoError(t, err)
	require.NotEqual(t, x, y)
	var file bytes.Buffer
	require.NoError(t, s.Save(&file, model.Info{}))
	saved, err := safetensors.Read(&file, int64(file.Len()))
	require.NoError(t, err)
	stored, _ := saved.Lookup("embedding.fc.weight")
	require.Equal(t, average, stored.F32)
}

func TestAverageOfNothingIsRefused(t *testing.T) {
	_, err := NewStepper(StepperConfig{Net: nets.Config{}, Batch: 4, Average: optim.AverageConfig{Decay: 1}})
	require.ErrorContains(t, err, "Average.Decay is 1, want a share from 0 to below 1")
	_, err = NewStepper(StepperConfig{Batch: 4, Solver: optim.Config{WeightDecay: 1, NoDecay: "bakbone."}})
	require.ErrorContains(t, err, `Solver.NoDecay has "bakbone.", which fits the name of no parameter`)
	_, err = NewStepper(StepperConfig{Batch: 4, ClipValue: -1})
	require.ErrorContains(t, err, "ClipValue is -1, want a positive size")
}

// drops is a schedule of one's own that looks at evaluations.
type drops struct {
	By float64
	N  int
}

func (d *drops) Factor(step int) float64 { return d.By / float64(1+d.N+step/10) }
func (d *drops) Evaluated(bool)          { d.N++ }

// A schedule of one's own stands in for that of the configuration, and goes on with its state.
func TestScheduleByValue(t *testing.T) {
	cfg := small(pictures(t))
	cfg.Steps = 24
	var rates []float64
	o := Options{NoReport: true, Schedule: &drops{By: 0.5}, Hooks: []Hook{{Step: func(_ context.Context, i StepInfo) error {
		rates = append(rates, i.LR)
		return nil
	}}}}
	whole, _ := run(t, cfg, o)
	require.InDelta(t, 0.01*0.5/2, rates[0], 1e-12, "the evaluation before the first step counts")
	require.InDelta(t, 0.01*0.5/(1+2+1), rates[10], 1e-12)

	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	o.Dir, o.Schedule = filepath.Join(t.TempDir(), "run"), &drops{By: 0.5}
	o.Hooks = []Hook{{Step: func(_ context.Context, i StepInfo) error {
		if i.Step == 13 {
			cancel()
		}
		return nil
	}}}
	tr := start(t, cfg, o)
	_, err := tr.Run(ctx)
	require.NoError(t, err)
	require.NoError(t, tr.Close())
	data := load(t, cfg)
	_, err = Resume(data, Options{Dir: o.Dir})
	require.ErrorContains(t, err, "begun with Options.Schedule = ")
	require.ErrorContains(t, err, "give it again")
	_, err = Resume(data, Options{Dir: o.Dir, Schedule: &drops{By: 0.25}})
	require.ErrorContains(t, err, "give the same again")
	_, _, err = resumed(t, data, Options{Dir: o.Dir, Schedule: &drops{By: 0.5}})
	require.NoError(t, err)
	sameRun(t, string(whole.dir), o.Dir)

	tr = start(t, cfg, Options{Schedule: optim.ScheduleFunc(func(step int) float64 { return float64(2 - step) })})
	_, err = tr.Run(context.Background())
	require.ErrorContains(t, err, "Options.Schedule gives -1 at step 3, want a number of at least 0")
}

package trainer

import (
	"bytes"
	"context"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"medusa/graph"
	"medusa/internal/gpu/gputest"
	"medusa/model"
	"medusa/nets"
	"medusa/optim"
)

func headedStepper(t *testing.T, device string, scales map[string]float64, c optim.Config) *Stepper {
	t.Helper()
	s, err := NewStepper(StepperConfig{
		Net:  nets.Config{Channels: []int{3, 4}, Embedding: 4, Height: side, Width: side, Dropout: 0.2},
		Loss: "ce+triplet", Solver: c, Batch: 8, Classes: 4, Seed: 2, Device: device, LRScales: scales,
	})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s
}

func stepped(t *testing.T, s *Stepper, steps int) {
	t.Helper()
	for step := range steps {
		fillBatch(s, step)
		_, err := s.Step()
		require.NoError(t, err)
	}
}

// What is frozen takes no step and no decay, has no state in the solver, and its running
// statistics stay; the rest learns at the rate of the longest prefix.
func TestFrozenPrefix(t *testing.T) {
	gputest.Prepare(t)
	for _, device := range []string{"cpu", "cuda"} {
		t.Run(device, func(t *testing.T) {
			decay := optim.Config{Name: "sgd", LR: 0.05, Momentum: 0.9, WeightDecay: 0.1, DecayAll: true}
			s := headedStepper(t, device, map[string]float64{"backbone.": 0, "backbone.conv2.": 0.5, "loss.": 2}, decay)
			before := s.copied(t)
			stepped(t, s, 3)
			for name, x := range s.copied(t) {
				frozen := strings.HasPrefix(name, nets.BackbonePrefix) && !strings.HasPrefix(name, "backbone.conv2.")
				if frozen {
					require.Equal(t, before[name], x, name)
				} else {
					require.NotEqual(t, before[name], x, name)
				}
			}
			for _, x := range s.solver.State() {
				require.NotContains(t, x.Name, "conv1")
			}
			rates := map[string]float64{}
			for i, learned := range s.train.learned {
				rates[learned.Name] = s.solver.LR(i)
			}
			require.Equal(t, map[string]float64{"backbone.conv2.weight": 0.5, "embedding.fc.weight": 1, "embedding.fc.bias": 1, "loss.classifier.weight": 200}, rates)
		})
	}
}

func TestRatesAreRefused(t *testing.T) {
	for want, scales := range map[string]map[string]float64{
		`LRScales has "backbon.", and no parameter's name begins so; names are such as backbone.conv1.weight`: {"backbon.": 0},
		`LRScales: graph: the learning rate of "loss." times -1, want a number of at least 0`:                 {"loss.": -1},
		`all are frozen`: {"": 0},
	} {
		_, err := NewStepper(StepperConfig{Net: nets.Config{Channels: []int{3}, Height: side, Width: side}, Batch: 8, Classes: 4, LRScales: scales})
		require.ErrorContains(t, err, want)
		cfg := small(pictures(t))
		_, err = New(cfg, load(t, cfg), Options{Dir: filepath.Join(t.TempDir(), "run"), LRScales: scales})
		require.ErrorContains(t, err, want)
	}
}

// A run goes on with the scales that it was begun with, and with no others.
func TestRatesAreResumed(t *testing.T) {
	cfg := memoryRun(t, "contrastive", "cpu")
	o := Options{NoReport: true, NoEmbeddings: true, LRScales: map[string]float64{"backbone.": 0}}
	whole := start(t, cfg, o)
	want := ended(t, whole)
	require.NotContains(t, want, "solver/backbone.conv1.weight/first")
	o.Dir = filepath.Join(t.TempDir(), "broken")
	breakOff(t, cfg, o, 8)
	o.LRScales = map[string]float64{"backbone.": 1}
	_, err := Resume(load(t, cfg), o)
	require.ErrorContains(t, err, "begun with the learning-rate scales map[backbone.:0], and is to go on with map[backbone.:1]")
	o.LRScales = nil
	tr, err := Resume(load(t, cfg), o)
	require.NoError(t, err)
	require.Equal(t, want, ended(t, tr))
}

// What a stepper is given through Params is what it learns from on, on the host and on a
// device; what it saves is what it embeds.
func TestStepperParams(t *testing.T) {
	gputest.Prepare(t)
	for _, device := range []string{"cpu", "cuda"} {
		t.Run(device, func(t *testing.T) {
			s, other := headedStepper(t, device, nil, optim.Config{Name: "sgd", LR: 0.1}), headedStepper(t, device, nil, optim.Config{Name: "sgd", LR: 0.1})
			stepped(t, s, 3)
			p, err := s.Params()
			require.NoError(t, err)
			into, err := other.Params()
			require.NoError(t, err)
			_, err = into.Restore(p.Tensors(), graph.Loading{})
			require.NoError(t, err)
			stepped(t, s, 2)
			stepped(t, other, 2)
			require.Equal(t, s.copied(t), other.copied(t))

			pictures := append([]float32(nil), s.Pictures()...)
			x, err := s.Embed(context.Background(), pictures[:3*side*side])
			require.NoError(t, err)
			require.Len(t, x, 3*s.EmbeddingSize())
			var b bytes.Buffer
			require.NoError(t, s.Save(&b, model.Info{Classes: 4}))
			path := filepath.Join(t.TempDir(), ModelFile)
			require.NoError(t, os.WriteFile(path, b.Bytes(), 0o644))
			m, err := model.Load(path, model.Options{})
			require.NoError(t, err)
			defer m.Close()
			require.Equal(t, 5, m.Info().Step)
			require.Equal(t, "ce+triplet", m.Info().Loss)
			y, err := m.EmbedPixels(context.Background(), pictures[:3*side*side])
			require.NoError(t, err)
			require.InDeltaSlice(t, x, y, 1e-5)

			stepped(t, s, 1)
			z, err := s.Embed(context.Background(), pictures[:3*side*side])
			require.NoError(t, err)
			require.NotEqual(t, x, z, "the weights of now")
			_, err = s.Embed(context.Background(), pictures[:5])
			require.ErrorContains(t, err, "no whole pictures")

			require.NoError(t, s.Begin())
			_, err = s.Params()
			require.ErrorContains(t, err, "call Finish first")
			_, err = s.Embed(context.Background(), nil)
			require.ErrorContains(t, err, "call Finish first")
			require.ErrorContains(t, s.Save(&b, model.Info{}), "call Finish first")
			_, err = s.Finish()
			require.NoError(t, err)
		})
	}
}

// A run begins with what was loaded into its parameters.
func TestTrainerParams(t *testing.T) {
	gputest.Prepare(t)
	for _, device := range []string{"cpu", "cuda"} {
		t.Run(device, func(t *testing.T) {
			cfg := memoryRun(t, "contrastive", device)
			cfg.Steps, cfg.Solver.LR = 1, 1e-30
			tr := start(t, cfg, Options{NoReport: true, NoEmbeddings: true})
			p, err := tr.Params()
			require.NoError(t, err)
			given := p.Lookup("backbone.conv1.weight").Value.Float32s()
			for i := range given {
				given[i] = float32(math.Cos(float64(i)))
			}
			want := append([]float32(nil), given...)
			end := ended(t, tr)
			require.Equal(t, want, end["backbone.conv1.weight"])
		})
	}
}

// What looks at the weights sees those that were written into Params last, also where it is averages
// of them that are measured.
func TestWrittenParamsAreMeasured(t *testing.T) {
	ctx := context.Background()
	for name, look := range map[string]func(*Trainer) any{
		"embed": func(tr *Trainer) any {
			x, err := tr.Embed(ctx, tr.data.Train.Set)
			require.NoError(t, err)
			return x
		},
		"evaluate": func(tr *Trainer) any {
			r, err := tr.Evaluate(ctx, tr.data.Train.Set)
			require.NoError(t, err)
			return r
		},
		"verify": func(tr *Trainer) any {
			v, err := tr.Verify(ctx, tr.data.Train.Set)
			require.NoError(t, err)
			return v
		},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := memoryRun(t, "contrastive", "cpu")
			cfg.Average.Decay = 0.9
			tr := start(t, cfg, Options{NoReport: true, NoEmbeddings: true})
			before := look(tr)
			p, err := tr.Params()
			require.NoError(t, err)
			for _, item := range p.Under("backbone.") {
				if !item.Buffer {
					clear(item.Value.Float32s())
				}
			}
			require.NotEqual(t, before, look(tr))
		})
	}
}

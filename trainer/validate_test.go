package trainer

import (
	"encoding/json"
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"medusa/datasets"
	"medusa/nets"
	"medusa/optim"
	"medusa/samplers"
)

func TestZeroConfigIsValid(t *testing.T) {
	require.NoError(t, Config{}.Validate())
	c := Config{}.Defaults()
	require.NoError(t, c.Validate(), "defaults filled in are no contradiction")
	require.Equal(t, c, c.Defaults())
	for _, solver := range optim.Kinds() {
		for _, s := range optim.ScheduleKinds() {
			c := Config{Solver: optim.Config{Name: solver.Name}, Schedule: optim.ScheduleConfig{Name: s.Name}, Epochs: 2}
			require.NoError(t, c.Validate())
			require.NoError(t, c.Defaults().Validate())
		}
	}
}

func TestEachFaultIsNamed(t *testing.T) {
	for want, c := range map[string]Config{
		"Steps is -1":                                   {Steps: -1},
		"give one of them":                              {Steps: 1, Epochs: 1},
		"Clip is -1":                                    {Clip: -1},
		"Clip is NaN":                                   {Clip: math.NaN()},
		"EvalEvery is -2":                               {EvalEvery: -2},
		"Patience is 3, but":                            {Patience: 3, EvalEvery: -1},
		`Metric is "accuracy"`:                          {Metric: "accuracy"},
		`Keep is "worst"`:                               {Keep: "worst"},
		`Device is "tpu", want cpu, cuda`:               {Device: "tpu"},
		`Device is "cuda1", want cpu, cuda`:             {Device: "cuda1"},
		"Net.Backbone is ":                              {Net: nets.Config{Backbone: "vgg"}},
		"Loss: no loss is named":                        {Loss: "triplets"},
		`Solver.Name is "lyon"`:                         {Solver: optim.Config{Name: "lyon"}},
		"Solver.Nesterov means nothing":                 {Solver: optim.Config{Nesterov: true}},
		"Solver.Beta1 means nothing to Solver.Name sgd": {Solver: optim.Config{Name: "sgd", Beta1: 0.9}},
		"needs a Solver.Momentum":                       {Solver: optim.Config{Name: "sgd", Nesterov: true}},
		"Solver.Beta2 is 1":                             {Solver: optim.Config{Beta2: 1}},
		"Average.Constant means nothing without Average.Decay": {Average: optim.AverageConfig{Constant: true}},
		"Average.Decay is 1":                                      {Average: optim.AverageConfig{Decay: 1}},
		"Solver.NoDecay needs a Solver.WeightDecay":               {Solver: optim.Config{NoDecay: "loss."}},
		"Solver.LR is -0.1":                                       {Solver: optim.Config{LR: -0.1}},
		"Solver.WeightDecay is -1":                                {Solver: optim.Config{WeightDecay: -1}},
		`Schedule.Name is "linear"`:                               {Schedule: optim.ScheduleConfig{Name: "linear"}},
		"Schedule.Every means nothing":                            {Schedule: optim.ScheduleConfig{Every: 3}},
		"Schedule.Gamma is 2":                                     {Schedule: optim.ScheduleConfig{Name: "step", Gamma: 2}},
		"Schedule.Floor is 1":                                     {Schedule: optim.ScheduleConfig{Name: "cosine", Floor: 1}},
		`Sampler.Name is "pairs"`:                                 {Sampler: samplers.Config{Name: "pairs"}},
		"Sampler.P is -1":                                         {Sampler: samplers.Config{P: -1}},
		"Data.Val is 1.5, want a fraction":                        {Data: DataConfig{Val: "1.5"}},
		"Data.Normalise is given, but not Data.Mean and Data.Std": {Data: DataConfig{Normalise: "given"}},
		"Data.Normalise is auto, want given":                      {Data: DataConfig{Mean: []float32{1}}},
		`Data.Resize is "stretch"`:                                {Data: DataConfig{Resize: "stretch"}},
		"Data.Channels is 2":                                      {Data: DataConfig{Channels: 2}},
		"Data.Augment.FlipH is 2":                                 {Data: DataConfig{Augment: datasets.Augment{FlipH: 2}}},
	} {
		t.Run(want, func(t *testing.T) {
			err := c.Validate()
			require.ErrorContains(t, err, want)
			require.Contains(t, err.Error(), "has 1 fault:", "one cause, one fault")
		})
	}
}

func TestAllFaultsAreInOneError(t *testing.T) {
	err := Config{Clip: -1, Metric: "x", Solver: optim.Config{Name: "lyon"}, Loss: "no"}.Validate()
	require.ErrorContains(t, err, "has 4 faults:")
	require.Equal(t, 4, strings.Count(err.Error(), "\n  "))
}

func TestConfigSurvivesYAMLAndJSON(t *testing.T) {
	for _, c := range []Config{{}, Config{}.Defaults(), small("somewhere"), small("somewhere").Defaults(),
		{Data: DataConfig{Mean: []float32{0.1, 0.2, 0.3}, Std: []float32{1, 2, 3}}, Seed: math.MaxUint64}} {
		b, err := yaml.Marshal(c)
		require.NoError(t, err)
		var again Config
		require.NoError(t, yaml.Unmarshal(b, &again))
		require.Equal(t, c, again, string(b))
		b, err = json.Marshal(c)
		require.NoError(t, err)
		again = Config{}
		require.NoError(t, json.Unmarshal(b, &again))
		require.Equal(t, c, again, string(b))
	}
}

func TestDevices(t *testing.T) {
	for _, name := range []string{"", "cpu", "auto", "cuda", "cuda:7"} {
		require.NoError(t, Config{Device: name}.Validate(), name)
	}
}

func TestConfigThatDoesNotSuitTheData(t *testing.T) {
	cfg := small(pictures(t))
	data := load(t, cfg)
	require.NoError(t, suits(cfg, data))
	cfg.Patience, cfg.Data.Augment.RandomCrop = 3, side
	data.Val = nil
	err := suits(cfg, data)
	for _, want := range []string{"3 faults", "Patience is 3, but there are no validation classes", "Schedule.Name is plateau", "Data.Augment.RandomCrop is 8"} {
		require.ErrorContains(t, err, want)
	}
	_, err = New(cfg, data, Options{Dir: t.TempDir()})
	require.ErrorContains(t, err, "3 faults")
}

// suits asks it as New does.
func suits(c Config, data Data) error {
	c.Net.Height, c.Net.Width = side, side
	return c.Defaults().checkData(data.items())
}

func TestSizesThatNoMemoryHolds(t *testing.T) {
	err := Config{EvalBatch: 1e8, Net: nets.Config{Embedding: 1e8}}.Validate()
	require.ErrorContains(t, err, "EvalBatch is 100000000, want 1 … 65536")
	require.ErrorContains(t, err, "Net.Embedding is 100000000, want at most 65536")
}

package trainer

import (
	"context"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"gorgonia.org/tensor"

	"medusa/graph"
	"medusa/internal/device/gpu/gputest"
	"medusa/losses"
	"medusa/miners"
	"medusa/model"
	"medusa/nets"
	"medusa/optim"
	"medusa/pairs"
	"medusa/samplers"
)

// ownDistance, ownMiner and ownLoss are of no registry.
type ownDistance struct{ Scale float64 }

func (m ownDistance) Between(x, y graph.Expr) graph.Expr {
	return graph.DistancesBetween(graph.Normalize(x), graph.Normalize(y)).Scale(m.Scale)
}
func (ownDistance) Similarity() bool { return false }

type ownMiner struct{}

func (ownMiner) Mine(b pairs.Batch) pairs.Selection { return miners.BatchHard{}.Mine(b) }

type ownLoss struct {
	Gamma    float64
	Distance pairs.Metric
	Miner    miners.Miner
}

func (l ownLoss) Loss(b pairs.Batch) graph.Expr {
	c := miners.Choose(l.Miner, b, l.Distance).Compare(l.Distance)
	return pairs.Terms{c.Term("pos", c.Pos, c.D), c.Term("neg", c.Neg, c.D.Hinge(-1, 1))}.Reduce(pairs.Mean{}).Scale(l.Gamma)
}

// proxyLoss needs to know the classes and the size of an embedding.
type proxyLoss struct {
	Scale float64

	setting losses.Setting
	params  *graph.Params
}

func (l *proxyLoss) Set(s losses.Setting) error {
	l.setting, l.params = s, graph.NewParams(s.Seed)
	return nil
}
func (l *proxyLoss) Params() *graph.Params { return l.params }
func (l *proxyLoss) Loss(b pairs.Batch) graph.Expr {
	n, err := b.X.Node()
	if err != nil {
		return graph.Fail(err)
	}
	proxies := l.params.Weight(n.Graph(), "proxies", tensor.Float32, small01, l.setting.Classes, l.setting.EmbeddingSize)
	of := pairs.Batch{X: b.X, Labels: b.Labels, Ref: proxies, RefLabels: classNumbers(b.X, l.setting.Classes)}
	c := of.Compare(pairs.LP{})
	return pairs.Terms{c.Term("pos", c.Pos, c.D)}.Reduce(pairs.Mean{}).Scale(l.Scale)
}

func classNumbers(like graph.Expr, n int) graph.Expr {
	return like.Detach().Constant(0, n) // all proxies are of class 0: enough to learn from
}

func ownBackbone(cfg nets.Config, p *graph.Params, x graph.Expr, mode nets.Mode) (graph.Expr, error) {
	l := nets.NewLayers(cfg, p, mode)
	return l.Linear("fc1", x.Reshape(x.Shape()[0], x.Shape()[1]*x.Shape()[2]*x.Shape()[3]), 12).Relu(), nil
}

// ownSampler is one of the house's under another name.
type ownSampler struct{ samplers.Sampler }

func newOwnSampler(t testing.TB, d Data) samplers.Sampler {
	s, err := samplers.New(d.Train.Labels(), samplers.Config{P: 4, K: 3, Seed: 9})
	require.NoError(t, err)
	return &ownSampler{s}
}

func ownRate(step int, parameter string) float64 {
	if step <= 20 && strings.HasPrefix(parameter, nets.BackbonePrefix) {
		return 0
	}
	return 0.5
}

func otherRate(int, string) float64 { return 1 }

func ownOptions(t testing.TB, d Data) Options {
	return Options{
		Dir: filepath.Join(t.TempDir(), "run"), Backbone: ownBackbone, Sampler: newOwnSampler(t, d), Rate: ownRate,
		Loss: ownLoss{Gamma: 2, Distance: ownDistance{Scale: 1.5}, Miner: ownMiner{}},
	}
}

const (
	ownLossText = `trainer.ownLoss{Gamma: 2, Distance: trainer.ownDistance{Scale: 1.5}, Miner: trainer.ownMiner{}}`
	ownNetText  = `medusa/trainer.ownBackbone`
)

func ownConfig(t testing.TB) Config {
	cfg := small(pictures(t))
	cfg.Net = nets.Config{Embedding: 8}
	return cfg
}

// A run by value goes on bit for bit, and says what it was given.
func TestRunByValue(t *testing.T) {
	cfg := ownConfig(t)
	d := load(t, cfg)
	o := ownOptions(t, d)
	whole, err := New(cfg, d, o)
	require.NoError(t, err)
	defer whole.Close()
	r, err := whole.Run(context.Background())
	require.NoError(t, err)

	half := ownOptions(t, d)
	ctx, cancel := context.WithCancel(context.Background())
	half.Hooks = []Hook{{Step: func(_ context.Context, i StepInfo) error {
		if i.Step == 23 {
			cancel()
		}
		return nil
	}}}
	tr, err := New(cfg, d, half)
	require.NoError(t, err)
	_, err = tr.Run(ctx)
	require.NoError(t, err)
	require.NoError(t, tr.Close())
	on := ownOptions(t, d)
	on.Dir = half.Dir
	tr, err = Resume(d, on)
	require.NoError(t, err)
	defer tr.Close()
	again, err := tr.Run(context.Background())
	require.NoError(t, err)
	sameRun(t, o.Dir, on.Dir)

	given := map[string]string{"Loss": ownLossText, "Backbone": ownNetText, "Sampler": "&trainer.ownSampler{Sampler: &samplers.PK{}}", "Rate": "medusa/trainer.ownRate"}
	require.Equal(t, given, r.Given)
	require.Equal(t, given, again.Given)
	stored, err := readResult(whole.dir)
	require.NoError(t, err)
	require.Equal(t, given, stored.Given)
	page, err := os.ReadFile(r.Report)
	require.NoError(t, err)
	require.Contains(t, string(page), "trainer.ownLoss{Gamma: 2, ")
	config, err := os.ReadFile(whole.dir.Path(ConfigFile))
	require.NoError(t, err)
	require.Contains(t, string(config), "Options.Loss = "+ownLossText)

	_, err = model.Load(r.Model, model.Options{})
	require.ErrorContains(t, err, "was begun with Options.Backbone = "+ownNetText+": give that backbone again, as Options.Backbone")
	m, err := model.Load(r.Model, model.Options{Backbone: ownBackbone})
	require.NoError(t, err)
	defer m.Close()
	x, err := m.Embed(context.Background(), d.Test)
	require.NoError(t, err)
	want, err := whole.Embed(context.Background(), d.Test)
	require.NoError(t, err)
	require.Equal(t, want, x)
	require.Equal(t, "Options.Loss = "+ownLossText, m.Info().Loss)
}

// Who goes on must give the same again.
func TestResumeByValueIsRefused(t *testing.T) {
	cfg := ownConfig(t)
	cfg.Steps = 2
	d := load(t, cfg)
	o := ownOptions(t, d)
	o.NoReport = true
	tr, err := New(cfg, d, o)
	require.NoError(t, err)
	_, err = tr.Run(context.Background())
	require.NoError(t, err)
	require.NoError(t, tr.Close())
	for want, change := range map[string]func(*Options){
		"begun with Options.Loss = " + ownLossText + ", which no file can hold: give it again":         func(o *Options) { o.Loss = nil },
		"begun with Options.Backbone = " + ownNetText + ", which no file can hold: give it again":      func(o *Options) { o.Backbone = nil },
		"begun with Options.Sampler = &trainer.ownSampler{":                                            func(o *Options) { o.Sampler = nil },
		"begun with Options.Rate = medusa/trainer.ownRate, which no file can hold: give it again":      func(o *Options) { o.Rate = nil },
		"and is to go on with Options.Loss = trainer.ownLoss{Gamma: 64, Distance: trainer.ownDistance": func(o *Options) { o.Loss = ownLoss{64, ownDistance{1.5}, ownMiner{}} },
		"Distance: trainer.ownDistance{Scale: 2}, Miner: trainer.ownMiner{}}: give the same again":     func(o *Options) { o.Loss = ownLoss{2, ownDistance{2}, ownMiner{}} },
		"and is to go on with Options.Loss, which is triplet: give the same again":                     func(o *Options) { o.Loss = losses.Default[losses.Triplet]() },
		"and is to go on with Options.Rate = medusa/trainer.otherRate: give the same again":            func(o *Options) { o.Rate = otherRate },
	} {
		again := ownOptions(t, d)
		again.Dir = o.Dir
		change(&again)
		_, err := Resume(d, again)
		require.ErrorContains(t, err, want)
	}
	stored, err := Stored(o.Dir)
	require.NoError(t, err)
	require.ErrorContains(t, stored.Validate(), "Options.Loss = "+ownLossText+", which no file can give: only the program that has it")
	_, err = New(stored, d, Options{Dir: filepath.Join(t.TempDir(), "run")})
	require.ErrorContains(t, err, "which no file can give")

	named := small(cfg.Data.Path)
	named.Steps = 2
	byName, _ := run(t, named, Options{NoReport: true})
	require.NoError(t, byName.Close())
	for want, with := range map[string]Options{
		"begun with the loss ce:scale=8+triplet, and is to go on with Options.Loss = trainer.ownLoss{": {Loss: ownLoss{Distance: pairs.LP{}}},
		"begun with the default backbone, and is to go on with Options.Backbone = ":                    {Backbone: ownBackbone},
		"begun with no Options.Rate, and is to go on with Options.Rate = medusa/trainer.ownRate":       {Rate: ownRate},
	} {
		with.Dir = string(byName.dir)
		_, err := Resume(d, with)
		require.ErrorContains(t, err, want)
	}
}

// A loss of a registered kind is the one that its text names, and its run goes on by name.
func TestNamedLossByValue(t *testing.T) {
	cfg := small(pictures(t))
	named, _ := run(t, cfg, Options{NoReport: true})
	loss, err := losses.Parse(cfg.Loss, losses.Setting{Classes: 2, EmbeddingSize: 2})
	require.NoError(t, err)
	cfg.Loss = "contrastive"
	given, r := run(t, cfg, Options{NoReport: true, Loss: loss})
	require.Empty(t, r.Given)
	require.Equal(t, journalOf(t, string(named.dir)), journalOf(t, string(given.dir)))
	require.NoError(t, given.Close())
	for _, o := range []Options{{}, {Loss: loss}} {
		o.Dir = string(given.dir)
		_, _, err := resumed(t, load(t, cfg), o)
		require.NoError(t, err)
	}
	require.NoError(t, named.Close())
	_, _, err = resumed(t, load(t, cfg), Options{Dir: string(named.dir), Loss: loss})
	require.NoError(t, err, "another text of the same loss")
}

// A loss that asks for it is told the classes and the size of an embedding, and may be given to
// a run that goes on as it is after the first one.
func TestSettableLossByValue(t *testing.T) {
	cfg := small(pictures(t))
	cfg.Steps = 5
	loss := &proxyLoss{Scale: 3}
	tr, r := run(t, cfg, Options{NoReport: true, Loss: loss})
	require.Equal(t, losses.Setting{Classes: tr.data.Train.NumClasses(), EmbeddingSize: 8, TrunkSize: loss.setting.TrunkSize, Seed: 7, ClassNames: tr.data.Train.Classes()}, loss.setting)
	require.Positive(t, loss.setting.TrunkSize)
	require.NotNil(t, tr.params.Lookup("loss.proxies"))
	require.Equal(t, map[string]string{"Loss": "&trainer.proxyLoss{Scale: 3}"}, r.Given)
	require.NoError(t, tr.Close())
	_, _, err := resumed(t, load(t, cfg), Options{Dir: r.Dir, Loss: loss})
	require.NoError(t, err)
}

func TestBadValuesAreRefused(t *testing.T) {
	cfg := small(pictures(t))
	d := load(t, cfg)
	for want, o := range map[string]Options{
		"Options.Loss":                  {Loss: (*losses.CrossEntropy)(nil)},
		"the loss is a nil losses.Func": {Loss: losses.Func(nil)},
		"makes batches of 0":            {Sampler: emptySampler{}},
		"gives neither an expre":        {Loss: losses.Func(func(pairs.Batch) graph.Expr { return graph.Expr{} })},
	} {
		o.Dir = filepath.Join(t.TempDir(), "run")
		_, err := New(cfg, d, o)
		require.ErrorContains(t, err, want)
		require.NoDirExists(t, o.Dir)
	}
}

type emptySampler struct{ samplers.Sampler }

func (emptySampler) Batch() int           { return 0 }
func (emptySampler) BatchesPerEpoch() int { return 1 }

// A constant rate is the learning rate times as much; a rate of 0 moves nothing, and does not
// look like a tensor that no step reaches.
func TestRate(t *testing.T) {
	gputest.Prepare(t)
	for _, device := range []string{"cpu", "cuda"} {
		for _, solver := range []optim.Config{{Name: "sgd", LR: 0.05, Momentum: 0.9, WeightDecay: 0.1, DecayAll: true}, {Name: "adamw", LR: 0.01, WeightDecay: 0.1, DecayAll: true}, {Name: "rmsprop", LR: 0.01, WeightDecay: 0.1}} {
			t.Run(device+" "+solver.Name, func(t *testing.T) {
				stepper := func(rate func(int, string) float64, scales map[string]float64) *Stepper {
					s, err := NewStepper(StepperConfig{Net: nets.Config{Channels: []int{3, 4}, Embedding: 4, Height: side, Width: side},
						Loss: "ce+triplet", Solver: solver, Batch: 8, Classes: 4, Seed: 2, Device: device, Rate: rate, LRScales: scales})
					require.NoError(t, err)
					t.Cleanup(func() { require.NoError(t, s.Close()) })
					return s
				}
				half := stepper(nil, map[string]float64{"": 0.5})
				byRate := stepper(func(int, string) float64 { return 0.5 }, nil)
				stepped(t, half, 3)
				stepped(t, byRate, 3)
				require.Equal(t, half.copied(t), byRate.copied(t))

				frozen := func(step int, name string) bool { return step != 2 && strings.HasPrefix(name, "backbone.conv1.") }
				var steps []int
				s := stepper(func(step int, name string) float64 {
					if name == "embedding.fc.bias" {
						steps = append(steps, step)
					}
					if frozen(step, name) {
						return 0
					}
					return 2
				}, nil)
				for step := 1; step <= 3; step++ {
					before := s.copied(t)
					fillBatch(s, step)
					_, err := s.Step()
					require.NoError(t, err)
					for name, x := range s.copied(t) {
						if item := s.params.Lookup(name); item.Buffer {
							continue
						}
						if frozen(step, name) {
							require.Equal(t, before[name], x, "%s at step %d", name, step)
						} else {
							require.NotEqual(t, before[name], x, "%s at step %d", name, step)
						}
					}
				}
				require.Equal(t, []int{1, 2, 3}, steps)
			})
		}
	}
	cfg := small(pictures(t))
	cfg.Steps = 3
	_, r := run(t, cfg, Options{NoReport: true, Rate: ownRate})
	for _, w := range r.Warnings {
		require.NotEqual(t, KindUnused, w.Kind, w.Message)
	}
	for _, bad := range []float64{-1, math.NaN(), math.Inf(1)} {
		tr := start(t, cfg, Options{NoReport: true, Rate: func(step int, _ string) float64 {
			if step == 2 {
				return bad
			}
			return 1
		}})
		r, err := tr.Run(context.Background())
		require.ErrorContains(t, err, "for backbone.conv1.weight at step 2, want a number of at least 0")
		require.Equal(t, 1, r.Steps)
	}
}

// A Stepper takes the same values.
func TestStepperByValue(t *testing.T) {
	s, err := NewStepper(StepperConfig{Net: nets.Config{Embedding: 4, Height: side, Width: side}, Batch: 8, Classes: 4, Seed: 2,
		LossValue: ownLoss{Gamma: 1, Distance: pairs.LP{}}, Backbone: ownBackbone})
	require.NoError(t, err)
	defer s.Close()
	require.NotNil(t, s.params.Lookup("backbone.fc1.weight"))
	fillBatch(s, 0)
	first, err := s.Step()
	require.NoError(t, err)
	for range 20 {
		_, err = s.Step()
		require.NoError(t, err)
	}
	last, err := s.Step()
	require.NoError(t, err)
	require.Less(t, last, first)
	require.Equal(t, "Options.Loss = trainer.ownLoss{Gamma: 1, Distance: pairs.LP{}}", s.lossText)
}

// small01 are initial weights of deviation 0.1.
func small01(rng *rand.Rand, _ tensor.Shape, dst []float64) {
	for i := range dst {
		dst[i] = 0.1 * rng.NormFloat64()
	}
}

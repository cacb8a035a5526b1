package trainer

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"medusa/datasets"
	"medusa/internal/gpu/gputest"
	"medusa/nets"
)

// frozenNets are networks of several kinds of layers, whose backbone has states that change in training unless frozen.
func frozenNets() map[string]nets.Config {
	return map[string]nets.Config{
		"cnn":         {Channels: []int{3, 4}, Embedding: 4, Dropout: 0.2},
		"resnet":      {Backbone: "resnet18", Channels: []int{3, 4}, Embedding: 4},
		"mlp":         {Backbone: "mlp", Hidden: []int{6}, Norm: "batch", Embedding: 4},
		"transformer": nets.Config{Embedding: 4}.With(nets.ViT{Patch: 4, Width: 6, Depth: 1, Heads: 2}.Build),
	}
}

// A run whose backbone stays frozen has the same bits, in weights, optimizer and log, whether steps run the backbone or see
// its features, made once.
func TestFeaturesOfAFrozenBackbone(t *testing.T) {
	gputest.Prepare(t)
	for name, net := range frozenNets() {
		for _, device := range []string{"cpu", "cuda"} {
			for _, parts := range []int{1, 2} {
				if device == "cuda" && (parts > 1 || name != "cnn") {
					continue
				}
				t.Run(name+" "+device, func(t *testing.T) {
					cfg := memoryRun(t, "ce:scale=8 + triplet", device)
					cfg.Net, cfg.Steps, cfg.Accumulate, cfg.FineTune = net, 14, parts, FineTune{Freeze: "all"}
					o := Options{NoReport: true, NoEmbeddings: true}
					if name == "transformer" {
						o.Backbone = nets.ViT{Patch: 4, Width: 6, Depth: 1, Heads: 2}.Build
					}
					var told []string
					once := o
					once.Notice = func(s string) { told = append(told, s) }
					short := start(t, cfg, once)
					require.Positive(t, short.features, "the fast path is taken")
					require.Len(t, short.train.x, short.Batch()*short.features)
					got := ended(t, short)
					require.Regexp(t, `the backbone is frozen: its \d+ features of each of \d+ pictures were made once, in .* s, and steps see these`, strings.Join(told, "\n"))
					require.Nil(t, short.trunk, "its memory is given back")

					o.everyStep = true
					long := start(t, cfg, o)
					require.Zero(t, long.features)
					require.Equal(t, ended(t, long), got)
					require.Equal(t, journalOf(t, string(long.dir)), journalOf(t, string(short.dir)))
					require.Equal(t, fileOf(t, long.dir.Path(ModelFile)), fileOf(t, short.dir.Path(ModelFile)))
				})
			}
		}
	}
}

// Until the backbone thaws steps see features, and pictures from then on; wherever such a run is broken off it becomes the
// unbroken one, which is that without features.
func TestFeaturesUntilAThaw(t *testing.T) {
	gputest.Prepare(t)
	for _, device := range []string{"cpu", "cuda"} {
		for _, sampler := range []string{"pk", "pk-hard"} {
			if device == "cuda" && sampler != "pk" {
				continue
			}
			cfg := tunedRun(t, device)
			cfg.Sampler.Name = sampler
			o := Options{NoReport: true, NoEmbeddings: true}
			tr := start(t, cfg, o)
			require.Positive(t, tr.features)
			want := ended(t, tr)
			require.Zero(t, tr.features, "it ends with pictures")
			every := o
			every.everyStep = true
			require.Equal(t, ended(t, start(t, cfg, every)), want, sampler)
			for _, step := range []int{4, 11} {
				o.Dir = filepath.Join(t.TempDir(), "broken")
				breakOff(t, cfg, o, step)
				tr, err := Resume(load(t, cfg), o)
				require.NoError(t, err)
				require.Equal(t, want, ended(t, tr), "broken off at step %d", step)
				require.NoError(t, tr.Close())
			}
		}
	}
}

// Features are not made where they would be others in each step, or where no step would be spared.
func TestFeaturesAreNotMade(t *testing.T) {
	for name, change := range map[string]func(*Config){
		"nothing is frozen":      func(c *Config) { c.FineTune = FineTune{LayerDecay: 0.5} },
		"a part is frozen":       func(c *Config) { c.FineTune.Freeze = "conv1" },
		"statistics learn":       func(c *Config) { c.FineTune = FineTune{Freeze: "conv1.weight,conv2.weight,bn1.weight,bn2.weight"} },
		"pictures are augmented": func(c *Config) { c.Data.Augment = datasets.Augment{FlipH: 0.5} },
		"dropout in the backbone": func(c *Config) {
			c.Net = nets.Config{Backbone: "mlp", Hidden: []int{6, 5}, Dropout: 0.3, Embedding: 4}
		},
		"a run shorter than an epoch": func(c *Config) { c.Steps = 2 },
		"no memory for them":          func(c *Config) { c.Data.CacheBytes = 100 },
	} {
		t.Run(name, func(t *testing.T) {
			cfg := tunedRun(t, "cpu")
			cfg.Steps, cfg.FineTune = 14, FineTune{Freeze: "all"}
			change(&cfg)
			require.Zero(t, start(t, cfg, Options{}).features)
		})
	}
}

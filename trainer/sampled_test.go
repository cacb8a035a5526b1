package trainer

import (
	"context"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"medusa/internal/runfolder"
	"medusa/nets"
	"medusa/samplers"
)

// things writes grey pictures of 4 kinds of 4 classes of 3, in folders in folders, and a table of them
// with the kinds as categories.
func things(t *testing.T) (dir, table string) {
	t.Helper()
	dir = t.TempDir()
	rng := rand.New(rand.NewPCG(1, 1))
	rows := "path,label,category\n"
	for class := range 16 {
		kind := fmt.Sprintf("kind%d", class/4)
		folder := filepath.Join(kind, fmt.Sprintf("class%d", class))
		require.NoError(t, os.MkdirAll(filepath.Join(dir, folder), 0o777))
		for n := range 3 {
			m := image.NewGray(image.Rect(0, 0, 8, 8))
			for i := range m.Pix {
				m.SetGray(i%8, i/8, color.Gray{Y: uint8(16*class + rng.IntN(16))})
			}
			name := filepath.Join(folder, fmt.Sprintf("%d.png", n))
			f, err := os.Create(filepath.Join(dir, name))
			require.NoError(t, err)
			require.NoError(t, png.Encode(f, m))
			require.NoError(t, f.Close())
			rows += fmt.Sprintf("%s,%d,%s\n", filepath.ToSlash(name), class, kind)
		}
	}
	table = filepath.Join(dir, "things.csv")
	require.NoError(t, os.WriteFile(table, []byte(rows), 0o666))
	return dir, table
}

// Samplers by name know names, categories and miners: runs of theirs begin, and one that is broken off
// becomes the unbroken one, to the bit.
func TestSamplersByName(t *testing.T) {
	dir, table := things(t)
	triplets := filepath.Join(t.TempDir(), "triplets.csv")
	require.NoError(t, os.WriteFile(triplets, []byte("anchor,positive,negative\nkind0/class0/0.png,kind0/class0/1.png,kind3/class12/2.png\n"+
		"kind0/class1/0.png,kind0/class1/2.png,kind2/class9/2.png\nkind1/class5/0.png,kind1/class5/2.png,kind1/class6/2.png\n"), 0o666))
	for name, c := range map[string]struct {
		data, loss string
		sampler    samplers.Config
		batch      int
	}{
		"hierarchical, by folders":    {dir, "", samplers.Config{Name: "hierarchical"}, 2 * 4 * 3},
		"hierarchical, by categories": {table, "", samplers.Config{Name: "hierarchical", Supers: 2, P: 4, K: 2, SuperBatches: 1}, 8},
		"fixed-triplets of a file":    {dir, "triplet(miner=packaged)", samplers.Config{Name: "fixed-triplets", Triplets: triplets, Batch: 6}, 6},
		"tuples-to-weights":           {dir, "", samplers.Config{Name: "tuples-to-weights", Batch: 12, Miner: "distance-weighted", Pool: 20}, 12},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := Config{
				Data: DataConfig{Path: c.data, Val: "none"}, Net: nets.Config{Backbone: "mlp", Hidden: []int{8}, Embedding: 4},
				Loss: c.loss, Sampler: c.sampler, Steps: 14, EvalEvery: -1, CheckpointEvery: -1, Threads: 1, Seed: 5,
			}
			o := Options{NoReport: true, NoEmbeddings: true}
			whole, _ := run(t, cfg, o)
			require.Equal(t, c.batch, whole.Sampler().Batch())
			o.Dir = filepath.Join(t.TempDir(), "broken")
			breakOff(t, cfg, o, 9)
			on, err := Resume(load(t, cfg), Options{Dir: o.Dir, NoReport: true, NoEmbeddings: true})
			require.NoError(t, err)
			defer on.Close()
			_, err = on.Run(context.Background())
			require.NoError(t, err)
			require.Equal(t, checkpointed(t, string(whole.dir)), checkpointed(t, o.Dir))
		})
	}
}

// checkpointed are the tensors of a run's last checkpoint.
func checkpointed(t *testing.T, dir string) map[string][]float32 {
	t.Helper()
	c, err := readCheckpoint(runfolder.Folder(dir).Path(LastFile))
	require.NoError(t, err)
	require.NotEmpty(t, c.tensors)
	out := map[string][]float32{}
	for _, x := range c.tensors {
		out[x.Name] = x.F32
	}
	return out
}

// What the data cannot give a sampler is said before there is a run, in the words of the configuration.
func TestSamplersThatDataDoNotSuit(t *testing.T) {
	dir, table := things(t)
	for want, c := range map[string]struct {
		data, loss string
		sampler    samplers.Config
	}{
		`names of classes by "/" between`:                                      {table, "", samplers.Config{Name: "hierarchical", SuperBy: "/"}},
		"Sampler.SuperBy is category, but no category of any picture is known": {dir, "", samplers.Config{Name: "hierarchical", SuperBy: "category"}},
		"Sampler.P is 5 classes in a batch, and Sampler.Supers 2":              {dir, "", samplers.Config{Name: "hierarchical", P: 5}},
		"Sampler.Supers: nothing of this means anything to Sampler.Name pk":    {dir, "", samplers.Config{Supers: 2}},
		"Sampler.Triplets: stat nowhere.csv":                                   {dir, "", samplers.Config{Name: "fixed-triplets", Triplets: "nowhere.csv"}},
		`Sampler.Miner: no miner is named "none-such"`:                         {dir, "", samplers.Config{Name: "tuples-to-weights", Miner: "none-such"}},
		"Sampler.Miner: packaged: ":                                            {dir, "", samplers.Config{Name: "tuples-to-weights", Miner: "packaged"}},
		"Loss takes 3 views of each picture, which stand in a row in the batch: want Sampler.Name: views and Sampler.K: 3": {dir, "self-supervised(views=3)", samplers.Config{}},
		"want Sampler.Name: views and Sampler.K: 2": {dir, "matryoshka(of=self-supervised, sizes=[2])", samplers.Config{Name: "views", K: 3}},
	} {
		cfg := Config{Data: DataConfig{Path: c.data, Val: "none"}, Net: nets.Config{Backbone: "mlp", Hidden: []int{8}, Embedding: 4}, Loss: c.loss, Sampler: c.sampler, Steps: 2}
		out := filepath.Join(t.TempDir(), "run")
		_, err := New(cfg, load(t, cfg), Options{Dir: out})
		assert.ErrorContains(t, err, want)
		assert.NoDirExists(t, out)
	}
}

// Super-classes that are too small are told, as are views that nothing tells apart.
func TestSamplersTell(t *testing.T) {
	dir, _ := things(t)
	require.NoError(t, os.RemoveAll(filepath.Join(dir, "kind3", "class13")))
	require.NoError(t, os.RemoveAll(filepath.Join(dir, "kind3", "class14")))
	for want, c := range map[string]Config{
		"1 super-class with fewer than 4 classes of 3 pictures left out: kind3": {Sampler: samplers.Config{Name: "hierarchical", P: 8, K: 3}},
		"the views of a picture are all the same":                               {Sampler: samplers.Config{Name: "views"}, Loss: "self-supervised"},
	} {
		c.Data, c.Net, c.Steps = DataConfig{Path: dir, Val: "none"}, nets.Config{Backbone: "mlp", Hidden: []int{8}, Embedding: 4}, 2
		var told []string
		start(t, c, Options{Notice: func(m string) { told = append(told, m) }})
		assert.Contains(t, strings.Join(told, "\n"), want)
	}
}

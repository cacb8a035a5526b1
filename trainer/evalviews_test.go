package trainer

import (
	"context"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"medusa/datasets"
	"medusa/internal/gpu/gputest"
)

// Views that are none are refused, and sets that cannot be seen in any are before the run, the training
// pictures too.
func TestViewsSuitTheData(t *testing.T) {
	cfg := small(pictures(t))
	cfg.Data.Augment = datasets.Augment{} // which only training pictures of files obey
	cfg.EvalViews = "plain,mirror"
	require.ErrorContains(t, cfg.Validate(), `EvalViews: "mirror" is no change of a view`)
	cfg.EvalViews = "plain|turned"
	require.NoError(t, cfg.Validate())
	data, err := Load(cfg.Data, cfg.Seed, LoadOptions{})
	require.NoError(t, err)
	defer data.Close()
	begin := func(data Data) error {
		tr, err := New(cfg, data, Options{Dir: filepath.Join(t.TempDir(), "run")})
		if err == nil {
			require.NoError(t, tr.Close())
		}
		return err
	}
	require.NoError(t, begin(data))
	for name, set := range map[string]func(*Data){
		"training":   func(d *Data) { d.Train = ownPictures{d.Train} },
		"validation": func(d *Data) { d.Val = ownPictures{d.Val} },
		"test":       func(d *Data) { d.Test = ownPictures{d.Test} },
	} {
		own := data
		set(&own)
		require.ErrorContains(t, begin(own), "EvalViews is plain|turned, but only pictures in a Dataset can be seen in several ways, not these items; without EvalViews each is embedded as it is", name)
	}
	cfg.Data.Detail = 2 // which these pictures were not opened with
	require.ErrorContains(t, begin(data), "kept 2 times as large, and these are kept 1 times as large: open them with Detail 2")
}

// A device embeds the views that the CPU embeds.
func TestViewsOnDevice(t *testing.T) {
	gputest.Prepare(t)
	cfg := small(pictures(t))
	cfg.EvalViews = "plain,rotate=8+scale=1.1|turned"
	data, err := Load(cfg.Data, cfg.Seed, LoadOptions{})
	require.NoError(t, err)
	defer data.Close()
	var x [2][]float32
	for i, device := range []string{"cpu", "cuda"} {
		tr, err := New(cfg, data, Options{Dir: filepath.Join(t.TempDir(), "run"), Device: device})
		require.NoError(t, err)
		defer func() { require.NoError(t, tr.Close()) }()
		require.Equal(t, 4*8, tr.EmbeddingSize())
		x[i], err = tr.Embed(context.Background(), data.Val)
		require.NoError(t, err)
		require.Len(t, x[i], 32*data.Val.Len())
	}
	require.InDeltaSlice(t, x[0], x[1], 1e-5) // of float32 numbers up to 1
}

// ownPictures is a Set of one's own.
type ownPictures struct{ datasets.Set }

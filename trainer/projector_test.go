package trainer

import (
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"medusa/datasets"
)

func TestExportProjector(t *testing.T) {
	cfg := small(pictures(t))
	cfg.Steps = 2
	tr, _ := run(t, cfg, Options{})
	dir, out := string(tr.dir), filepath.Join(t.TempDir(), "a", "map")
	data := load(t, cfg)
	require.NoError(t, ExportProjector(dir, out, ProjectorOptions{Data: data}))
	set, classes, err := StoredEmbeddings(dir)
	require.NoError(t, err)
	metadata, err := os.ReadFile(filepath.Join(out, "metadata.tsv"))
	require.NoError(t, err)
	lines := strings.Split(strings.TrimSuffix(string(metadata), "\n"), "\n")
	require.Len(t, lines, 1+len(set.Labels))
	for i, l := range set.Labels {
		require.Equal(t, classes[l]+"\t"+datasets.NameOf(data.Test, i), lines[1+i])
	}
	vectors, err := os.ReadFile(filepath.Join(out, "vectors.tsv"))
	require.NoError(t, err)
	require.Equal(t, len(set.Labels), strings.Count(string(vectors), "\n"))
	f, err := os.Open(filepath.Join(out, "sprite.png"))
	require.NoError(t, err)
	defer f.Close()
	sprite, err := png.Decode(f)
	require.NoError(t, err)
	first, err := data.Test.(datasets.Visible).Image(1)
	require.NoError(t, err)
	size := first.Bounds().Size()
	for y := range size.Y {
		for x := range size.X {
			require.Equal(t, first.At(x, y), sprite.At(size.X+x, y), "the second picture beside the first one")
		}
	}
	require.ErrorContains(t, ExportProjector(dir, out, ProjectorOptions{}), "vectors.tsv is there already: name another folder, or set ProjectorOptions.Overwrite")
	require.NoError(t, os.WriteFile(filepath.Join(out, "other"), nil, 0o644))
	require.NoError(t, ExportProjector(dir, out, ProjectorOptions{Overwrite: true}))
	names, err := os.ReadDir(out)
	require.NoError(t, err)
	var left []string
	for _, n := range names {
		left = append(left, n.Name())
	}
	require.Equal(t, []string{"metadata.tsv", "other", "projector_config.pbtxt", "vectors.tsv"}, left)

	data.Test = data.Train
	require.ErrorContains(t, ExportProjector(dir, filepath.Join(out, "b"), ProjectorOptions{Data: data}), "the pictures are no longer those that the run embedded")
	require.ErrorContains(t, ExportProjector(t.TempDir(), out, ProjectorOptions{}), "trainer: embeddings of a run")
}

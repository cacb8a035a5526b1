package datasets

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/pkg/errors"
	"github.com/stretchr/testify/require"

	"medusa/internal/samplesets"
)

func TestBraces(t *testing.T) {
	for pattern, want := range map[string]string{
		"a-{000..003}.tar":     "a-000.tar a-001.tar a-002.tar a-003.tar",
		"a-{8..11}.tar":        "a-8.tar a-9.tar a-10.tar a-11.tar",
		"{x,y}/s-{0..1}.tar":   "x/s-0.tar x/s-1.tar y/s-0.tar y/s-1.tar",
		"s-{0..0}":             "s-0",
		"a.tar":                "",
		"a{b}.tar":             "",
		"a{":                   "",
		"a}b{c":                "",
		"a{1..x}":              "",
		"a{{1..2}}":            "",
		"{-1..2}":              "",
		"a{1..99999999999999}": "",
	} {
		got, err := expandBraces(pattern)
		require.NoError(t, err, pattern)
		require.Equal(t, strings.Fields(want), append([]string{}, got...), pattern)
	}
	for pattern, want := range map[string]string{
		"a{3..1}.tar":         "{3..1} is no range of at most 65536 numbers that rise",
		"a{0..99999}":         "is no range of at most 65536 numbers that rise",
		"{0..999}{0..999}.gz": "stands for more than 65536 archives",
	} {
		_, err := expandBraces(pattern)
		require.ErrorContains(t, err, want)
	}
}

func FuzzBraces(f *testing.F) {
	f.Add("a-{000..003}.tar")
	f.Add("{a,b}{1..2}")
	f.Fuzz(func(t *testing.T, pattern string) {
		if strings.Count(pattern, "{") > 3 {
			return
		}
		names, err := expandBraces(pattern)
		if err != nil {
			require.Nil(t, names)
			return
		}
		require.LessOrEqual(t, len(names), mostShards)
	})
}

func TestShardsAreOneTree(t *testing.T) {
	dir := t.TempDir()
	_, err := samplesets.Named("webdataset-parts").Write(dir)
	require.NoError(t, err)
	shards, others, err := shardsOf(dir)
	require.NoError(t, err)
	require.Len(t, shards, 6)
	require.Empty(t, others)
	tree := &shardsFS{}
	for _, name := range shards {
		s, err := openShard(name)
		require.NoError(t, err)
		s.part = partOfShard(name)
		tree.shards = append(tree.shards, s)
	}
	tree.arrange(true)
	require.NoError(t, fstest.TestFS(tree, "train/faces-train-002/21.png", "val/faces-val-1/50.cls"))
}

// Archives of parts may lie in folders of these, be named twice, and have other files beside
// them, which are told.
func TestShardsInFoldersOfParts(t *testing.T) {
	set := samplesets.Named("webdataset-parts")
	dir := t.TempDir()
	for name, data := range set.Files {
		part := "train"
		if strings.Contains(name, "val") {
			part = "val"
		}
		require.NoError(t, os.MkdirAll(filepath.Join(dir, part), 0o777))
		name = strings.NewReplacer("train-", "", "val-", "00").Replace(name)
		require.NoError(t, os.WriteFile(filepath.Join(dir, part, name), data, 0o666))
	}
	require.NoError(t, os.WriteFile(filepath.Join(dir, "val", "sizes.json"), []byte("{}"), 0o666))
	s, err := Open(dir, Options{})
	require.NoError(t, err)
	defer s.Close()
	require.Equal(t, set.Parts["train"], counts(s.Train))
	require.Equal(t, set.Parts["val"], counts(s.Val))
	require.Contains(t, s.Train.Skipped(), Skip{Path: filepath.Join(dir, "val", "sizes.json"), Reason: reasonNoPicture})
	require.True(t, strings.HasSuffix(s.Val.Path(0), "val/faces-000/40.png"), s.Val.Path(0))
}

func TestShardsThatCannotBe(t *testing.T) {
	set := samplesets.Named("webdataset-shards")
	open := func(path string, change func(files map[string][]byte)) error {
		s := samplesets.Named("webdataset-shards")
		change(s.Files)
		dir := t.TempDir()
		_, err := s.Write(dir)
		require.NoError(t, err)
		split, err := Open(filepath.Join(dir, path), Options{})
		if err == nil {
			split.Close()
		}
		return err
	}
	same := func(map[string][]byte) {}
	first := "shard-000000.tar"
	require.NoError(t, open("", same))
	require.ErrorIs(t, open("shard-{000002..000004}.tar", same), os.ErrNotExist)
	require.ErrorContains(t, open("shard-{000002..000004}.tar", same), "shard-000004.tar")
	require.ErrorContains(t, open("", func(f map[string][]byte) { f[first] = f[first][:1600] }), "shard-000000.tar: the archive is cut off or damaged")
	require.ErrorContains(t, open("", func(f map[string][]byte) { f["shard-000009.tar.gz"] = []byte("\x1f\x8b\x08") }), "is compressed, which one of several archives may not be")
	require.ErrorContains(t, open("", func(f map[string][]byte) {
		f["val-1.tar"], f["train-1.tar"] = f[first], f[first]
	}), "is named as a part of the data and shard-00000")
	// A folder of pictures in which archives lie too is read as a folder.
	require.ErrorContains(t, open("", func(f map[string][]byte) { f["pics/one.png"] = []byte("x") }), "no readable pictures")

	_, err := Open(filepath.Join(t.TempDir(), "{a,b}.tar"), Options{})
	require.ErrorIs(t, err, os.ErrNotExist)
	path, err := samplesets.Named("archives-without-classes").Write(t.TempDir())
	require.NoError(t, err)
	_, err = Open(path, Options{})
	var q *Question
	require.True(t, errors.As(err, &q))
	s, err := Open(path, Options{Layout: LayoutFolders})
	require.NoError(t, err)
	require.Equal(t, []string{"part-0", "part-1", "part-2"}, s.Train.Classes())
	require.NoError(t, s.Close())
	require.Equal(t, set.Parts["train"], samplesets.Counts{Classes: 4, Pictures: 16})
}

package trainer

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"medusa/internal/runfolder"
	"medusa/losses"

	"github.com/stretchr/testify/require"
)

// Any configuration comes back from the stored file and from a checkpoint as it was: texts
// of any bytes, numbers to the last bit.
func TestConfigComesBack(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	for _, seed := range []uint64{1795873399618202034, seed} { // the first had a tab where a block begins
		configsComeBack(t, seed)
	}
}

func configsComeBack(t *testing.T, seed uint64) {
	rng := rand.New(rand.NewPCG(seed, 0))
	pieces := []string{"null", "~", "yes", "1e3", "0x1F", "!!binary aGk=", "\xff", "\xed\xa0\x80", "\n", " ", "\t", ": ", " #", "'", `"`, `\`, "-", "*a", "&b", "{", "[", "|", ">",
		"%", "@", "é", "\u2028", "\ufeff", "\x00", "\x85", "\u0085", "2024-05-06", "<<", "=", "a", strings.Repeat("long ", 300)}
	text := func() string {
		var b strings.Builder
		for range rng.IntN(5) {
			b.WriteString(pieces[rng.IntN(len(pieces))])
		}
		return b.String()
	}
	same := func(c, stored Config) {
		t.Helper()
		c.Data.Range, c.Data.firstRule = stored.Data.Range, stored.Data.firstRule // of what is stored
		require.Equal(t, c, stored)
	}
	dir := runfolder.Folder(t.TempDir())
	require.NoError(t, os.MkdirAll(dir.Path("checkpoints"), 0o777))
	for range 30 {
		c := small(text())
		c.Data.Val, c.Data.Test, c.Data.TrainClasses, c.Data.TestClasses, c.Data.CacheDir, c.Loss = text(), text(), text(), text(), text(), text()
		c.Solver.LR, c.Clip, c.Seed = rng.NormFloat64(), rng.ExpFloat64()*1e-300, rng.Uint64()
		c.Data.Mean, c.Data.Std = []float32{rng.Float32(), 1e-30 * rng.Float32()}, []float32{1e30 * rng.Float32(), 1}
		require.NoError(t, writeConfig(dir, c, nil))
		stored, err := Stored(string(dir))
		require.NoError(t, err)
		same(c, stored)

		require.NoError(t, (&checkpoint{config: c}).write(dir, LastFile))
		stored, err = Stored(string(dir))
		require.NoError(t, err)
		same(c, stored)
		for _, name := range []string{LastFile, PreviousFile} {
			_ = os.Remove(dir.Path(name))
		}
	}
}

// Checkpoints of earlier versions hold the configuration as JSON.
func TestConfigOfEarlierCheckpoints(t *testing.T) {
	c := small("a: b\nc").Defaults()
	b, err := json.Marshal(c)
	require.NoError(t, err)
	got, err := parseConfig(b)
	require.NoError(t, err)
	require.Equal(t, c, got)
}

// Every bit of the stored configuration counts.
func TestDamagedConfig(t *testing.T) {
	dir := runfolder.Folder(t.TempDir())
	require.NoError(t, os.MkdirAll(dir.Path("checkpoints"), 0o777))
	require.NoError(t, writeConfig(dir, small("photos"), nil))
	want, err := Stored(string(dir))
	require.NoError(t, err)
	text, err := os.ReadFile(dir.Path(StoredFile))
	require.NoError(t, err)
	for bit := newRandom(t).IntN(8); bit < 8*len(text); bit += 7 { // 7 and 8 have no factor in common
		b := append([]byte(nil), text...)
		b[bit/8] ^= 1 << (bit % 8)
		require.NoError(t, os.WriteFile(dir.Path(StoredFile), b, 0o644))
		if got, err := Stored(string(dir)); err == nil {
			require.Equal(t, want, got, "bit %d of byte %d", bit%8, bit/8)
		}
	}
}

func FuzzParseConfig(f *testing.F) {
	f.Add([]byte("steps: 3\n"))
	f.Add([]byte(`{"steps":3}`))
	f.Add(runfolder.Signed([]byte("data:\n  path: !!binary /w==\n")))
	f.Add([]byte("a: &a [*a]\n"))
	f.Fuzz(func(_ *testing.T, text []byte) {
		_ = runfolder.CheckSigned(text)
		if c, err := parseConfig(text); err == nil {
			_, _ = configText(c)
		}
	})
}

// A run goes on with the loss it was begun with, though a default became another one since; what
// was typed stays as it was typed otherwise.
func TestLossOfARunKeepsItsDefaults(t *testing.T) {
	dir := runfolder.Folder(t.TempDir())
	path := dir.Path(LastFile)
	require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o777))
	c := Default()
	for typed, loss := range map[string][2]string{
		"triplet:margin=0.3,mining=batch-hard": {"margin=0.3", "margin=0.3"},
		"adacos":                               {"ceiling=1,", "ceiling=10000,"},
		"ce + 0.5*matryoshka(of=instance)":     {"gamma=2", "gamma=1"},
	} {
		c.Loss = typed
		require.NoError(t, (&checkpoint{config: c}).write(dir, LastFile))
		back, err := readCheckpoint(path)
		require.NoError(t, err)
		require.Equal(t, typed, back.config.Loss)
		require.Contains(t, back.state.LossInFull, loss[0])
		if loss[0] == loss[1] {
			continue
		}
		file, err := runfolder.ReadCheckpoint(path)
		require.NoError(t, err)
		file.State = bytes.Replace(file.State, []byte(loss[0]), []byte(loss[1]), 1)
		require.NoError(t, dir.WriteCheckpoint(LastFile, file))
		c, err := Stored(string(dir))
		require.NoError(t, err)
		require.Contains(t, c.Loss, loss[1])
		full := lossInFull(c.Loss)
		require.Contains(t, full, loss[1])
		require.NotEqual(t, back.state.LossInFull, full)
	}
	for _, name := range losses.Names() {
		full := lossInFull(name)
		require.NotEmpty(t, full, name)
		require.Equal(t, full, lossInFull(full), name)
		l, err := losses.Parse(name, losses.Setting{Classes: 100, EmbeddingSize: 16, TrunkSize: 8, Seed: 7})
		require.NoError(t, err, name)
		text, err := losses.FullText(l)
		require.NoError(t, err, name)
		require.Equal(t, full, text, "%s in full says what it was set to, not what was asked for", name)
	}
}

package runfolder

import (
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"medusa/internal/safetensors"
)

// read is the step that a checkpoint's state has.
func read(path string) (state string, step int, err error) {
	c, err := ReadCheckpoint(path)
	if err != nil {
		return "", 0, err
	}
	step, err = strconv.Atoi(string(c.State))
	return string(c.State), step, err
}

func write(t *testing.T, f Folder, name string, step int) {
	t.Helper()
	require.NoError(t, f.WriteCheckpoint(name, &Checkpoint{
		Config: []byte("a: 1"), State: []byte(strconv.Itoa(step)), Data: []byte("{}"), Sampler: []byte{1, 2},
		Tensors: []safetensors.Tensor{{Name: "w", Shape: []int{2}, F32: []float32{1, float32(step)}}},
	}))
}

func TestCheckpointComesBack(t *testing.T) {
	f := Folder(t.TempDir())
	require.NoError(t, f.Create())
	write(t, f, LastFile, 7)
	c, err := ReadCheckpoint(f.Path(LastFile))
	require.NoError(t, err)
	require.Equal(t, &Checkpoint{
		Config: []byte("a: 1"), State: []byte("7"), Data: []byte("{}"), Sampler: []byte{1, 2},
		Tensors: []safetensors.Tensor{{Name: "w", Shape: []int{2}, F32: []float32{1, 7}}},
	}, c)
	_, err = OpenTensors(f.Path(LastFile), KindModel)
	require.ErrorContains(t, err, "is a checkpoint, want a model")
	_, err = ReadCheckpoint(f.Path(BestFile))
	require.ErrorIs(t, err, os.ErrNotExist)
	require.True(t, f.Intact(LastFile))
	require.NoError(t, os.Truncate(f.Path(LastFile), 50))
	require.False(t, f.Intact(LastFile))
}

// The newest checkpoint that is whole is taken, whichever of the three that is.
func TestNewest(t *testing.T) {
	const last, previous, best = 1, 2, 4
	steps := map[int]int{last: 9, previous: 6, best: 8}
	names := map[int]string{last: LastFile, previous: PreviousFile, best: BestFile}
	for _, c := range []struct {
		name          string
		there, broken int
		want          string // of LastFile and so on; empty: none, and no error
		fails         bool
	}{
		{"none", 0, 0, "", false},
		{"all", last | previous | best, 0, LastFile, false},
		{"others broken", last | previous | best, previous | best, LastFile, false},
		{"last broken", last | previous | best, last, BestFile, false},
		{"last gone", previous | best, 0, BestFile, false},
		{"last gone, best broken", previous | best, best, PreviousFile, false},
		{"last and best broken", last | previous | best, last | best, PreviousFile, false},
		{"all broken", last | previous | best, last | previous | best, "", true},
		{"last gone, the others broken", previous | best, previous | best, "", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := Folder(t.TempDir())
			require.NoError(t, f.Create())
			for _, k := range []int{previous, best, last} {
				if c.there&k == 0 {
					continue
				}
				write(t, f, "x", steps[k])
				require.NoError(t, f.Copy("x", names[k]))
				if c.broken&k != 0 {
					require.NoError(t, os.Truncate(f.Path(names[k]), 40))
				}
			}
			g, err := Newest(f, read)
			if c.fails {
				require.ErrorContains(t, err, "no checkpoint is whole: begin a new run with the configuration in "+f.Path(ConfigFile))
				return
			}
			require.NoError(t, err)
			require.Equal(t, c.want, g.Name)
			if c.want != "" {
				require.Equal(t, strconv.Itoa(g.Step), g.Checkpoint)
			}
			var told []string
			require.NoError(t, g.Settle(f, func(m string) { told = append(told, m) }))
			switch {
			case g.Name == "" || g.Name == LastFile:
				require.Empty(t, told)
			case c.there&last == 0 && g.Damage == nil:
				require.Contains(t, told[0], "there is no "+LastFile+": going on from "+g.Name)
			default:
				require.Contains(t, told[0], "going on from "+g.Name+", of step "+g.Checkpoint)
			}
			if c.broken&last != 0 && g.Name != LastFile {
				require.FileExists(t, f.Path(LastFile+SetAside))
				require.NoFileExists(t, f.Path(LastFile))
			}
		})
	}
}

// What LastFile was is PreviousFile then.
func TestLastBecomesPrevious(t *testing.T) {
	f := Folder(t.TempDir())
	require.NoError(t, f.Create())
	write(t, f, LastFile, 1)
	write(t, f, LastFile, 2)
	write(t, f, BestFile, 3)
	for name, want := range map[string]int{PreviousFile: 1, LastFile: 2, BestFile: 3} {
		_, step, err := read(f.Path(name))
		require.NoError(t, err)
		require.Equal(t, want, step, name)
	}
}

// Every bit of what is signed or sealed counts.
func TestSigned(t *testing.T) {
	text := Signed([]byte("steps: 3\n"))
	require.NoError(t, CheckSigned(text))
	require.NoError(t, CheckSigned([]byte("steps: 3\n")), "of an earlier version")
	changed := []byte(strings.Replace(string(text), "3", "4", 1))
	require.True(t, IsDamage(CheckSigned(changed)))

	sealed := []byte(`{"a":1,"sum":"` + NoSum + `"}`)
	Seal(sealed)
	sum := string(sealed[len(sealed)-2-len(NoSum) : len(sealed)-2])
	require.NotEqual(t, NoSum, sum)
	require.NoError(t, CheckSeal(append([]byte(nil), sealed...), sum))
	sealed[5] = '2'
	require.True(t, IsDamage(CheckSeal(sealed, sum)))
	require.ErrorContains(t, CheckSeal([]byte("{}"), sum), "lost its checksum")
	require.ErrorContains(t, CheckSeal([]byte("{}"), "1"), "lost its checksum")
}

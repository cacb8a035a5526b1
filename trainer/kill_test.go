package trainer

import (
	"context"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/pkg/errors"
	"github.com/stretchr/testify/require"

	"medusa/internal/device/cpu"
)

const (
	childDir  = "MEDUSA_TEST_RUN"
	childData = "MEDUSA_TEST_DATA"
	childDraw = "MEDUSA_TEST_SAMPLER"
)

// child is the process that is killed: it starts the run, or goes on with it.
func child(dir string) error {
	cfg := small(os.Getenv(childData))
	cfg.Steps, cfg.Sampler.Name = 300, os.Getenv(childDraw)
	data, err := Load(cfg.Data, cfg.Seed, LoadOptions{})
	if err != nil {
		return err
	}
	defer data.Close()
	make := New
	if _, err := os.Stat(folder(dir).path(StoredFile)); err == nil {
		make = func(_ Config, data Data, o Options) (*Trainer, error) { return Resume(data, o) }
	}
	t, err := make(cfg, data, Options{Dir: dir})
	if err != nil {
		return err
	}
	defer t.Close()
	_, err = t.Run(context.Background())
	return err
}

func command(t *testing.T, data, dir string) *exec.Cmd {
	exe, err := os.Executable()
	require.NoError(t, err)
	c := exec.Command(exe)
	c.Env = append(os.Environ(), childData+"="+data, childDir+"="+dir)
	c.Stderr = os.Stderr
	return c
}

// killed is the exit code of a process that was killed.
var killed = map[bool]int{false: -1, true: 1}[runtime.GOOS == "windows"]

// A run whose process is killed again and again, at random moments, is in the end the
// run that was never broken, bit for bit.
func TestKilledRunIsTheUnbrokenOne(t *testing.T) {
	for _, sampler := range []string{"pk", "pk-hard"} {
		t.Run(sampler, func(t *testing.T) {
			t.Setenv(childDraw, sampler)
			killedRunIsTheUnbrokenOne(t)
		})
	}
}

func killedRunIsTheUnbrokenOne(t *testing.T) {
	data := pictures(t)
	whole, broken := filepath.Join(t.TempDir(), "whole"), filepath.Join(t.TempDir(), "broken")
	began := time.Now()
	require.NoError(t, command(t, data, whole).Run())
	took := time.Since(began)
	seed := uint64(began.UnixNano())
	t.Logf("seed %d, unbroken run %v", seed, took)
	rng := rand.New(rand.NewPCG(seed, 0))
	kills := 0
	for kills < 8 {
		c := command(t, data, broken)
		require.NoError(t, c.Start())
		alarm := time.AfterFunc(time.Duration(rng.Int64N(int64(took)/2)), func() { c.Process.Kill() })
		err := c.Wait()
		alarm.Stop()
		if err == nil {
			break
		}
		var exit *exec.ExitError
		require.True(t, errors.As(err, &exit) && exit.ExitCode() == killed, "ended by itself: %v", err)
		kills++
		if _, err := os.Stat(folder(broken).path(StoredFile)); err == nil {
			_, err = Stored(broken) // the folder can be loaded at any moment
			require.NoError(t, err)
		}
	}
	require.NotZero(t, kills)
	require.NoError(t, command(t, data, broken).Run()) // also for a run that is done
	t.Logf("killed %d times", kills)
	sameRun(t, whole, broken)
}

// An instruction set that the machine has not is no quiet other choice.
func TestUnknownInstructionsStopARun(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	c := command(t, pictures(t), dir)
	var said strings.Builder
	c.Env, c.Stderr = append(c.Env, cpu.Variable+"=altivec"), &said
	require.Error(t, c.Run())
	require.Contains(t, said.String(), cpu.Variable+"=altivec is not to be had on this machine")
	require.NoDirExists(t, dir)
}

package trainer

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/pkg/errors"
	"github.com/stretchr/testify/require"

	"medusa/internal/device/cpu"
	"medusa/internal/filewrite"
	"medusa/internal/runfolder"
)

const (
	childDir  = "MEDUSA_TEST_RUN"
	childData = "MEDUSA_TEST_DATA"
	childDraw = "MEDUSA_TEST_SAMPLER"

	childSteps = "MEDUSA_TEST_STEPS"  // 300 if empty
	childPlain = "MEDUSA_TEST_PLAIN"  // without a report if not empty
	childKill  = "MEDUSA_TEST_KILL"   // the event of package filewrite, from 1, at which the process kills itself
	childTrace = "MEDUSA_TEST_EVENTS" // prints the events if not empty
	childSteer = "MEDUSA_TEST_STEER"  // writes a byte after each step and reads one if not empty
)

// child is the process that is killed: it starts the run, or goes on with it.
func child(dir string) error {
	cfg := small(os.Getenv(childData))
	cfg.Steps, cfg.Sampler.Name = 300, os.Getenv(childDraw)
	if n := os.Getenv(childSteps); n != "" {
		cfg.Steps, _ = strconv.Atoi(n)
	}
	traceFiles(dir)
	data, err := Load(cfg.Data, cfg.Seed, LoadOptions{})
	if err != nil {
		return err
	}
	defer data.Close()
	make := New
	if _, err := os.Stat(runfolder.Folder(dir).Path(StoredFile)); err == nil {
		make = func(_ Config, data Data, o Options) (*Trainer, error) { return Resume(data, o) }
	}
	o := Options{Dir: dir, NoReport: os.Getenv(childPlain) != ""}
	if os.Getenv(childSteer) != "" {
		o.Hooks = []Hook{{Step: steered}}
	}
	t, err := make(cfg, data, o)
	if err != nil {
		return err
	}
	defer t.Close()
	_, err = t.Run(context.Background())
	return err
}

// steered tells the parent process of a step, and waits until it may go on.
func steered(context.Context, StepInfo) error {
	if _, err := os.Stdout.Write([]byte{0}); err != nil {
		return err
	}
	_, err := os.Stdin.Read([]byte{0})
	return err
}

// traceFiles follows the files that are written, and ends the process at one of them.
func traceFiles(dir string) {
	last, _ := strconv.Atoi(os.Getenv(childKill))
	list, n := os.Getenv(childTrace) != "", 0
	filewrite.Trace = func(stage, path string) {
		if n++; list {
			name, _ := filepath.Rel(dir, path)
			fmt.Println(stage, filepath.ToSlash(name))
		}
		if n == last {
			self, _ := os.FindProcess(os.Getpid())
			self.Kill()
			select {}
		}
	}
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
	rng := newRandom(t)
	data := pictures(t)
	whole, broken := filepath.Join(t.TempDir(), "whole"), filepath.Join(t.TempDir(), "broken")
	require.NoError(t, command(t, data, whole).Run())
	// At most 8 × (30 + 5) of the 300 steps are done before the last kill.
	for i := range 8 {
		killAfter(t, command(t, data, broken), i%2*rng.IntN(31), 5, time.Duration(rng.Int64N(int64(50*time.Millisecond))))
		if _, err := os.Stat(runfolder.Folder(broken).Path(StoredFile)); err == nil {
			_, err = Stored(broken) // the folder can be loaded at any moment
			require.NoError(t, err)
		}
	}
	require.NoError(t, command(t, data, broken).Run())
	require.NoError(t, command(t, data, broken).Run(), "also a run that is done")
	sameRun(t, whole, broken)
}

// killAfter kills a child that has taken so many steps and does more of them, or waits behind
// these: however fast it is, it does not end before.
func killAfter(t *testing.T, c *exec.Cmd, steps, more int, pause time.Duration) {
	t.Helper()
	c.Env = append(c.Env, childSteer+"=1")
	in, err := c.StdinPipe()
	require.NoError(t, err)
	out, err := c.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, c.Start())
	_, err = in.Write(make([]byte, steps+more))
	require.NoError(t, err)
	_, err = io.ReadFull(out, make([]byte, steps))
	require.NoError(t, err, "the child ended by itself")
	time.Sleep(pause) // to a random moment; none of them is wrong
	require.NoError(t, c.Process.Kill())
	err = c.Wait()
	var exit *exec.ExitError
	require.True(t, errors.As(err, &exit) && exit.ExitCode() == killed, "ended by itself: %v", err)
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

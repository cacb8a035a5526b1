package cli

import (
	stderrors "errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"

	"github.com/pkg/errors"
)

// callPush has medusa-push do what this program was called for: in its place where the system can do that,
// so that Ctrl-C reaches one program.
func (c *invocation) callPush() error {
	path, err := findPush()
	if err != nil {
		return err
	}
	root := c.root()
	args := root.args[slices.Index(root.args, "push")+1:]
	if c.Out == os.Stdout && c.Err == os.Stderr && c.In == os.Stdin {
		if err := replaceProcess(path, args); !errors.Is(err, stderrors.ErrUnsupported) {
			return errors.Wrap(err, path)
		}
	}
	cmd := exec.Command(path, args...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = c.In, c.Out, c.Err
	var ended *exec.ExitError
	switch err := cmd.Run(); {
	case errors.As(err, &ended):
		return otherProgram{ended.ExitCode()}
	default:
		return errors.Wrap(err, path)
	}
}

// otherProgram says that a program that did the work of this one ended with an exit code other than 0, and has
// said why.
type otherProgram struct{ code int }

func (otherProgram) Error() string { return "the program that was called failed" }

// findPush is the path of medusa-push: beside this program, or in PATH.
func findPush() (string, error) {
	name := "medusa-push"
	if runtime.GOOS == "windows" {
		name += ".exe"
	}
	if self, err := os.Executable(); err == nil {
		beside := filepath.Join(filepath.Dir(self), name)
		if info, err := os.Stat(beside); err == nil && !info.IsDir() {
			return beside, nil
		}
	}
	path, err := exec.LookPath(name)
	if err != nil {
		return "", errors.Errorf("this is done by the program medusa-push, which is neither beside this one nor in PATH: in Medusa's source it is built by\n  %s\nand called by\n  ./medusa-push GALLERY URL", buildPush)
	}
	return path, nil
}

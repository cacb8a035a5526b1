// Command make compiles the kernels to PTX, and writes the Go that launches them; run it by go generate in package
// kernels.
// It needs clang++ with the NVPTX back end (Debian: apt-get install clang).
package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"medusa/internal/gpu/kernels"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "make:", err)
		os.Exit(1)
	}
}

func run() error {
	hash, err := kernels.Hash()
	if err != nil {
		return err
	}
	launches, err := kernels.Launches()
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join("..", kernels.LaunchesFile), []byte(launches), 0o644); err != nil {
		return err
	}
	tmp, err := os.MkdirTemp("", "medusa-ptx")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	for part, file := range kernels.Files {
		ptx, err := compile(filepath.Join(tmp, file), part)
		if err != nil {
			return err
		}
		if err := os.WriteFile(file, []byte(kernels.PTXHead(hash)+ptx), 0o644); err != nil {
			return err
		}
	}
	return nil
}

func compile(raw string, part int) (string, error) {
	args := append(append([]string{}, kernels.Command[1:]...), "-DPART="+strconv.Itoa(part), "-o", raw, "all.cu")
	cmd := exec.Command(kernels.Command[0], args...)
	cmd.Stderr = os.Stderr
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("%s: %w", strings.Join(cmd.Args, " "), err)
	}
	ptx, err := os.ReadFile(raw)
	// Comments name the compiler's version and, in debug lines, folders.
	return regexp.MustCompile(`(?m)^[ \t]*//.*\n|[ \t]*//.*`).ReplaceAllString(string(ptx), ""), err
}

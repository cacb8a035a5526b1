// Command make compiles the kernels to medusa.ptx; run it by go generate in package kernels.
// It needs clang++ with the NVPTX back end (Debian: apt-get install clang).
package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"

	"medusa/internal/device/gpu/kernels"
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
	tmp, err := os.MkdirTemp("", "medusa-ptx")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	raw := filepath.Join(tmp, "raw.ptx")
	args := append(append([]string{}, kernels.Command[1:]...), "-o", raw, "all.cu")
	cmd := exec.Command(kernels.Command[0], args...)
	cmd.Stderr = os.Stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s: %w", strings.Join(cmd.Args, " "), err)
	}
	ptx, err := os.ReadFile(raw)
	if err != nil {
		return err
	}
	// Comments name the compiler's version and, in debug lines, folders.
	text := regexp.MustCompile(`(?m)^[ \t]*//.*\n|[ \t]*//.*`).ReplaceAllString(string(ptx), "")
	return os.WriteFile("medusa.ptx", []byte("// Made by go generate; source "+hash+"\n"+text), 0o644)
}

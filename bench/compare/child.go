package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"

	"github.com/pkg/errors"
	xcpu "golang.org/x/sys/cpu"
)

// side is one of those that are compared.
type side struct {
	name    string
	does    func(w workload) bool
	command func(ctx context.Context, text string) *exec.Cmd
}

// The names of the sides, and the variants that jobs name.
const (
	ours    = "medusa"
	torch   = "pytorch"                 // on a GPU: eager
	best    = "pytorch, best"           // on a GPU: CUDA graphs and torch.compile, whatever is fastest
	library = "pytorch-metric-learning" // on a GPU: eager
)

// ourSide is this program again.
func ourSide() (side, error) {
	self, err := os.Executable()
	if err != nil {
		return side{}, errors.Wrap(err, "where this program lies")
	}
	return side{
		name: ours,
		does: func(workload) bool { return true },
		command: func(ctx context.Context, text string) *exec.Cmd {
			return exec.CommandContext(ctx, self, "measure", text)
		},
	}, nil
}

// do runs one child to its end. What goes wrong inside of it stands in the result; an
// error means that the comparison ends.
func (s side) do(ctx context.Context, j job, limit time.Duration) (m measured, err error) {
	j.Variant = s.name
	text, err := json.Marshal(j)
	if err != nil {
		return m, errors.Wrap(err, "the job")
	}
	own, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	cmd := s.command(own, string(text))
	cmd.Env = environment(os.Environ(), j.Threads, xcpu.X86.HasAVX512F)
	cmd.WaitDelay = 5 * time.Second
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return m, errors.Wrap(err, s.name)
	}
	began := time.Now()
	if err := cmd.Start(); err != nil {
		return m, errors.Wrap(err, s.name)
	}
	m, parse := read(bufio.NewScanner(stdout), began)
	end := cmd.Wait()
	switch {
	case ctx.Err() != nil:
		return m, ctx.Err()
	case own.Err() != nil:
		return measured{Error: fmt.Sprintf("no result in %v", limit)}, nil
	case end != nil:
		return measured{Error: errors.Wrap(end, lastLine(stderr.String())).Error()}, nil
	case parse != nil:
		return measured{Error: parse.Error()}, nil
	}
	return m, nil
}

// read takes the result from the last line, and the time of the first step from when its
// line comes.
func read(lines *bufio.Scanner, began time.Time) (m measured, err error) {
	var last string
	started := 0.0
	for lines.Scan() {
		last = lines.Text()
		if last == firstStep {
			started = time.Since(began).Seconds()
		}
	}
	if err := lines.Err(); err != nil {
		return m, errors.Wrap(err, "reading the result")
	}
	if err := json.Unmarshal([]byte(last), &m); err != nil {
		return m, errors.Wrapf(err, "the result %q", last)
	}
	m.Started = started
	return m, nil
}

func lastLine(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return lines[len(lines)-1]
}

// environment is that of a child: so many threads, if the number is not 0, for whoever reads it there,
// and no other settings of OpenMP than the default. OpenBLAS of 2022 and before does not
// know newer processors and falls back to half the speed, unless it is told that they have
// AVX-512.
func environment(from []string, threads int, avx512 bool) []string {
	name := func(kv string) string { return kv[:max(strings.IndexByte(kv, '='), 0)] }
	env := slices.DeleteFunc(slices.Clone(from), func(kv string) bool { return name(kv) == "OMP_WAIT_POLICY" })
	if threads > 0 {
		for _, v := range []string{"GOMAXPROCS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"} {
			env = append(env, fmt.Sprintf("%s=%d", v, threads))
		}
	}
	const coreType = "OPENBLAS_CORETYPE"
	if avx512 && !slices.ContainsFunc(env, func(kv string) bool { return name(kv) == coreType }) {
		env = append(env, coreType+"=SkylakeX")
	}
	return env
}

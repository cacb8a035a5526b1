package main

import (
	"cmp"
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/pkg/errors"
)

func main() {
	if len(os.Args) == 3 && os.Args[1] == "measure" {
		if err := measureChild(os.Args[2], os.Stdout); err != nil {
			fmt.Fprintf(os.Stderr, "compare: %v\n", err)
			os.Exit(exitFailed)
		}
		return
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// Exit codes.
const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2
)

type settings struct {
	only, threads, python, out string
	gpu                        string // cuda or cuda:N; empty: the CPU
	repeat                     int
	seconds                    float64
	limit, compile             time.Duration
	list, tf32, anyOrder       bool
}

func parse(args []string, out io.Writer) (s settings, err error) {
	f := flag.NewFlagSet("compare", flag.ContinueOnError)
	f.SetOutput(io.Discard) // errors are printed by run
	f.StringVar(&s.only, "only", "", "measure only workloads whose name holds one of these `PATTERNS`, with commas between, such as train/mlp,gemm")
	f.BoolVar(&s.list, "list", false, "list the workloads and leave")
	device := f.String("device", "cpu", "`DEVICE` on which both sides compute: cpu, cuda or cuda:N")
	f.BoolVar(&s.tf32, "tf32", false, "let a GPU round the factors of products to TF32 on both sides; resnet18 is always measured so")
	f.BoolVar(&s.anyOrder, "any-order", false, "let Medusa make sums in any order on a GPU, as PyTorch does unasked")
	f.DurationVar(&s.compile, "compile", 30*time.Second, "longest `TIME` that PyTorch may try each way of torch.compile on a GPU; 0: none is tried")
	f.StringVar(&s.threads, "threads", "1,2", "`NUMBERS` of threads, with commas between")
	f.IntVar(&s.repeat, "repeat", 3, "`ROUNDS`, in each of which every side has its turn")
	f.Float64Var(&s.seconds, "seconds", 0.5, "`SECONDS` that a process measures; a long workload takes longer")
	f.DurationVar(&s.limit, "limit", 2*time.Minute, "longest `TIME` for a process")
	f.StringVar(&s.python, "python", "", "`PATH` of a Python with PyTorch, or none; python3, /usr/bin/python3 or python if empty")
	f.StringVar(&s.out, "out", "runs/compare", "`DIR` for comparison.md and comparison.json; empty: none are written")
	if err := f.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			fmt.Fprintln(out, "Runs Medusa and PyTorch in turns and prints how many times as fast the one is.")
			f.SetOutput(out)
			f.PrintDefaults()
		}
		return s, err
	}
	given := map[string]bool{}
	f.Visit(func(fl *flag.Flag) { given[fl.Name] = true })
	if s.gpu, err = gpuOf(*device); err != nil {
		return s, err
	}
	switch {
	case f.NArg() > 0:
		return s, errors.Errorf("unexpected argument %q; did you mean -only %s?", f.Arg(0), f.Arg(0))
	case s.repeat < 1:
		return s, errors.Errorf("-repeat %d: want at least 1", s.repeat)
	case !(s.seconds > 0 && s.seconds <= 600):
		return s, errors.Errorf("-seconds %v: want more than 0, at most 600", s.seconds)
	case s.limit <= 0:
		return s, errors.Errorf("-limit %v: want more than 0", s.limit)
	case s.compile < 0:
		return s, errors.Errorf("-compile %v: want at least 0", s.compile)
	case s.gpu != "" && s.limit < 4*s.compile: // two ways are tried, the faster one is made again
		return s, errors.Errorf("-compile %v: a process tries more than one way; give it -limit %v or more", s.compile, 4*s.compile)
	case s.gpu != "" && given["threads"]:
		return s, errors.New("-threads is for -device cpu: on a GPU both sides take all processors")
	case s.gpu == "" && (given["tf32"] || given["any-order"] || given["compile"]):
		return s, errors.New("-tf32, -any-order and -compile are for a GPU; did you forget -device cuda?")
	}
	return s, nil
}

func threadNumbers(text string) ([]int, error) {
	var out []int
	for _, part := range strings.Split(text, ",") {
		n, err := strconv.Atoi(strings.TrimSpace(part))
		if err != nil || n < 1 {
			return nil, errors.Errorf("-threads %q: want numbers from 1 with commas between, such as 1,2", text)
		}
		out = append(out, n)
	}
	return out, nil
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	s, err := parse(args, stdout)
	if errors.Is(err, flag.ErrHelp) {
		return exitOK
	}
	var p plan
	if err == nil {
		p, err = s.plan()
	}
	if err != nil {
		fmt.Fprintf(stderr, "compare: %v\n", err)
		return exitUsage
	}
	if s.list {
		for _, w := range p.workloads {
			fmt.Fprintln(stdout, w.name())
		}
		return exitOK
	}
	if err := s.compare(ctx, p, stdout, stderr); err != nil {
		fmt.Fprintf(stderr, "compare: %v\n", err)
		return exitFailed
	}
	return exitOK
}

func (s settings) plan() (p plan, err error) {
	p = plan{repeat: s.repeat, seconds: s.seconds, limit: s.limit, device: s.gpu, anyOrder: s.anyOrder, compile: s.compile}
	if s.gpu != "" {
		p.threads = []int{0}
		p.workloads, err = choose(gpuWorkloads(s.tf32), s.only)
		return p, err
	}
	if p.workloads, err = choose(workloads(), s.only); err != nil {
		return p, err
	}
	p.threads, err = threadNumbers(s.threads)
	return p, err
}

// compare measures, prints and stores. What is there when it is interrupted is printed
// and stored too.
func (s settings) compare(ctx context.Context, p plan, stdout, stderr io.Writer) error {
	if s.gpu != "" {
		if err := tryGPU(s.gpu); err != nil {
			return err
		}
	}
	dir, err := os.MkdirTemp("", "compare")
	if err != nil {
		return errors.Wrap(err, "a place for the Python side")
	}
	defer os.RemoveAll(dir)
	script, err := writeScript(dir, "torch_bench.py", torchBench)
	if err != nil {
		return err
	}
	onnxScript, err := writeScript(dir, "onnx_bench.py", onnxBench)
	if err != nil {
		return err
	}
	m := thisMachine(s.gpu)
	m.AnyOrder = s.anyOrder
	m.Repeat, m.Seconds = s.repeat, s.seconds
	if m.Torch, m.NoTorch, err = findTorch(ctx, s.python, script, s.gpu); err != nil {
		return err
	}
	if p.models = dir; s.gpu == "" {
		if err := writeModels(dir, p.workloads); err != nil {
			return err
		}
		m.Runtimes = findRuntimes(ctx, s.python, onnxScript)
	}
	us, err := ourSide()
	if err != nil {
		return err
	}
	p.sides = []side{us}
	if m.Torch != nil {
		p.sides = append(p.sides, m.Torch.sides(script)...)
	}
	p.sides = append(p.sides, m.Runtimes.sides(onnxScript)...)
	for _, line := range m.lines() {
		fmt.Fprintln(stdout, line)
	}
	p.told = teller(stderr, p)
	outcomes, broken := p.run(ctx)
	return errors.WithMessage(cmp.Or(broken, s.show(newReport(m, outcomes, p.names()), stdout)), "comparing")
}

func (p plan) names() (out []string) {
	for _, s := range p.sides {
		out = append(out, s.name)
	}
	return out
}

func (s settings) show(r report, stdout io.Writer) error {
	fmt.Fprintf(stdout, "\n%s\n%s\n", r.table().Render(), r.legend())
	if s.out == "" {
		return nil
	}
	paths, err := r.write(s.out)
	if err == nil {
		fmt.Fprintf(stdout, "written to %s\n", strings.Join(paths, " and "))
	}
	return err
}

// teller prints a line for each process.
func teller(w io.Writer, p plan) func(workload, int, int, string, measured) {
	done := 0
	return func(wl workload, threads, round int, side string, m measured) {
		if round == 0 && side == ours {
			done++
		}
		figure := amount(m.Seconds, "s")
		switch {
		case m.Error != "":
			figure = "failed: " + m.Error
		case m.Started > 0:
			figure = amount(m.Started, "s") + " to the first step"
		}
		name := wl.name()
		if threads > 0 {
			name += fmt.Sprintf(", threads %d", threads)
		}
		fmt.Fprintf(w, "%d/%d  %s, round %d, %s: %s\n", done, len(p.workloads)*len(p.threads), name, round+1, side, figure)
	}
}

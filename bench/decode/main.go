// Command decode reads pictures of every format with package datasets and with Pillow, on one
// core each, in turns, and prints how many each reads in a second of computing.
//
//	go run ./bench/decode                          with python3, which needs Pillow
//	go run ./bench/decode -python ~/venv/bin/python -only tif
//
// Both sides have the file in memory and make a small RGB picture of it: decoded, upright,
// on white, reduced with a triangle filter.
package main

import (
	"context"
	_ "embed"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing/fstest"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/pkg/errors"

	"medusa/bench/internal/cputime"
	"medusa/datasets"
)

//go:embed pillow_bench.py
var script []byte

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Args[1:], os.Stdout)
	stop()
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintf(os.Stderr, "decode: %v\n", err)
		os.Exit(1)
	}
}

type settings struct {
	python, only string
	seconds      float64
	rounds, side int
}

func run(ctx context.Context, args []string, out io.Writer) error {
	var s settings
	f := flag.NewFlagSet("decode", flag.ContinueOnError)
	f.StringVar(&s.python, "python", "python3", "`PATH` of a Python with Pillow")
	f.StringVar(&s.only, "only", "", "measure only files whose name holds this `TEXT`")
	f.Float64Var(&s.seconds, "seconds", 0.5, "`SECONDS` that each side measures a file in each round")
	f.IntVar(&s.rounds, "rounds", 3, "`ROUNDS`, in turns, of which the middle one counts")
	f.IntVar(&s.side, "size", 64, "`PIXELS` of the side of the small picture")
	if err := f.Parse(args); err != nil {
		return err
	}
	if f.NArg() > 0 || s.rounds < 1 || s.side < 1 || !(s.seconds > 0) {
		return errors.New("want no arguments, and -rounds, -size and -seconds above 0")
	}
	folder, err := os.MkdirTemp("", "medusa-decode-*")
	if err != nil {
		return errors.Wrap(err, "folder of pictures")
	}
	defer os.RemoveAll(folder)
	p := pillow{ctx: ctx, python: s.python, script: filepath.Join(folder, "pillow_bench.py")}
	if err := os.WriteFile(p.script, script, 0o666); err != nil {
		return errors.Wrap(err, "script")
	}
	about, err := p.run("about")
	if err != nil {
		return err
	}
	pictures := filepath.Join(folder, "pictures")
	if err := os.Mkdir(pictures, 0o777); err != nil {
		return errors.Wrap(err, "folder of pictures")
	}
	if _, err := p.run("make", pictures); err != nil {
		return err
	}
	fmt.Fprintf(out, "%s/%s, %s; Pillow: %s", runtime.GOOS, runtime.GOARCH, runtime.Version(), about)
	return compare(p, s, pictures, out)
}

// pillow runs the Python side.
type pillow struct {
	ctx            context.Context
	python, script string
}

func (p pillow) run(args ...string) ([]byte, error) {
	cmd := exec.CommandContext(p.ctx, p.python, append([]string{p.script}, args...)...)
	var failure strings.Builder
	cmd.Stderr = &failure
	text, err := cmd.Output()
	lines := strings.Split(strings.TrimSpace(failure.String()), "\n")
	return text, errors.Wrapf(err, "-python %s %s: %s", p.python, args[0], lines[len(lines)-1])
}

func (p pillow) perSecond(file string, s settings) (float64, error) {
	text, err := p.run("measure", file, fmt.Sprint(s.seconds), fmt.Sprint(s.side))
	if err != nil {
		return 0, err
	}
	var found struct {
		PerSecond float64 `json:"per_second"`
	}
	return found.PerSecond, errors.Wrap(json.Unmarshal(text, &found), "what Python measured")
}

func compare(p pillow, s settings, folder string, out io.Writer) error {
	files, err := os.ReadDir(folder)
	if err != nil {
		return errors.Wrap(err, "pictures")
	}
	t := table.NewWriter()
	t.SetOutputMirror(out)
	t.AppendHeader(table.Row{"640×480", "bytes", "medusa/s", "Pillow/s", "ratio", "of the rounds"})
	for _, file := range files {
		if !strings.Contains(file.Name(), s.only) {
			continue
		}
		data, err := os.ReadFile(filepath.Join(folder, file.Name()))
		if err != nil {
			return errors.Wrap(err, "picture")
		}
		var ours, theirs, ratios []float64
		for range s.rounds {
			us, err := perSecond(file.Name(), data, s)
			if err != nil {
				return err
			}
			them, err := p.perSecond(filepath.Join(folder, file.Name()), s)
			if err != nil {
				return err
			}
			ours, theirs, ratios = append(ours, us), append(theirs, them), append(ratios, us/them)
		}
		slices.Sort(ratios)
		t.AppendRow(table.Row{file.Name(), len(data), fmt.Sprintf("%.1f", middle(ours)), fmt.Sprintf("%.1f", middle(theirs)),
			fmt.Sprintf("%.2f", middle(ratios)), fmt.Sprintf("%.2f … %.2f", ratios[0], ratios[len(ratios)-1])})
	}
	t.Render()
	return nil
}

func middle(v []float64) float64 {
	slices.Sort(v)
	return v[len(v)/2]
}

// perSecond opens sets of copies of one file, which grow until they take long enough.
func perSecond(name string, data []byte, s settings) (float64, error) {
	runtime.GOMAXPROCS(1)
	for n := 2; ; {
		files := fstest.MapFS{}
		for i := range n {
			files[fmt.Sprintf("%d/%d-%s", i%2, i, name)] = &fstest.MapFile{Data: data}
		}
		start := cputime.Now()
		set, err := datasets.OpenFS(files, datasets.Options{Height: s.side, Width: s.side, Channels: 3, Workers: 1, Range: datasets.RangeFull})
		took := (cputime.Now() - start).Seconds()
		if err != nil {
			return 0, errors.Wrap(err, name)
		}
		read := set.Train.Len()
		if err := set.Close(); err != nil {
			return 0, err
		}
		if read != n {
			return 0, errors.Errorf("%s: %d of %d copies could be read", name, read, n)
		}
		if took >= s.seconds {
			return float64(n) / took, nil
		}
		n = max(n+2, int(float64(n)*min(s.seconds/took*1.1, 10))+1)
	}
}

// Command search measures package index beside the libraries that people search vectors with:
// faiss, hnswlib and USearch, of those that Python has.
//
//	go run ./bench/search                                  10⁴, 10⁵ and 10⁶ rows of 128
//	go run ./bench/search -rows 100000 -python ~/venv/bin/python
//	go run ./bench/search -keep graphs       builds graphs once: the next time it is soon at the searches
//
// All sides search for the same queries among the same rows, on one thread each, one after the other,
// each in a process of its own. Rows are of length 1, around centres and along few directions within
// a cluster, as embeddings are. Recall is against the true neighbours, in float64. Latencies are those of
// one query at a time, on the clock; throughput is that of all queries at once in a second of
// computing. Memory is what the process holds more than before it had the rows.
package main

import (
	"bytes"
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
	"strconv"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/pkg/errors"

	"medusa/internal/wording"
)

//go:embed search_bench.py
var script []byte

// task is what one side is to do; it is handed over as a file.
type task struct {
	Rows    string `json:"rows"`    // file of float32
	Queries string `json:"queries"` // file of float32
	True    string `json:"true"`    // file of the true neighbours, int32, K a query
	Dim     int    `json:"dim"`
	K       int    `json:"k"`
	Links   int    `json:"links"`
	Build   int    `json:"build"` // effort of building
	Efforts []int  `json:"efforts"`
	Graph   bool   `json:"graph"`
	Keep    string `json:"keep"` // what names of files of graphs begin with; empty if graphs are not kept
}

// row is what was measured of one way to search.
type row struct {
	Library string  `json:"library"`
	Way     string  `json:"way"`
	Recall  float64 `json:"recall"`
	P50     float64 `json:"p50_us"`
	P99     float64 `json:"p99_us"`
	Speed   float64 `json:"queries_per_s"`
	Build   float64 `json:"build_s"`
	Memory  float64 `json:"mib"`
}

type settings struct {
	python, rows, efforts, keep string
	queries                     int
	noGraph                     bool
	task
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Args[1:], os.Stdout)
	stop()
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintf(os.Stderr, "search: %v\n", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out io.Writer) error {
	if len(args) == 2 && args[0] == childArgument {
		return child(ctx, args[1], out)
	}
	var s settings
	f := flag.NewFlagSet("search", flag.ContinueOnError)
	f.StringVar(&s.python, "python", "python3", "`PATH` of a Python with faiss, hnswlib or usearch; none for none")
	f.StringVar(&s.rows, "rows", "10000,100000,1000000", "`NUMBERS` of rows")
	f.StringVar(&s.efforts, "efforts", "16,32,64,96,128,192,256", "`NUMBERS` of rows that a search over a graph keeps in view")
	f.IntVar(&s.Dim, "dim", 128, "`NUMBERS` of each row")
	f.IntVar(&s.queries, "queries", 1000, "`QUERIES`")
	f.IntVar(&s.K, "k", 10, "`NEIGHBOURS` of each query")
	f.IntVar(&s.Links, "links", 16, "`LINKS` of a row in a graph")
	f.IntVar(&s.Build, "build", 200, "`ROWS` in view while a graph is built")
	f.StringVar(&s.keep, "keep", "", "`FOLDER` that graphs are kept in; those that are there are not built again")
	f.BoolVar(&s.noGraph, "no-graph", false, "measure exact searches alone")
	if err := f.Parse(args); err != nil {
		return err
	}
	sizes, err := numbers("-rows", s.rows)
	if err != nil {
		return err
	}
	if s.Efforts, err = numbers("-efforts", s.efforts); err != nil {
		return err
	}
	if f.NArg() > 0 || s.Dim < 1 || s.queries < 1 || s.K < 1 || s.Links < 2 || s.Build < 1 {
		return errors.New("want no arguments, -links of 2 or more, and -dim, -queries, -k and -build above 0")
	}
	s.Graph = !s.noGraph
	for _, rows := range sizes {
		if err := compare(ctx, s, rows, out); err != nil {
			return err
		}
	}
	return nil
}

func numbers(name, text string) (out []int, err error) {
	for _, word := range strings.Split(text, ",") {
		n, err := strconv.Atoi(strings.TrimSpace(word))
		if err != nil || n < 1 {
			return nil, errors.Errorf("%s: %q is no number above 0", name, word)
		}
		out = append(out, n)
	}
	return out, nil
}

// compare measures all sides on a set of that many rows.
func compare(ctx context.Context, s settings, rows int, out io.Writer) error {
	folder, err := os.MkdirTemp("", "medusa-search-*")
	if err != nil {
		return errors.Wrap(err, "folder of vectors")
	}
	defer os.RemoveAll(folder)
	t, err := prepare(ctx, folder, s, rows)
	if err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return errors.WithStack(err)
	}
	found, err := measured(exec.CommandContext(ctx, self, childArgument, t))
	if err != nil {
		return errors.Wrap(err, "medusa")
	}
	if s.python != "none" {
		program := filepath.Join(folder, "search_bench.py")
		if err := os.WriteFile(program, script, 0o666); err != nil {
			return errors.Wrap(err, "script")
		}
		theirs, err := measured(exec.CommandContext(ctx, s.python, program, t))
		if err != nil {
			return errors.Wrapf(err, "-python %s (none leaves it out)", s.python)
		}
		found = append(found, theirs...)
	}
	w := table.NewWriter()
	w.SetOutputMirror(out)
	w.SetTitle("%s rows of %d, %s/%s, %s", wording.Thousands(rows), s.Dim, runtime.GOOS, runtime.GOARCH, runtime.Version())
	w.AppendHeader(table.Row{"", "", fmt.Sprintf("recall@%d", s.K), "p50 µs", "p99 µs", "queries/s", "build s", "MiB"})
	for _, r := range found {
		w.AppendRow(table.Row{r.Library, r.Way, fmt.Sprintf("%.4f", r.Recall), fmt.Sprintf("%.0f", r.P50), fmt.Sprintf("%.0f", r.P99),
			fmt.Sprintf("%.0f", r.Speed), fmt.Sprintf("%.1f", r.Build), fmt.Sprintf("%.0f", r.Memory)})
	}
	w.Render()
	return nil
}

// measured is what a program prints: a row a line.
func measured(cmd *exec.Cmd) (rows []row, err error) {
	var failure bytes.Buffer
	cmd.Stderr = &failure
	cmd.Env = append(os.Environ(), "GOMAXPROCS=1", "OMP_NUM_THREADS=1")
	text, err := cmd.Output()
	if err != nil {
		lines := strings.Split(strings.TrimSpace(failure.String()), "\n")
		return nil, errors.Wrap(err, lines[len(lines)-1])
	}
	for line := range bytes.Lines(text) {
		var r row
		if err := json.Unmarshal(line, &r); err != nil {
			return nil, errors.Wrapf(err, "what it measured: %s", line)
		}
		rows = append(rows, r)
	}
	return rows, nil
}

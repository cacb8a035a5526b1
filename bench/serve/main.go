// Command serve puts package serve under load: many clients send pictures, and each answer is compared, bit for bit, with
// what the model makes of that picture alone. Beside that it measures plain batched embedding of the same files in the same
// process, in turns.
//
//	go run ./bench/serve                                      64 clients, 100,000 requests
//	go run ./bench/serve -model runs/photos -side 512
//
// Clients and server share the processors. Memory is the heap after a collection, and what the process has from the
// system, after a warm-up and at the end.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"slices"
	"time"

	"github.com/pkg/errors"

	"medusa/bench/internal/cputime"
	"medusa/internal/wording"
	"medusa/model"
)

// settings are what the flags set.
type settings struct {
	clients, requests, pictures, rounds int
	side, input                         int // pixels of the pictures, and of what the network sees
	model                               string
	json                                bool
	wait                                time.Duration
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Args[1:], os.Stdout)
	stop()
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintf(os.Stderr, "serve: %v\n", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out io.Writer) error {
	var s settings
	f := flag.NewFlagSet("serve", flag.ContinueOnError)
	f.IntVar(&s.clients, "clients", 64, "`CLIENTS` that send at the same time")
	f.IntVar(&s.requests, "requests", 100000, "`REQUESTS` of one picture, of all rounds together")
	f.IntVar(&s.rounds, "rounds", 5, "`TURNS` of server and plain embedding")
	f.IntVar(&s.pictures, "pictures", 256, "`PICTURES` that differ")
	f.IntVar(&s.side, "side", 256, "`PIXELS` that they are wide and high")
	f.IntVar(&s.input, "size", 64, "`PIXELS` that the network sees")
	f.StringVar(&s.model, "model", "", "`MODEL` in place of an untrained one")
	f.BoolVar(&s.json, "json", false, "ask for JSON in place of bytes")
	f.DurationVar(&s.wait, "wait", 0, "`TIME` that a picture waits for others, as model.Options.Wait")
	if err := f.Parse(args); err != nil {
		return err
	}
	for name, n := range map[string]int{"clients": s.clients, "requests": s.requests, "rounds": s.rounds, "pictures": s.pictures, "side": s.side, "size": s.input} {
		if n < 1 {
			return errors.Errorf("-%s is %d, want 1 or more", name, n)
		}
	}
	if f.NArg() > 0 || s.requests < s.rounds*s.clients {
		return errors.Errorf("want no arguments, and at least %d requests for %d turns of %d clients", s.rounds*s.clients, s.rounds, s.clients)
	}
	return measure(ctx, s, out)
}

// measure does the rounds and prints what they come to.
func measure(ctx context.Context, s settings, out io.Writer) error {
	dir, err := os.MkdirTemp("", "medusa-load")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	files, err := writePhotos(dir, s.pictures, s.side)
	if err != nil {
		return err
	}
	if s.model == "" {
		if s.model, err = untrained(ctx, dir, s.input); err != nil {
			return err
		}
	}
	m, err := model.Load(s.model, model.Options{Wait: s.wait})
	if err != nil {
		return err
	}
	defer m.Close()
	l, err := newLoad(ctx, s, m, files)
	if err != nil {
		return err
	}
	defer l.close()
	fmt.Fprintf(out, "%s of %d×%d; the network sees %d×%d, embeddings of %d; %s of %d processors\n",
		wording.Number(s.pictures, "JPEGs"), s.side, s.side, m.Info().Net.Width, m.Info().Net.Height, m.EmbeddingSize(), runtime.GOARCH, runtime.GOMAXPROCS(0))
	if err := l.send(ctx, 4*s.clients); err != nil { // a warm-up
		return err
	}
	l.reset()
	before := memory()
	var ratios, busy []float64
	for range s.rounds {
		n := s.requests / s.rounds
		plain, err := timed(n, func() error { return plainly(ctx, m, files, n) })
		if err != nil {
			return err
		}
		served, err := timed(n, func() error { return l.send(ctx, n) })
		if err != nil {
			return err
		}
		ratios, busy = append(ratios, served.perSecond/plain.perSecond), append(busy, served.cpu/plain.cpu)
		fmt.Fprintf(out, "served %6.0f/s, %.3f ms of a processor each   plain %6.0f/s, %.3f ms   ratio of speeds %.2f\n",
			served.perSecond, served.cpu, plain.perSecond, plain.cpu, served.perSecond/plain.perSecond)
	}
	after, b := memory(), m.Batches()
	fmt.Fprintf(out, "median: %.2f of the speed of plain embedding, for %.2f of its processor time, clients included\n", median(ratios), median(busy))
	fmt.Fprintf(out, "latency of a request with %d clients: p50 %.1f ms, p99 %.1f ms\n", s.clients, 1000*l.quantile(.5), 1000*l.quantile(.99))
	fmt.Fprintf(out, "pictures in a batch: %.1f on average, plain embedding included\n", float64(b.Pictures)/float64(b.Count))
	fmt.Fprintf(out, "memory: heap %.1f MiB before, %.1f after; from the system %.0f MiB, %.0f after\n", before.heap, after.heap, before.system, after.system)
	fmt.Fprintf(out, "answers: %s, %d wrong\n", wording.Thousands(l.answers()), l.wrong.Load())
	if n := l.wrong.Load(); n > 0 {
		return errors.Errorf("%d answers were not what the model makes of the picture", n)
	}
	return nil
}

// rate is how fast pictures are embedded, and the processor time of one in milliseconds.
type rate struct{ perSecond, cpu float64 }

func timed(n int, work func() error) (rate, error) {
	began, cpu := time.Now(), cputime.Now()
	err := work()
	return rate{float64(n) / time.Since(began).Seconds(), 1000 * (cputime.Now() - cpu).Seconds() / float64(n)}, err
}

func median(of []float64) float64 {
	sorted := slices.Sorted(slices.Values(of))
	return sorted[len(sorted)/2]
}

// use is memory in MiB.
type use struct{ heap, system float64 }

func memory() use {
	runtime.GC()
	var s runtime.MemStats
	runtime.ReadMemStats(&s)
	return use{float64(s.HeapAlloc) / (1 << 20), float64(s.Sys-s.HeapReleased) / (1 << 20)}
}

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"time"

	"github.com/pkg/errors"

	"medusa/bench/internal/cputime"
	"medusa/index"
	"medusa/internal/cpu/loops"
)

// childArgument makes this program the side of Medusa, in a process of its own.
const childArgument = "measure"

func child(ctx context.Context, name string, out io.Writer) error {
	text, err := os.ReadFile(name)
	if err != nil {
		return errors.WithStack(err)
	}
	var t task
	if err := json.Unmarshal(text, &t); err != nil {
		return errors.WithStack(err)
	}
	loops.SetThreads(1)
	m := &meter{task: t, ctx: ctx, out: json.NewEncoder(out)}
	return m.all()
}

// meter measures one index.
type meter struct {
	task
	ctx     context.Context
	out     *json.Encoder
	queries []float32
	near    []int32
	x       *index.Index
	build   float64
	memory  float64
}

func (m *meter) all() (err error) {
	if m.queries, err = load[float32](m.Queries); err != nil {
		return err
	}
	if m.near, err = load[int32](m.True); err != nil {
		return err
	}
	before := inUse()
	rows, err := load[float32](m.Rows)
	if err != nil {
		return err
	}
	if m.x, err = index.New(index.Options{Dim: m.Dim}); err != nil {
		return err
	}
	items := make([]index.Item, len(rows)/m.Dim)
	for i := range items {
		items[i] = index.Item{ID: uint64(i), Vector: rows[i*m.Dim : (i+1)*m.Dim]}
	}
	if m.build, err = took(func() error { return m.x.Add(m.ctx, items...) }); err != nil {
		return err
	}
	items, rows = nil, nil
	m.memory = inUse() - before
	if err := m.measure("exact", index.SearchOptions{K: m.K, Exact: true}); err != nil || !m.Graph {
		return err
	}
	if err := m.graph(before); err != nil {
		return err
	}
	for _, effort := range m.Efforts {
		if err := m.measure(fmt.Sprintf("graph, effort %d", effort), index.SearchOptions{K: m.K, Effort: effort}); err != nil {
			return err
		}
	}
	return nil
}

// kept is what is known of a graph that is kept in a file.
type kept struct {
	Build  float64 `json:"build_s"`
	Memory float64 `json:"mib"`
}

// graph builds the graph, or opens the one that was kept.
func (m *meter) graph(before float64) (err error) {
	file, facts := m.Keep+"medusa.index", m.Keep+"medusa.json"
	if m.Keep != "" {
		if text, err := os.ReadFile(facts); err == nil {
			var k kept
			if err := json.Unmarshal(text, &k); err != nil {
				return errors.Wrap(err, facts)
			}
			m.build, m.memory = k.Build, k.Memory
			m.x, err = index.Open(file)
			return err
		}
	}
	if m.build, err = took(func() error {
		return m.x.Build(m.ctx, index.GraphOptions{Links: m.Links, Effort: m.task.Build, Threads: 1})
	}); err != nil {
		return err
	}
	m.memory = inUse() - before
	if m.Keep == "" {
		return nil
	}
	if err := m.x.Save(m.ctx, file); err != nil {
		return err
	}
	text, err := json.Marshal(kept{m.build, m.memory})
	if err != nil {
		return errors.WithStack(err)
	}
	return errors.WithStack(os.WriteFile(facts, text, 0o666))
}

// measure prints what one way to search does.
func (m *meter) measure(way string, o index.SearchOptions) error {
	r := row{Library: "medusa", Way: way, Build: m.build, Memory: m.memory}
	n := len(m.queries) / m.Dim
	hits, latencies := 0, make([]float64, n)
	for i := range n {
		began := time.Now()
		found, err := m.x.Search(m.ctx, m.queries[i*m.Dim:(i+1)*m.Dim], o)
		if err != nil {
			return err
		}
		latencies[i] = float64(time.Since(began).Nanoseconds()) / 1e3
		for _, h := range found.Of(0) {
			if slices.Contains(m.near[i*m.K:(i+1)*m.K], int32(h.ID)) {
				hits++
			}
		}
	}
	slices.Sort(latencies)
	r.Recall, r.P50, r.P99 = float64(hits)/float64(n*m.K), latencies[n/2], latencies[n*99/100]
	for range rounds {
		seconds, err := took(func() error {
			_, err := m.x.Search(m.ctx, m.queries, o)
			return err
		})
		if err != nil {
			return err
		}
		r.Speed = max(r.Speed, float64(n)/seconds)
	}
	return errors.WithStack(m.out.Encode(r))
}

// rounds is how often all queries are searched for; the fastest counts.
const rounds = 3

// took is the time that body computes, in seconds.
func took(body func() error) (float64, error) {
	began := cputime.Now()
	err := body()
	return (cputime.Now() - began).Seconds(), err
}

// inUse is the memory that Go holds after a collection, in MiB.
func inUse() float64 {
	debug.FreeOSMemory()
	var s runtime.MemStats
	runtime.ReadMemStats(&s)
	return float64(s.HeapAlloc) / (1 << 20)
}

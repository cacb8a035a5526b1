package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"io"
	"math"
	"net"
	"net/http"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pkg/errors"

	"medusa/index"
	"medusa/model"
	"medusa/serve"
)

// load is a server and the clients that ask it.
type load struct {
	settings
	url      string
	client   *http.Client
	pictures [][]byte
	want     [][]byte // embeddings as bytes
	wrong    atomic.Int64
	next     atomic.Int64
	stop     func()
	ended    chan error

	mu    sync.Mutex
	times []float64 // of the requests, in seconds
}

// newLoad begins a server on a free port.
func newLoad(ctx context.Context, s settings, m *model.Model, files []string) (*load, error) {
	l := &load{settings: s, ended: make(chan error, 1)}
	for _, path := range files {
		b, err := os.ReadFile(path)
		if err != nil {
			return nil, errors.WithStack(err)
		}
		x, err := m.EmbedReader(ctx, bytes.NewReader(b))
		if err != nil {
			return nil, err
		}
		l.pictures, l.want = append(l.pictures, b), append(l.want, bytesOf(x))
	}
	x, err := index.New(index.Options{Dim: m.EmbeddingSize(), Model: m.Fingerprint()})
	if err != nil {
		return nil, err
	}
	g, err := serve.NewGallery(x, "")
	if err != nil {
		return nil, err
	}
	server, err := serve.New(m, g, serve.Options{MaxRequests: s.clients, MaxConnections: 2 * s.clients})
	if err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, errors.WithStack(err)
	}
	serving, stop := context.WithCancel(context.Background())
	l.stop, l.url = stop, "http://"+listener.Addr().String()+"/v1/embed"
	l.client = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: s.clients, MaxConnsPerHost: s.clients}}
	go func() { l.ended <- server.Serve(serving, listener) }()
	return l, nil
}

// close ends the server.
func (l *load) close() {
	l.client.CloseIdleConnections()
	l.stop()
	<-l.ended
}

// send sends n requests by all clients.
func (l *load) send(ctx context.Context, n int) error {
	var left atomic.Int64
	left.Store(int64(n))
	var all sync.WaitGroup
	errs := make([]error, l.clients)
	for c := range l.clients {
		all.Go(func() {
			var times []float64
			for left.Add(-1) >= 0 && errs[c] == nil {
				began := time.Now()
				errs[c] = l.one(ctx, int(l.next.Add(1))%len(l.pictures))
				times = append(times, time.Since(began).Seconds())
			}
			l.mu.Lock()
			l.times = append(l.times, times...)
			l.mu.Unlock()
		})
	}
	all.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// one sends a picture and compares the answer.
func (l *load) one(ctx context.Context, i int) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, l.url, bytes.NewReader(l.pictures[i]))
	if err != nil {
		return errors.WithStack(err)
	}
	r.Header.Set("Content-Type", "image/jpeg")
	if !l.json {
		r.Header.Set("Accept", "application/octet-stream")
	}
	w, err := l.client.Do(r)
	if err != nil {
		return errors.WithStack(err)
	}
	defer w.Body.Close()
	got, err := io.ReadAll(w.Body)
	if err != nil {
		return errors.WithStack(err)
	}
	if w.StatusCode != http.StatusOK {
		return errors.Errorf("%s: %s", w.Status, got)
	}
	if l.json {
		var a struct{ Embeddings [][]float32 }
		if err := json.Unmarshal(got, &a); err != nil || len(a.Embeddings) != 1 {
			return errors.Errorf("no embedding: %.200s", got)
		}
		got = bytesOf(a.Embeddings[0])
	}
	if !bytes.Equal(got, l.want[i]) {
		l.wrong.Add(1)
	}
	return nil
}

func bytesOf(x []float32) (b []byte) {
	for _, v := range x {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
	}
	return b
}

// reset forgets the times.
func (l *load) reset() { l.times = make([]float64, 0, l.requests+l.clients) }

func (l *load) answers() int { return len(l.times) }

// quantile is the time below which a share of the requests were answered, in seconds.
func (l *load) quantile(share float64) float64 {
	slices.Sort(l.times)
	return l.times[min(int(share*float64(len(l.times))), len(l.times)-1)]
}

// plainly embeds so many files by EmbedFiles.
func plainly(ctx context.Context, m *model.Model, files []string, n int) error {
	list := make([]string, 0, n)
	for len(list) < n {
		list = append(list, files[len(list)%len(files)])
	}
	done := 0
	for len(list) > 0 { // a list may name a file once
		part := list[:min(len(files), len(list))]
		err := m.EmbedFiles(ctx, part, model.EmbedOptions{}, func(string, []float32) error {
			done++
			return nil
		})
		if err != nil {
			return err
		}
		list = list[len(part):]
	}
	if done != n {
		return errors.Errorf("%d of %d files were embedded", done, n)
	}
	return nil
}

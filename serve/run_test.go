package serve

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// running is a server on a port of its own.
func (s *site) running() (stop context.CancelFunc, ended chan error) {
	s.t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(s.t, err)
	ctx, stop := context.WithCancel(context.Background())
	s.t.Cleanup(stop)
	ended = make(chan error, 1)
	s.url = "http://" + l.Addr().String()
	go func() { ended <- s.server.Serve(ctx, l) }()
	return stop, ended
}

// What is under way when the end comes is answered; what comes later is not.
func TestServeEndsGracefully(t *testing.T) {
	s := begin(t, Options{})
	stop, ended := s.running()
	for range cap(s.server.decoders) {
		s.server.decoders <- struct{}{} // so that requests wait
	}
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			w, err := http.Post(s.url+"/v1/items", "image/png", bytes.NewReader(drawing(0, 0)))
			if assert.NoError(t, err) {
				w.Body.Close()
				assert.Equal(t, 201, w.StatusCode)
			}
		})
	}
	require.Eventually(t, func() bool { return len(s.server.slots) == 8 }, 5*time.Second, time.Millisecond)
	stop()
	require.Eventually(t, s.server.stopping.Load, time.Second, time.Millisecond)
	select {
	case err := <-ended:
		t.Fatal("it did not wait", err)
	case <-time.After(20 * time.Millisecond):
	}
	for range cap(s.server.decoders) {
		<-s.server.decoders
	}
	all.Wait()
	require.NoError(t, <-ended)
	require.Equal(t, 8, s.gallery.x.Len())
	_, err := http.Get(s.url + "/healthz")
	require.Error(t, err)
	_, ready := s.server.problemOf(t.Context(), s.server.ready(nil, nil))
	require.False(t, ready)
}

func TestServeWantsAListener(t *testing.T) {
	s := begin(t, Options{})
	require.ErrorContains(t, s.server.Serve(context.Background(), nil), "Serve wants a context and a listener")
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	l.Close()
	require.Error(t, s.server.Serve(context.Background(), l))
}

// Of many connections the server has so many open as it may; the others are told, or closed, and nobody waits for
// them.
func TestConnections(t *testing.T) {
	s := begin(t, Options{MaxConnections: 20})
	stop, ended := s.running()
	address := strings.TrimPrefix(s.url, "http://")
	var open []net.Conn
	defer func() {
		for _, c := range open {
			c.Close()
		}
	}()
	for range 20 {
		c, err := net.Dial("tcp", address)
		require.NoError(t, err)
		open = append(open, c)
		fmt.Fprintf(c, "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
		b := make([]byte, 12)
		_, err = io.ReadFull(c, b)
		require.NoError(t, err)
		require.Equal(t, "HTTP/1.1 200", string(b))
	}
	for range 30 {
		w, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Post(s.url+"/v1/embed", "image/png", bytes.NewReader(drawing(0, 0)))
		require.NoError(t, err)
		b, err := io.ReadAll(w.Body)
		require.NoError(t, err)
		w.Body.Close()
		require.Equal(t, 503, w.StatusCode)
		require.Equal(t, "1", w.Header.Get("Retry-After"))
		require.Contains(t, string(b), "the server has as many connections as it takes")
	}
	open[0].Close()
	require.Eventually(t, func() bool {
		w, err := http.Get(s.url + "/metrics")
		if err != nil {
			return false
		}
		defer w.Body.Close()
		b, _ := io.ReadAll(w.Body)
		return strings.Contains(string(b), "medusa_connections_refused_total 3")
	}, 5*time.Second, 5*time.Millisecond, "a free one is used")
	stop()
	require.NoError(t, <-ended)
}

// A thousand connections at once, with MEDUSA_LONG ten thousand: some are served, others are told or closed, and the server
// goes on.
func TestManyConnections(t *testing.T) {
	each := 20
	if os.Getenv("MEDUSA_LONG") != "" {
		each = 200
	}
	s := begin(t, Options{MaxConnections: 100})
	stop, ended := s.running()
	address := strings.TrimPrefix(s.url, "http://")
	var served, told, closed, failed atomic.Int64
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() {
			for range each {
				c, err := net.DialTimeout("tcp", address, 5*time.Second)
				if err != nil {
					failed.Add(1)
					continue
				}
				all.Go(func() { // stays until the server closes it
					defer c.Close()
					c.SetDeadline(time.Now().Add(300 * time.Millisecond))
					fmt.Fprintf(c, "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
					b, _ := io.ReadAll(c)
					switch {
					case strings.HasPrefix(string(b), "HTTP/1.1 200"):
						served.Add(1)
					case strings.HasPrefix(string(b), "HTTP/1.1 503"):
						told.Add(1)
					default:
						closed.Add(1)
					}
				})
			}
		})
	}
	all.Wait()
	t.Logf("%d were served, %d told, %d closed, %d did not come through", served.Load(), told.Load(), closed.Load(), failed.Load())
	require.Positive(t, served.Load())
	require.Positive(t, told.Load())
	require.EqualValues(t, 50*each, served.Load()+told.Load()+closed.Load()+failed.Load())
	require.Eventually(t, func() bool {
		w, err := http.Post(s.url+"/v1/embed", "image/png", bytes.NewReader(drawing(0, 0)))
		if err != nil {
			return false
		}
		w.Body.Close()
		return w.StatusCode == 200
	}, 20*time.Second, 50*time.Millisecond, "the server goes on")
	stop()
	require.NoError(t, <-ended)
}

package cuda_test

import (
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"medusa/internal/cuda"
)

// What a call costs on the side of Go: the fake does next to nothing. One call is two, with
// the one that makes the context current.
func BenchmarkCall(b *testing.B) {
	_, s, f := device(b)
	f.Set("quiet", 1)
	for b.Loop() {
		_, err := s.Done()
		require.NoError(b, err)
	}
}

func BenchmarkLaunch(b *testing.B) {
	c, s, f := device(b)
	f.Set("quiet", 1)
	f.Set("lazy", 0)
	fn := load(b, c, "saxpy")
	x := alloc(b, c, s, []float32{1})
	a := cuda.NewArgs().Buffer(x).Buffer(x).Float32(3).Int32(1)
	b.ReportAllocs()
	for b.Loop() {
		require.NoError(b, fn.Launch(s, cuda.Dim{X: 1}, cuda.Dim{X: 32}, 0, a))
	}
}

// The other way to keep a context: one goroutine on its own thread that is sent every call.
func BenchmarkHandOver(b *testing.B) {
	calls, done := make(chan func()), make(chan struct{})
	go func() {
		runtime.LockOSThread()
		for f := range calls {
			f()
			done <- struct{}{}
		}
	}()
	f := func() {}
	for b.Loop() {
		calls <- f
		<-done
	}
	close(calls)
}

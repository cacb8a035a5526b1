package cuda_test

import (
	"errors"
	"fmt"

	"medusa/internal/cuda"
)

// Without a GPU, Open says which kind of thing is missing; the program goes on.
func ExampleOpen() {
	d, err := cuda.Open()
	var library *cuda.LibraryError
	kind := "something else"
	switch {
	case err == nil:
		n, _ := d.DeviceCount()
		kind = fmt.Sprintf("%d GPUs of %s", n, d.Path())
	case errors.As(err, &library):
		kind = "no " + library.Library
	case errors.Is(err, cuda.NoDevice):
		kind = "a driver and no GPU"
	}
	_ = kind // differs from machine to machine
	fmt.Println("the program goes on")
	// Output: the program goes on
}

// A training step that was captured once is launched as a whole.
func ExampleStream_Capture() {
	err := step()
	fmt.Println("done, or an error without a panic:", err == nil || err.Error() != "")
	// Output: done, or an error without a panic: true
}

func step() error {
	d, err := cuda.Open()
	if err != nil {
		return err
	}
	device, err := d.Device(0)
	if err != nil {
		return err
	}
	c, err := device.Context()
	if err != nil {
		return err
	}
	defer c.Close()
	s, err := c.NewStream()
	if err != nil {
		return err
	}
	defer s.Close()
	weights, err := c.Alloc(1 << 20)
	if err != nil {
		return err
	}
	defer weights.Free()
	if err := s.Capture(); err != nil {
		return err
	}
	if err := s.FillWords(weights, 0, 1<<18); err != nil { // and kernels, products, copies
		return err
	}
	g, err := s.EndCapture()
	if err != nil {
		return err
	}
	defer g.Close()
	for range 100 {
		if err := g.Launch(s); err != nil {
			return err
		}
	}
	return s.Synchronize()
}

// Row-major matrices, as the rest of the program has them.
func ExampleGemm_RowMajor() {
	g := cuda.Gemm{M: 32, N: 10, K: 64, LDA: 64, LDB: 10, LDC: 10}.RowMajor()
	fmt.Println(g.M, g.N, g.K, g.LDA, g.LDB, g.LDC)
	// Output: 10 32 64 10 64 10
}

// The side of a result with padding and stride, without asking cuDNN.
func ExampleConvShape_Out() {
	fmt.Println(cuda.ConvShape{N: 32, C: 3, H: 28, W: 28, K: 64, R: 3, S: 3, PadH: 1, PadW: 1, StrideH: 2, StrideW: 2}.Out())
	// Output: 14 14
}

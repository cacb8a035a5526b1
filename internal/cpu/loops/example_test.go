package loops_test

import (
	"fmt"

	"medusa/internal/cpu/loops"
	"medusa/internal/spec"
)

func ExampleGemm() {
	a := []float32{1, 2, 3, 4, 5, 6} // 2×3
	b := []float32{1, 0, 0, 1, 1, 1} // 3×2
	c := make([]float32, 4)
	loops.Gemm(false, false, 2, 2, 3, 1, a, 3, b, 2, 0, c, 2)
	fmt.Println(c)
	// Output: [4 5 10 11]
}

func ExampleGemmBias() {
	x := []float32{1, 2, 3, 4}        // two rows
	w := []float32{1, 1, 1, -1, 0, 2} // three units of two inputs
	y := make([]float32, 2*3)
	loops.GemmBias(false, true, 2, 3, 2, x, 2, w, 2, []float32{0, 0, -5}, true, y, 3)
	fmt.Println(y)
	// Output: [3 0 0 7 0 3]
}

func ExampleConvForward() {
	p := &spec.Conv2D{N: 1, C: 1, H: 3, W: 3, OutC: 1, KH: 3, KW: 3, PadH: 1, PadW: 1}
	x := []float64{0, 0, 0, 0, 1, 0, 0, 0, 0}
	w := []float64{1, 2, 3, 4, 5, 6, 7, 8, 9}
	y := make([]float64, p.OutH()*p.OutW())
	var ws loops.Workspace[float64]
	loops.ConvForward(p, x, w, nil, y, false, &ws)
	fmt.Println(y)
	// Output: [9 8 7 6 5 4 3 2 1]
}

func ExampleParallel() {
	squares := make([]int, 5)
	loops.Parallel(len(squares), 2, func(lo, hi int) {
		for i := lo; i < hi; i++ {
			squares[i] = i * i
		}
	})
	fmt.Println(squares)
	// Output: [0 1 4 9 16]
}

func ExampleExp() {
	y := make([]float32, 3)
	loops.Exp(y, []float32{0, 1, -1000})
	fmt.Println(y)
	// Output: [1 2.7182817 0]
}

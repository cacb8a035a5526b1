package loops

import "unsafe"

// simd holds an instruction set's functions of float32; where one is nil, a Go loop is
// used.
type simd struct {
	transpose4     func(dst, r0, r1, r2, r3 *float32, blocks, pitch int)
	turn, turnHalf func(dst, src *float32, count, pitch, step int, ahead *float32) // a vector of rows, half of one
	copyRows       func(dst, src *float32, width, rows, dstPitch, srcPitch int)
	gather         func(dst, src unsafe.Pointer, rows *int, count int, chunks *chunk, chunkCount, pitch int)

	dots  func(out, x, r0, r1, r2, r3 *float32, n int)
	fetch func(r0, r1, r2, r3 *float32, lines int)

	shortTile func(c *float32, cRow int, x *int16, xRow int, panel *int16, quads int, alpha float32)
	shorten   func(dst *int16, src *float32, blocks int, scale float32)
	lengthen  func(dst *float32, src *int8, blocks int, scale float32)

	byteProducts func(dst *float32, x *int16, panel *int8, scale, bias, slack *float32, panels, quads int, alpha, c float32)

	tileInput, tileOutput, tileGrad func(*tileArgs) // of tiles
	tileWeight                      func(*tileArgs) // of windows
	tileFilter                      [filterParts]func(*tileArgs)
	tileProducts                    func(*tileArgs) // of windows, with a single tile

	maxPool     func(y *float32, arg *int32, x *float32, width, rows, cols int)
	maxPoolGrad func(dx, dy *float32, arg *int32, width, rows, cols int)

	peak func(rounds int)

	add, sub, mul, addRelu func(dst, x, y *float32, n int)
	axpy                   func(dst, x *float32, n int, k float32)
	mulAffine              func(dst, x, y *float32, n int, k, c float32)
	addMulAffine           func(dst, x, y *float32, n int, k, c float32)
	affine                 func(dst, x *float32, n int, k, c float32)
	relu, exp, log         func(dst, x *float32, n int)

	div, maxOf, minOf, greater, greaterEqual, same func(dst, x, y *float32, n int)
	above, equals                                  func(dst, x *float32, n int, k float32)
	clamp                                          func(dst, x *float32, n int, lo, hi float32)
	clampGrad                                      func(dst, x, dy *float32, n int, lo, hi float32)
	sqrt, sigmoid, softplus                        func(dst, x *float32, n int)
	sqrtGrad, squareGrad                           func(dst, x, dy *float32, n int)
	sigmoidGrad, softplusGrad                      func(dst, x, dy *float32, n int)
	apart, apartSquared                            func(dst, dots, norms *float32, n int, norm, near, tiny float32)
	pull, pullSquared                              func(dst, flag, grad, back, d, norms *float32, n int, norm, near, tiny float32)

	reluGrad                 func(dst, y, dy *float32, n int)
	normalize, normalizeRelu func(dst, x *float32, n int, mean, scale, shift float32)
	normalizeGrad            func(dst, x, dy *float32, n int, mean, scale, level, slope float32)
	normalizeReluGrad        func(dst, x, dy *float32, n int, mean, scale, shift, level, slope float32)
	sgd                      func(w, g *float32, n int, scale, decay, lr float32)
	momentum, nesterov       func(w, v, g *float32, n int, scale, decay, lr, mu float32)
	adam                     func(w, m, v, g *float32, n int, scale, decay, keep, b1, b2, c2, rate, root, eps float32)
	rmsprop                  func(w, v, g *float32, n int, scale, decay, lr, a, c, eps float32)

	where         func(dst, x, mask *float32, n int, k float32)
	expWhere      func(dst, x, mask *float32, n int, k, c float32)
	hingeBetween  func(dst, x, mask *float32, n int, up, k, c, low, high float32)
	squareBetween func(dst, x, mask *float32, n int, up, k, c, low, high float32)
	between       func(dst, x, mask *float32, n int, k, low, high float32)
	hinge         func(dst, x *float32, n int, k, c float32)
	hingeGrad     func(dst, y, dy *float32, n int, k float32)
	spanGrad      func(dst, x *float32, n int, k, at, from, to float32)

	gelu, hardSwish         func(dst, x *float32, n int)
	geluGrad, hardSwishGrad func(dst, x, dy *float32, n int)
	swish                   func(dst, x *float32, n int, k float32)
	swishGrad               func(dst, x, dy *float32, n int, k float32)
	geluTanh                func(dst, x *float32, n int, k, c float32)
	geluTanhGrad            func(dst, x, dy *float32, n int, k, c float32)
	layerNorm               func(dst, x, gamma, beta *float32, n int, mean, scale float32)
	layerNormParamsGrad     func(dgamma, dbeta, x, dy *float32, n int, mean, scale float32)
	depthTaps               func(args *depthArgs)

	squaresApart, products func(sums *float64, a, b *float32, quads int)

	skipAbove func(x, y *float32, n int, limit float32) int
	nonZero   func(where *int32, x *float32, n, most int) int

	sums bool // the sums in lanes have assembly
	wide bool // in vectors of sixteen
}

package loops

import "unsafe"

// poolWidth is the narrowest plane for the assembly: it reads and writes up to half a
// vector behind a row, which has to lie in the rows that follow.
const poolWidth = 8

// maxPoolRows does rows of 2×2 windows in assembly and returns how many: all, but for the
// last row of the last plane, behind which nothing may be written.
func maxPoolRows[T Float](width, oh, ow int, last bool, in, out []T, at []int32) int {
	f := active.simd.maxPool
	if last {
		oh--
	}
	if f == nil || !isSingle[T]() || width < poolWidth || oh < 1 {
		return 0
	}
	f(single(out), unsafe.SliceData(at), single(in), width, oh, ow)
	return oh
}

// maxPoolGradRows does the same for the gradient.
func maxPoolGradRows[T Float](oh, ow int, last bool, dy []T, at []int32, dx []T) int {
	f := active.simd.maxPoolGrad
	if last {
		oh--
	}
	if f == nil || !isSingle[T]() || 2*ow < poolWidth || oh < 1 {
		return 0
	}
	f(single(dx), single(dy), unsafe.SliceData(at), 2*ow, oh, ow)
	return oh
}

package loops

// normalizePlane computes y = (x − mean)·scale + shift, cut at zero if relu is set.
func normalizePlane[T Float](y, x []T, mean, scale, shift T, relu bool) {
	x = x[:len(y)]
	if f := active.simd.normalize; f != nil && isSingle[T]() && len(x) >= worthwhile {
		if relu {
			f = active.simd.normalizeRelu
		}
		f(single(y), single(x), len(y), float32(mean), float32(scale), float32(shift))
		return
	}
	if relu {
		for i, v := range x {
			y[i] = max(T((v-mean)*scale)+shift, 0)
		}
		return
	}
	for i, v := range x {
		y[i] = T((v-mean)*scale) + shift
	}
}

// normalizePlaneGrad computes dx = scale·(d − level − (x − mean)·slope), where d is dy
// and, if relu is set, 0 where normalizePlane's result was cut.
func normalizePlaneGrad[T Float](dx, x, dy []T, mean, scale, shift, level, slope T, relu bool) {
	x, dy = x[:len(dx)], dy[:len(dx)]
	if f := active.simd.normalizeGrad; f != nil && isSingle[T]() && len(x) >= worthwhile {
		if relu {
			active.simd.normalizeReluGrad(single(dx), single(x), single(dy), len(dx),
				float32(mean), float32(scale), float32(shift), float32(level), float32(slope))
			return
		}
		f(single(dx), single(x), single(dy), len(dx), float32(mean), float32(scale), float32(level), float32(slope))
		return
	}
	for i, v := range x {
		d, u := dy[i], v-mean
		if relu {
			d = gate(T(u*scale)+shift, d)
		}
		dx[i] = T(scale * T(T(d-level)-T(u*slope)))
	}
}

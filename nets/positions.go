package nets

import "math"

// resampledPositions are learned positions, from.h·from.w rows of d numbers, for another grid of patches: bicubic, between
// the middles of pixels, as PyTorch's interpolate. With antialias the filter widens where the grid shrinks, as timm
// has it; without, as Hugging Face.
func resampledPositions(values []float32, d int, from, to [2]int, antialias bool) []float32 {
	rows := bicubicWeights(from[0], to[0], antialias)
	columns := bicubicWeights(from[1], to[1], antialias)
	out := make([]float32, to[0]*to[1]*d)
	for y, wy := range rows {
		for x, wx := range columns {
			cell := out[(y*to[1]+x)*d:][:d]
			for _, a := range wy {
				for _, b := range wx {
					w := a.weight * b.weight
					for i, v := range values[(a.at*from[1]+b.at)*d:][:d] {
						cell[i] += float32(w * float64(v))
					}
				}
			}
		}
	}
	return out
}

// tap is the weight of a pixel.
type tap struct {
	at     int
	weight float64
}

// bicubicWeights are those of each of so many new pixels.
func bicubicWeights(from, to int, antialias bool) [][]tap {
	scale := float64(from) / float64(to)
	out := make([][]tap, to)
	for i := range out {
		middle := scale * (float64(i) + 0.5)
		if antialias {
			out[i] = widened(from, middle, max(scale, 1))
		} else {
			out[i] = fourTaps(from, middle-0.5)
		}
	}
	return out
}

// widened are the pixels within two times width of a middle, by the kernel of a = −1/2 that is so many times as wide.
func widened(from int, middle, width float64) (taps []tap) {
	sum := 0.0
	for at := max(int(middle-2*width+0.5), 0); at < min(int(middle+2*width+0.5), from); at++ {
		w := cubicKernel((float64(at)-middle+0.5)/width, -0.5)
		taps, sum = append(taps, tap{at, w}), sum+w
	}
	for i := range taps {
		taps[i].weight /= sum
	}
	return taps
}

// fourTaps are the four pixels about a place, by the kernel of a = −3/4; those beyond the edge are the edge's.
func fourTaps(from int, at float64) (taps []tap) {
	first := int(math.Floor(at)) - 1
	for k := first; k < first+4; k++ {
		taps = append(taps, tap{min(max(k, 0), from-1), cubicKernel(at-float64(k), -0.75)})
	}
	return taps
}

// cubicKernel is that of R. Keys, "Cubic Convolution Interpolation for Digital Image Processing", 1981.
func cubicKernel(x, a float64) float64 {
	x = math.Abs(x)
	switch {
	case x < 1:
		return ((a+2)*x-(a+3))*x*x + 1
	case x < 2:
		return ((x-5)*x+8)*x*a - 4*a
	}
	return 0
}

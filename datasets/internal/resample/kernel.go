package resample

import "math"

// Kernel is a filter: how much a pixel counts at a distance.
type Kernel struct {
	reach float64 // beyond which nothing counts
	at    func(t float64) float64
	// settled computes as Pillow does, with weights of weightBits, and brings numbers to whole values of 0 … 255 between
	// the two directions and at the end. A filter that overshoots would give others beside edges otherwise.
	settled bool
}

// Triangle and Cubic are Pillow's BILINEAR and BICUBIC. Cubic is the convolution of R. Keys, "Cubic Convolution
// Interpolation for Digital Image Processing", 1981, with a = −½ (Catmull-Rom).
var (
	Triangle = Kernel{reach: 1, at: func(t float64) float64 { return 1 - t }}
	Cubic    = Kernel{reach: 2, at: keys, settled: true}
)

func keys(t float64) float64 {
	const a = -0.5
	if t < 1 {
		return ((a+2)*t-(a+3))*t*t + 1
	}
	return (((t-5)*t+8)*t - 4) * a
}

// windows spreads n pixels of a source over those of a result, of which it gives from … to−1.
func (k Kernel) windows(result, n, from, to int) []window {
	scale := float64(n) / float64(result)
	half, shrink := k.reach, 1.0
	if scale > 1 {
		half, shrink = float64(k.reach*scale), 1/scale
	}
	list := make([]window, to-from)
	for j := range list {
		w := &list[j]
		centre := float64((float64(from+j)+0.5)*scale) - 0.5
		total := 0.0
		for i := max(int(math.Floor(centre-half)), 0); i < min(int(math.Ceil(centre+half)), n); i++ {
			t := math.Abs((centre - float64(i)) * shrink)
			if t >= k.reach {
				continue
			}
			weight := k.at(t)
			if len(w.weights) == 0 {
				w.first = i
			}
			w.weights = append(w.weights, weight)
			total += weight
		}
		w.inverse = 1 / total
		if k.settled {
			w.round()
		}
	}
	return list
}

// weightBits are those of Pillow's weights behind the point.
const weightBits = 22

// round makes the weights those of Pillow, whose sum is about 1.
func (w *window) round() {
	for i, v := range w.weights {
		w.weights[i] = math.Round(v*w.inverse*(1<<weightBits)) / (1 << weightBits)
	}
	w.inverse = 1
}

// settle brings shares of 0 … 1 to whole 255ths.
func settle(row []float64) {
	for i, v := range row {
		row[i] = float64(nearest(v)) / 0xff
	}
}

// nearest is the value of 0 … 255 of a share of 0 … 1. Halves go upwards, as far as weights tell them apart.
func nearest(share float64) byte {
	const half = 0.5 + 0x1p-30
	return byte(min(max(math.Floor(float64(0xff*share)+half), 0), 0xff))
}

// putNearest draws a row of sums of opaque pixels over pix, which is of RGBA.
func putNearest(pix []byte, sums []float64, channels int, scale float64) {
	for x := 0; x < len(pix); x += 4 {
		for c := range 3 {
			pix[x+c] = nearest(sums[x/4*channels+min(c, channels-1)] * scale)
		}
		pix[x+3] = 0xff
	}
}

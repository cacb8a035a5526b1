package nets

import (
	"maps"
	"math"
	"math/rand/v2"
	"slices"

	"gonum.org/v1/gonum/mat"
	"gorgonia.org/tensor"

	"medusa/graph"
)

// The initialisations by name. Fan-in is the number of inputs of a neuron, fan-out that
// of the outputs that an input reaches; a filter counts each pixel of its window.
var inits = map[string]graph.Init{
	"pytorch":        scaled(uniform, 1./3, inward), // U(±1/√fan-in): PyTorch's layers, He et al. with a = √5
	"he-normal":      scaled(normal, 2, inward),     // K. He et al., "Delving Deep into Rectifiers", ICCV 2015
	"he-normal-out":  scaled(normal, 2, outward),    // the same by fan-out: torchvision's ResNets
	"he-uniform":     scaled(uniform, 2, inward),
	"glorot-normal":  scaled(normal, 1, between), // X. Glorot and Y. Bengio, AISTATS 2010
	"glorot-uniform": scaled(uniform, 1, between),
	"lecun-normal":   scaled(normal, 1, inward), // Y. LeCun et al., "Efficient BackProp", 1998
	"orthogonal":     orthogonal,                // A. Saxe et al., ICLR 2014
	"transformer":    deviating(0.02),           // A. Dosovitskiy et al., ICLR 2021, and many others
}

// Inits lists the initialisations in alphabetical order.
func Inits() []string { return slices.Sorted(maps.Keys(inits)) }

// Initializer is the initialisation of weights (O, I) or (O, I, KH, KW) by its name:
//
//	pytorch         uniform within ±1/√fan-in
//	he-normal       normal, variance 2/fan-in; he-uniform: uniform of that variance
//	he-normal-out   normal, variance 2/fan-out
//	glorot-normal   normal, variance 2/(fan-in + fan-out); glorot-uniform: uniform
//	lecun-normal    normal, variance 1/fan-in
//	orthogonal      rows (or columns, if fewer) orthonormal
//	transformer     normal, deviation 0.02, whatever the fan-in
func Initializer(name string) (graph.Init, error) {
	if init := inits[name]; init != nil {
		return init, nil
	}
	return nil, oneOf("init", name, Inits())
}

func uniform(rng *rand.Rand, variance float64) float64 {
	return (2*rng.Float64() - 1) * math.Sqrt(3*variance)
}

func normal(rng *rand.Rand, variance float64) float64 { return rng.NormFloat64() * math.Sqrt(variance) }

func inward(in, _ float64) float64    { return in }
func outward(_, out float64) float64  { return out }
func between(in, out float64) float64 { return (in + out) / 2 }

// scaled draws numbers of variance gain/fan.
func scaled(draw func(*rand.Rand, float64) float64, gain float64, fan func(in, out float64) float64) graph.Init {
	return func(rng *rand.Rand, shape tensor.Shape, dst []float64) {
		in, out := fans(shape)
		variance := gain / fan(in, out)
		for i := range dst {
			dst[i] = draw(rng, variance)
		}
	}
}

// fans are fan-in and fan-out of weights (O, I, …).
func fans(shape tensor.Shape) (in, out float64) {
	window := 1.0
	for _, n := range shape[min(2, len(shape)):] {
		window *= float64(n)
	}
	in = window
	if len(shape) > 1 {
		in *= float64(shape[1])
	}
	return in, window * float64(shape[0])
}

// deviating draws normal numbers of a deviation.
func deviating(deviation float64) graph.Init {
	return func(rng *rand.Rand, _ tensor.Shape, dst []float64) {
		for i := range dst {
			dst[i] = deviation * rng.NormFloat64()
		}
	}
}

func rsqrt(n int) float64 { return 1 / math.Sqrt(float64(n)) }

// uniformWithin draws from [−limit, limit).
func uniformWithin(limit float64) graph.Init {
	return func(rng *rand.Rand, _ tensor.Shape, dst []float64) {
		for i := range dst {
			dst[i] = (2*rng.Float64() - 1) * limit
		}
	}
}

// orthogonal is the orthogonal factor of a matrix (O, rest) of normal numbers. Signs are
// set by the triangular factor's diagonal, so that it is uniform over all such matrices
// (F. Mezzadri, Notices of the AMS 54, 2007).
func orthogonal(rng *rand.Rand, shape tensor.Shape, dst []float64) {
	rows := shape[0]
	cols := len(dst) / rows
	tall, wide := max(rows, cols), min(rows, cols)
	a := mat.NewDense(tall, wide, nil)
	for i := range tall {
		for j := range wide {
			a.Set(i, j, rng.NormFloat64())
		}
	}
	var qr mat.QR
	qr.Factorize(a)
	var q, r mat.Dense
	qr.QTo(&q)
	qr.RTo(&r)
	for i := range tall {
		for j := range wide {
			v := q.At(i, j)
			if r.At(j, j) < 0 {
				v = -v
			}
			if rows >= cols {
				dst[i*cols+j] = v
			} else {
				dst[j*cols+i] = v
			}
		}
	}
}

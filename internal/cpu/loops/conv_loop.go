package loops

import "medusa/internal/spec"

// The loops here are the meaning of the convolution kernels.

// convTaps calls visit for every product in the convolution: y[yi] += x[xi]·w[wi].
func convTaps(p *spec.Conv2D, n int, visit func(oc, yi, xi, wi int)) {
	q := p.WithDefaults()
	oh, ow := q.OutH(), q.OutW()
	cg, og := q.C/q.Groups, q.OutC/q.Groups
	for oc := range q.OutC {
		for i := range oh {
			for j := range ow {
				yi := ((n*q.OutC+oc)*oh+i)*ow + j
				for c := range cg {
					for kh := range q.KH {
						h := i*q.StrideH + kh*q.DilH - q.PadH
						if h < 0 || h >= q.H {
							continue
						}
						for kw := range q.KW {
							w := j*q.StrideW + kw*q.DilW - q.PadW
							if w < 0 || w >= q.W {
								continue
							}
							visit(oc, yi, ((n*q.C+oc/og*cg+c)*q.H+h)*q.W+w, ((oc*cg+c)*q.KH+kh)*q.KW+kw)
						}
					}
				}
			}
		}
	}
}

func convForwardLoop[T Float](p *spec.Conv2D, x, w, bias, y []T, relu bool) {
	plane := p.OutH() * p.OutW()
	Parallel(p.N, 1, func(lo, hi int) {
		for n := lo; n < hi; n++ {
			image := y[n*p.OutC*plane : (n+1)*p.OutC*plane]
			for i := range image {
				image[i] = 0
				if bias != nil {
					image[i] = bias[i/plane]
				}
			}
			convTaps(p, n, func(_, yi, xi, wi int) { y[yi] += x[xi] * w[wi] })
			for i, v := range image {
				if relu && v < 0 {
					image[i] = 0
				}
			}
		}
	})
}

func convGradInputLoop[T Float](p *spec.Conv2D, dy, w, dx []T) {
	image := p.C * p.H * p.W
	Parallel(p.N, 1, func(lo, hi int) {
		clear(dx[lo*image : hi*image])
		for n := lo; n < hi; n++ {
			convTaps(p, n, func(_, yi, xi, wi int) { dx[xi] += dy[yi] * w[wi] })
		}
	})
}

func convGradWeightLoop[T Float](p *spec.Conv2D, x, dy, dw, dbias []T) {
	clear(dw)
	for n := range p.N {
		convTaps(p, n, func(_, yi, xi, wi int) { dw[wi] += dy[yi] * x[xi] })
	}
	if dbias == nil {
		return
	}
	plane := p.OutH() * p.OutW()
	clear(dbias)
	for i, v := range dy[:p.N*p.OutC*plane] {
		dbias[i/plane%p.OutC] += v
	}
}

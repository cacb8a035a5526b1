package loops

import "medusa/internal/spec"

// Workspace is the scratch memory of a convolution. Its owner is the caller: it grows on
// first use, is reused by later calls, and serves one call at a time. The zero value is
// ready.
type Workspace[T Float] struct {
	product convProduct[T]
	weight  convWeight[T]
	tiles   winogradConv
	places  smallPlanesConv
	depth   convDepth[T]
}

// ConvForward computes y = x ⋆ w + bias, cut at zero if relu is set. bias has OutC
// entries or is nil; y is overwritten.
func ConvForward[T Float](p *spec.Conv2D, x, w, bias, y []T, relu bool, ws *Workspace[T]) {
	ConvScaled(p, x, w, nil, nil, bias, y, relu, ws)
}

// ConvScaled computes y = scale · (x ⋆ w) + bias, a convolution and a normalisation of its
// channels, cut at zero if relu is set. scale has OutC entries or is nil, like bias. ready is what is kept
// beside weights that do not change, or nil.
func ConvScaled[T Float](p *spec.Conv2D, x, w []T, ready *Ready[T], scale, bias, y []T, relu bool, ws *Workspace[T]) {
	q := p.WithDefaults()
	checkConvLengths("ConvForward", &q, x, w, y)
	if scale != nil {
		mustHold("ConvForward", "scale", scale, q.OutC)
	}
	if bias != nil {
		mustHold("ConvForward", "bias", bias, q.OutC)
	}
	if q.Depthwise() {
		ws.depth.forward(&q, x, w, scale, bias, y, relu)
		return
	}
	if worthWinograd[T](&q, q.C, q.OutC, q.OutH(), q.OutW()) {
		ws.tiles.forward(&q, singles(x), singles(w), singles(scale), singles(bias), singles(y), relu, singleReady(ready))
		return
	}
	if ws.places.worthPlaces(&q, isSingle[T]()) {
		ws.places.forward(&q, singles(x), singles(w), singles(scale), singles(bias), singles(y), relu, singleReady(ready))
		return
	}
	c := &ws.product
	c.begin(q.N, q.Groups, q.OutC/q.Groups, x, y)
	c.scale, c.bias, c.relu = scale, bias, relu
	c.convWindow.forward(&q, c.groups)
	c.dstH, c.dstW = q.OutH(), q.OutW()
	c.place0, c.placeStep = [2]int{}, [2]int{1, 1}
	c.weights, c.ready, c.backward = w, ready, false
	c.run()
}

// ConvGradInput computes the gradient with respect to x from dy, the gradient with
// respect to y. dx is overwritten.
func ConvGradInput[T Float](p *spec.Conv2D, dy, w, dx []T, ws *Workspace[T]) {
	q := p.WithDefaults()
	checkConvLengths("ConvGradInput", &q, dx, w, dy)
	if q.Depthwise() {
		ws.depth.gradInput(&q, dy, w, dx)
		return
	}
	if worthWinograd[T](&q, q.OutC, q.C, q.H, q.W) {
		ws.tiles.backward(&q, singles(dy), singles(w), singles(dx))
		return
	}
	if ws.places.worthPlaces(&q, isSingle[T]()) {
		ws.places.gradInput(&q, singles(dy), singles(w), singles(dx))
		return
	}
	c := &ws.product
	// With a stride of s, every s-th row and column of dx sees its own taps of w: each
	// such part is a convolution of dy with stride 1.
	for h := range min(q.StrideH, q.H) {
		for w0 := range min(q.StrideW, q.W) {
			c.begin(q.N, q.Groups, q.C/q.Groups, dy, dx)
			c.convWindow.backward(&q, h, w0)
			c.dstH, c.dstW = q.H, q.W
			c.place0, c.placeStep = [2]int{h, w0}, [2]int{q.StrideH, q.StrideW}
			c.weights, c.backward = w, true
			c.allTaps = q.KH * q.KW
			c.tapIndex = c.tapIndex[:0]
			for i := range q.KH {
				for j := range q.KW {
					if (h+q.PadH-i*q.DilH)%q.StrideH == 0 && (w0+q.PadW-j*q.DilW)%q.StrideW == 0 {
						c.tapIndex = append(c.tapIndex, i*q.KW+j)
					}
				}
			}
			c.run()
		}
	}
}

func checkConvLengths[T Float](kernel string, p *spec.Conv2D, x, w, y []T) {
	mustHold(kernel, "x", x, p.N*p.C*p.H*p.W)
	mustHold(kernel, "w", w, p.OutC*p.C/p.Groups*p.KH*p.KW)
	mustHold(kernel, "y", y, p.N*p.OutC*p.OutH()*p.OutW())
}

package cpu

import "github.com/pkg/errors"

// Conv2D is the geometry of a two-dimensional convolution (cross-correlation, as
// everywhere in the field) of activations x (N, C, H, W) with weights
// w (OutC, C/Groups, KH, KW) to y (N, OutC, OutH, OutW). Zeros in strides, dilations
// and Groups mean 1.
type Conv2D struct {
	N, C, H, W       int // input
	OutC, KH, KW     int // filters
	StrideH, StrideW int // step of the window; 1 if zero
	PadH, PadW       int // zeros on each side
	DilH, DilW       int // distance between taps; 1 if zero
	Groups           int // channels fall into so many independent groups; 1 if zero
}

// OutH is the height of the output.
func (p Conv2D) OutH() int {
	p = p.WithDefaults()
	return (p.H+2*p.PadH-p.DilH*(p.KH-1)-1)/p.StrideH + 1
}

// OutW is the width of the output.
func (p Conv2D) OutW() int {
	p = p.WithDefaults()
	return (p.W+2*p.PadW-p.DilW*(p.KW-1)-1)/p.StrideW + 1
}

// WithDefaults fills in what zero fields stand for.
func (p Conv2D) WithDefaults() Conv2D {
	for _, v := range []*int{&p.StrideH, &p.StrideW, &p.DilH, &p.DilW, &p.Groups} {
		if *v == 0 {
			*v = 1
		}
	}
	return p
}

// Validate says what is wrong with the geometry. The kernels expect a valid one and
// slices of its sizes.
func (p Conv2D) Validate() error {
	q := p.WithDefaults()
	for _, f := range []struct {
		name string
		v    int
	}{
		{"N", q.N}, {"C", q.C}, {"H", q.H}, {"W", q.W}, {"OutC", q.OutC}, {"KH", q.KH}, {"KW", q.KW},
		{"StrideH", q.StrideH}, {"StrideW", q.StrideW}, {"DilH", q.DilH}, {"DilW", q.DilW}, {"Groups", q.Groups},
	} {
		if f.v < 1 {
			return errors.Errorf("cpu: convolution with %s = %d, want at least 1", f.name, f.v)
		}
	}
	if q.PadH < 0 || q.PadW < 0 {
		return errors.Errorf("cpu: convolution with padding %d×%d, want at least 0", q.PadH, q.PadW)
	}
	if q.C%q.Groups != 0 || q.OutC%q.Groups != 0 {
		return errors.Errorf("cpu: convolution of %d to %d channels does not divide into %d groups", q.C, q.OutC, q.Groups)
	}
	if h, w := q.H+2*q.PadH, q.W+2*q.PadW; h < q.DilH*(q.KH-1)+1 || w < q.DilW*(q.KW-1)+1 {
		return errors.Errorf("cpu: convolution window %d×%d (dilation %d×%d) is larger than the padded input %d×%d",
			q.KH, q.KW, q.DilH, q.DilW, h, w)
	}
	return nil
}

// Workspace is the scratch memory of a convolution. Its owner is the caller: it grows on
// first use, is reused by later calls, and serves one call at a time. The zero value is
// ready.
type Workspace[T Float] struct {
	product convProduct[T]
	weight  convWeight[T]
	tiles   convTiles
	places  convPlaces
	depth   convDepth[T]
}

// ConvForward computes y = x ⋆ w + bias, cut at zero if relu is set. bias has OutC
// entries or is nil; y is overwritten.
func ConvForward[T Float](p *Conv2D, x, w, bias, y []T, relu bool, ws *Workspace[T]) {
	ConvScaled(p, x, w, nil, bias, y, relu, ws)
}

// ConvScaled computes y = scale · (x ⋆ w) + bias, a convolution and a normalisation of its
// channels, cut at zero if relu is set. scale has OutC entries or is nil, like bias.
func ConvScaled[T Float](p *Conv2D, x, w, scale, bias, y []T, relu bool, ws *Workspace[T]) {
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
		ws.tiles.forward(&q, singles(x), singles(w), singles(scale), singles(bias), singles(y), relu)
		return
	}
	if ws.places.worthPlaces(&q, isSingle[T]()) {
		ws.places.forward(&q, singles(x), singles(w), singles(scale), singles(bias), singles(y), relu)
		return
	}
	c := &ws.product
	c.begin(q.N, q.Groups, q.OutC/q.Groups, x, y)
	c.scale, c.bias, c.relu = scale, bias, relu
	c.convWindow.forward(&q, c.groups)
	c.dstH, c.dstW = q.OutH(), q.OutW()
	c.place0, c.placeStep = [2]int{}, [2]int{1, 1}
	c.weights, c.backward = w, false
	c.run()
}

// ConvGradInput computes the gradient with respect to x from dy, the gradient with
// respect to y. dx is overwritten.
func ConvGradInput[T Float](p *Conv2D, dy, w, dx []T, ws *Workspace[T]) {
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

func checkConvLengths[T Float](kernel string, p *Conv2D, x, w, y []T) {
	mustHold(kernel, "x", x, p.N*p.C*p.H*p.W)
	mustHold(kernel, "w", w, p.OutC*p.C/p.Groups*p.KH*p.KW)
	mustHold(kernel, "y", y, p.N*p.OutC*p.OutH()*p.OutW())
}

package losses

import (
	"medusa/graph"
	"medusa/pairs"
)

// P2SGrad draws the cosine of a sample and its own class to 1, and that with every other class to 0:
//
//	L = mean over the samples and the C classes of (cos θ_c − [c = y])²
//
// with θ_c the angle between a sample and the weight vector of class c, and y the sample's class. So
// the gradient is as long as a prediction is wrong, (cos θ_c − [c = y])·∇cos θ_c but for a factor, and
// there is neither a scale nor a margin to choose. With vectors that learn much faster than the network
// it hardly learns: its LRScale is 1 by default.
//
// X. Zhang, R. Zhao, J. Yan, M. Gao, Y. Qiao, X. Wang and H. Li, "P2SGrad: Refined Gradients for
// Optimizing Deep Face Models", CVPR 2019, eq. 11, of which this is the integral.
type P2SGrad struct{ Competition }

var defaultP2SGrad = &P2SGrad{defaultCompetition.learning(1)}

func init() {
	Register("p2sgrad", "cosines with the classes drawn to 1 and to 0 (Zhang 2019)", defaultP2SGrad)
}

var (
	_ weighed  = (*P2SGrad)(nil)
	_ Settable = (*P2SGrad)(nil)
)

// Loss returns a scalar.
func (l *P2SGrad) Loss(b pairs.Batch) graph.Expr { return lossOf(l, b) }

// Terms are those of the samples, of which each always teaches.
func (l *P2SGrad) Terms(b pairs.Batch) pairs.Terms {
	if err := checkGiven(l); err != nil {
		return failed(err)
	}
	c, err := l.contest("p2sgrad", l, b, classifierWeight, 1)
	if err != nil {
		return failed(err)
	}
	own, _ := c.masks()
	return l.samples(b, c.meanOver(c.sum(c.cosines().Sub(own).Square())))
}

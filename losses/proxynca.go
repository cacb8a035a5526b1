package losses

import (
	"cmp"

	"medusa/graph"
	"medusa/pairs"
)

// ProxyNCA draws each sample to the proxy of its class, a learned vector, and pushes it off the
// proxies of the others. In the Probability form, of ProxyNCA++,
//
//	L = −ln( e^{−s·d(x, p_y)} / Σ over all classes c of e^{−s·d(x, p_c)} )
//
// and in the Ratio form, of the first paper, c goes over the classes other than y alone, so that L may
// be below 0 and goes on falling. Here d is the distance, p_c the proxy of class c, y the class of the
// sample x, and s the Scale, which is 1 over the temperature; a mean over the samples. With a
// similarity in place of d the signs turn.
//
// What a miner chooses weighs a sample by how often it is the anchor: positives and negatives here
// are proxies.
//
// Y. Movshovitz-Attias, A. Toshev, T. K. Leung, S. Ioffe and S. Singh, "No Fuss Distance Metric
// Learning using Proxies", ICCV 2017: the ratio, with s = 1. E. W. Teh, T. DeVries and G. W. Taylor,
// "ProxyNCA++: Revisiting and Revitalizing Proxy Neighborhood Component Analysis", ECCV 2020: the
// probability, with a temperature of 1/9.
type ProxyNCA struct {
	Form   Form         `doc:"probability of ProxyNCA++ (Teh 2020), or ratio (Movshovitz-Attias 2017)" choices:"probability,ratio" unset:"probability"`
	Scale  float64      `doc:"s, what distances are multiplied with; 1 in the first paper" min:"1e-3" max:"1e4"`
	Metric pairs.Metric `name:"distance" doc:"how samples and proxies are compared" none:"squared"`
	Competition
}

// The forms of ProxyNCA.
const (
	Probability Form = "probability"
	Ratio       Form = "ratio"
)

var defaultProxyNCA = &ProxyNCA{Form: Probability, Scale: 9, Metric: pairs.LP{Power: 2}, Competition: defaultCompetition}

func init() {
	Register("proxy-nca", "samples near the proxy of their class, far from others (ProxyNCA++, Teh 2020)", defaultProxyNCA)
}

var (
	_ weighed  = (*ProxyNCA)(nil)
	_ Settable = (*ProxyNCA)(nil)
)

// Loss returns a scalar.
func (l *ProxyNCA) Loss(b pairs.Batch) graph.Expr { return lossOf(l, b) }

// Terms are those of the samples, of which each always teaches.
func (l *ProxyNCA) Terms(b pairs.Batch) pairs.Terms {
	if err := checkGiven(l); err != nil {
		return failed(err)
	}
	c, err := l.contest("proxy-nca", l, b, proxyWeight, 1)
	if err != nil {
		return failed(err)
	}
	m := cmp.Or(l.Metric, defaultProxyNCA.Metric)
	z := m.Between(c.x, c.w).Scale(l.Scale) // (B, K)
	if !m.Similarity() {
		z = z.Neg()
	}
	own := c.ofOwn(z)
	others, some := c.logSumOfOthers(z) // (B, 1)
	gap := graph.Where(some, others.Sub(own), 0)
	if l.Form != Ratio {
		gap = graph.Where(some, gap.Softplus(), 0)
	}
	t := b.Rows("loss", gap).NeverIdle()
	if w, some := l.sampleWeights(b, true); some {
		t = t.Weighted(w)
	}
	return pairs.Terms{t}
}

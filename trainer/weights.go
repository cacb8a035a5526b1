package trainer

import (
	"slices"

	"medusa/graph"
	"medusa/nets"
)

// fitWeights has the network of c fit its file of weights, where WithWeights was not called before.
func (c Config) fitWeights() (Config, Pretrained, error) {
	if c.Weights == "" || c.WeightsSum != "" {
		return c, Pretrained{}, nil
	}
	all, p, err := c.WithWeights(nil, nil)
	c.Net, c.WeightsSum = all.Net, all.WeightsSum
	return c, p, err
}

// noticeUnprepared tells of pictures that were loaded before anybody asked how the weights want them.
func (t *Trainer) noticeUnprepared(p Pretrained) {
	want := p.Report.Preparation
	if len(want.Mean) > 0 && !slices.Equal(want.Mean, t.data.Norm.Mean) {
		t.notice("the pictures are not prepared as the weights were trained: " + want.String() + "; call Config.WithWeights before Load")
	}
}

// loadWeights begins with the weights of the file that the configuration names.
func (t *Trainer) loadWeights() error {
	if t.cfg.Weights == "" {
		return nil
	}
	params, err := t.lend()
	if err != nil {
		return err
	}
	r, err := t.weightsInto(params)
	if err != nil {
		return err
	}
	t.state.Weights = &r
	return nil
}

// weightsInto loads the weights that the run began with.
func (t *Trainer) weightsInto(params *graph.Params) (nets.WeightsReport, error) {
	r, err := nets.LoadWeights(t.cfg.Weights, t.cfg.Net, params)
	if err != nil {
		return r, aboutWeights(t.cfg.Weights, err)
	}
	return r, t.cfg.checkSum(r)
}

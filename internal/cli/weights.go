package cli

import (
	"medusa/internal/terminal"
	"medusa/trainer"
)

// fitWeights has the configuration of a new run fit its file of weights, before pictures are read, and tells what that
// comes to. The run's config.yaml has it all.
func (f *flags) fitWeights(cfg trainer.Config, w *terminal.Screen) (trainer.Config, error) {
	if cfg.Weights == "" {
		return cfg, nil
	}
	if f.given()["weights"] { // the checksum is that of the file that a configuration names
		cfg.WeightsSum = ""
	}
	task := w.Begin("reading the weights")
	cfg, p, err := cfg.WithWeights(f.gives, f.asTyped)
	task.End()
	if err != nil {
		return cfg, err
	}
	for _, line := range p.Told {
		w.Say(line)
	}
	o := &f.options.Config
	o.Data, o.Net, o.WeightsSum = cfg.Data, cfg.Net, cfg.WeightsSum
	return cfg, nil
}

package cli

import (
	"medusa/internal/terminal"
	"medusa/trainer"
)

// begin has the configuration of a new run fit the model or the file of weights that it begins with.
func (f *flags) begin(cfg trainer.Config, w *terminal.Screen) (trainer.Config, error) {
	cfg, err := f.fitWeights(cfg, w)
	if err != nil {
		return cfg, err
	}
	return f.startFrom(cfg)
}

// gives reports whether a field was set, by a flag or by a configuration.
func (f *flags) gives(field string) bool {
	_, given := f.Given(field)
	return given
}

// startFrom takes over what the model of -from decides, so that pictures are read as it wants them and config.yaml says so.
func (f *flags) startFrom(cfg trainer.Config) (trainer.Config, error) {
	cfg, err := cfg.StartFrom(nil, f.gives)
	if err != nil || cfg.FineTune.From == "" {
		return cfg, err
	}
	f.options.Net, f.options.Data, f.options.EvalViews = cfg.Net, cfg.Data, cfg.EvalViews
	return cfg, nil
}

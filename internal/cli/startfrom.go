package cli

import "medusa/trainer"

// startFrom takes over what the model of -from decides, so that pictures are read as it wants them and config.yaml says so.
func (f *flags) startFrom(cfg trainer.Config) (trainer.Config, error) {
	cfg, err := cfg.StartFrom(nil, func(field string) bool {
		_, given := f.Given(field)
		return given
	})
	if err != nil || cfg.FineTune.From == "" {
		return cfg, err
	}
	f.options.Net, f.options.Data, f.options.EvalViews = cfg.Net, cfg.Data, cfg.EvalViews
	return cfg, nil
}

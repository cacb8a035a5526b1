package cli

import (
	"go.yaml.in/yaml/v3"

	"medusa/losses"
	"medusa/trainer"
)

// flags are those of the command train, with the options that they set.
type flags struct {
	*flagSet
	options *options
	longer  bool         // whether a run that is resumed is to be longer than before
	keepNow trainer.Keep // of a run that is resumed, where the command line says so
}

func newFlags(c *invocation) *flags {
	o, unset := prototype(), prototype()
	f := &flags{options: &o, flagSet: newFlagSet(c, schema, &o, &unset, forms, titles...)}
	f.Check("Loss", func(y *yaml.Node) error {
		_, err := losses.FromYAML(y, losses.Setting{Classes: 2, EmbeddingSize: 2, TrunkSize: 2})
		return err
	})
	f.ways = f.listHint
	return f
}

// titles are the groups of the help page, in order.
var titles = []string{"Pictures", "Augmentation (none by default)", "Network", "Loss and batches", "Training", "Fine-tuning", "Measuring and saving", "This run"}

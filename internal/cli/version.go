package cli

import (
	"context"
	"reflect"
	"runtime"

	"github.com/pkg/errors"

	"medusa/internal/settings"
	"medusa/trainer"
)

// versioning is the command version.
var versioning = command{
	name:  "version",
	about: "say which version this is, and what it computes with here",
	intro: "says which version this is, which instructions of the processor it uses, and whether there is a GPU: what belongs into a report of a fault.",
	begin: func(c *invocation) job {
		return &versionFlags{newFlagSet(c, versionSchema, &versionOptions{}, &versionOptions{}, nil)}
	},
}

// versionOptions are what the flags of version set: there are none.
type versionOptions struct{}

var versionSchema = settings.Of(reflect.TypeFor[versionOptions](), nil)

// versionFlags are the command version, called.
type versionFlags struct{ *flagSet }

func (f *versionFlags) flags() *flagSet { return f.flagSet }

func (f *versionFlags) do(_ context.Context, args []string) error {
	if len(args) > 0 {
		return usageError{errors.Errorf("version takes nothing, and %s was given", args[0])}
	}
	gpu := "a GPU is there: -device cuda"
	if err := trainer.CheckDevice("cuda"); err != nil {
		gpu = "no GPU: " + err.Error()
	}
	f.call.screen(f.call.Out, false).Sayf("%s\n%s/%s, %s\n%s", trainer.Version(), runtime.GOOS, runtime.GOARCH, trainer.CPU(), gpu)
	return nil
}

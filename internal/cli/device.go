package cli

import (
	"fmt"
	"strings"

	"medusa/internal/cuda"
	"medusa/internal/field"
	"medusa/internal/terminal"
	"medusa/trainer"
)

// checkDevice refuses, before any picture is read, a device that is not to be had, and says
// which flags do nothing on the one that will be taken.
func (f *flags) checkDevice(w *terminal.Screen) error {
	onCPU := f.options.Device == "" || f.options.Device == "cpu"
	if !onCPU {
		err := trainer.CheckDevice(f.options.Device)
		if err != nil && f.options.Device != "auto" {
			return wrong("%s is %s, which is not to be had: %v\n  -device cpu always is; what was looked for, and what to install, says\n  %s",
				field.Name("-device"), f.options.Device, err, f.call.toType("-device-info"))
		}
		onCPU = err != nil
	}
	var idle []string
	if f.options.TF32 {
		idle = append(idle, "-tf32")
	}
	if f.options.AnyOrder {
		idle = append(idle, "-any-order")
	}
	switch {
	case !onCPU:
	case len(idle) == 1:
		w.Sayf("note: %s does nothing on the CPU, only on a GPU", idle[0])
	case len(idle) > 1:
		w.Sayf("note: %s do nothing on the CPU, only on a GPU", strings.Join(idle, " and "))
	}
	return nil
}

// tellReplaced says what of a file the command line took the place of.
func (f *flags) tellReplaced(w *terminal.Screen) {
	for _, r := range f.Replacements {
		w.Sayf("note: -%s takes the place of %s (%s, line %d) and of the parameters that it has there", r.Flag, r.Kind, r.From.File, r.From.Line)
	}
}

// tellIdle says which settings do nothing in a run of so many steps.
func (f *flags) tellIdle(w *terminal.Screen, steps int) {
	if f.options.Schedule.Warmup >= steps {
		w.Sayf("note: -warmup %d is no shorter than the run of %d steps: the learning rate only rises, and never reaches -lr", f.options.Schedule.Warmup, steps)
	}
	if f.options.EvalEvery > steps {
		w.Sayf("note: -eval-every %d is longer than the run of %d steps: between start and end nothing is measured", f.options.EvalEvery, steps)
	}
}

// printDevices says which devices there are, and in the last line where this machine trains.
func printDevices(c *invocation) {
	w := c.screen(c.Out, false)
	var found strings.Builder
	cuda.Report(&found)
	w.Say(strings.TrimRight(found.String(), "\n"))
	w.Say("\n" + verdict())
}

// verdict says in a sentence where this machine trains.
func verdict() string {
	cpu := trainer.CPU()
	err := trainer.CheckDevice("cuda")
	if err != nil {
		return fmt.Sprintf("This machine trains on the CPU (%s): %v.", cpu, err)
	}
	return fmt.Sprintf("This machine trains on the CPU (%s), and with -device cuda on a GPU.", cpu)
}

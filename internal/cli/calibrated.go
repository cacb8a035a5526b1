package cli

import (
	"cmp"
	"io/fs"
	"os"

	"github.com/pkg/errors"

	"medusa/internal/field"
	"medusa/metrics"
	"medusa/model"
	"medusa/trainer"
)

// calibrated says which of the thresholds of a model is asked for.
type calibrated struct {
	call     *invocation
	far      float64 // false accept rate
	farGiven bool
	file     string // of thresholds; empty for those beside the model
}

// noThreshold says that there is none, where none was asked for.
type noThreshold struct{ error }

// Unwrap is why.
func (e noThreshold) Unwrap() error { return e.error }

// threshold is that of the calibration, or of the run itself, and where it comes from.
func (c calibrated) threshold(path, fingerprint string) (metrics.OperatingPoint, string, error) {
	set, from, err := c.thresholds(path, fingerprint)
	if err != nil {
		return metrics.OperatingPoint{}, "", err
	}
	if !c.farGiven {
		const usual = 0.001
		best := metrics.OperatingPoint{}
		for _, p := range set.AtFAR {
			if p.AskedFAR >= usual && (best.AskedFAR == 0 || p.AskedFAR < best.AskedFAR) {
				best = p
			}
		}
		if best.AskedFAR > 0 {
			return best, from, nil
		}
		return best, "", noThreshold{wrong("among the thresholds of %s is none for a false accept rate of %v or more: say which rate with %s, or a %s, or find some by more pictures; for instance\n  %s",
			from, usual, field.Name("-far"), field.Name("-threshold"), c.call.root().toType("calibrate", path, "FOLDER"))}
	}
	p, err := set.At(c.far)
	if err != nil {
		return p, "", wrong("%s %v: %v", field.Name("-far"), c.far, err)
	}
	return p, from, nil
}

// thresholds are the calibration that was asked for, or that beside the model, or those of the run.
func (c calibrated) thresholds(path, fingerprint string) (*model.Calibration, string, error) {
	file := cmp.Or(c.file, model.CalibrationPath(path))
	set, err := model.ReadCalibration(file)
	if err == nil {
		if set.Model != fingerprint {
			return nil, "", errors.Errorf("%s has thresholds of another model: make them anew with\n  %s", file, c.call.root().toType("calibrate", path, set.Data))
		}
		return set, file, nil
	}
	if c.file != "" && errors.Is(err, fs.ErrNotExist) {
		return nil, "", wrong("%s %s: there is no such file", field.Name("-calibration"), c.file)
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, "", err
	}
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		r, err := trainer.StoredResult(path)
		if err != nil {
			return nil, "", err
		}
		if r != nil {
			for _, set := range []string{trainer.SetValidation, trainer.SetTest} {
				if v, measured := r.Verification[set]; measured {
					return &model.Calibration{Model: fingerprint, Verification: v}, "the run's " + set + " classes", nil
				}
			}
		}
	}
	return nil, "", noThreshold{wrong("there are no thresholds for %s: find some by pictures of known classes, or give a %s; for instance\n  %s",
		path, field.Name("-threshold"), c.call.root().toType("calibrate", path, "FOLDER"))}
}

package model

import (
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/pkg/errors"

	"medusa/internal/filewrite"
	"medusa/internal/runfolder"
	"medusa/metrics"
)

// Calibration says below which distance of two embeddings two pictures are taken for one class: what
// metrics.Verify found on labelled pictures that the network did not learn from.
type Calibration struct {
	Model    string `json:"model"`    // Fingerprint of the model
	Data     string `json:"data"`     // what the pictures were, for people
	Pictures int    `json:"pictures"` // how many
	metrics.Verification
}

// ErrOtherModel is the cause of errors about a Calibration of another model.
var ErrOtherModel = errors.New("thresholds of another model")

// CalibrationPath is where the Calibration of a model lies: calibration.json in the run folder, or beside a
// model file by its name.
func CalibrationPath(path string) string {
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return filepath.Join(path, "calibration.json")
	}
	if dir, name := filepath.Split(path); name == runfolder.ModelFile {
		return filepath.Join(dir, "calibration.json")
	}
	return strings.TrimSuffix(path, filepath.Ext(path)) + ".calibration.json"
}

// Write writes the calibration to a file, which appears whole.
func (c *Calibration) Write(path string) error {
	err := filewrite.Whole(path, func(w io.Writer) error {
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		return e.Encode(c)
	})
	return errors.Wrap(err, "model: calibration")
}

// mostCalibration bounds what is read as a calibration.
const mostCalibration = 16 << 20

// ReadCalibration reads what Write wrote. If there is none, the cause of the error is fs.ErrNotExist.
func ReadCalibration(path string) (*Calibration, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, errors.Wrap(err, "model: calibration")
	}
	defer f.Close()
	c, err := readCalibration(f)
	return c, errors.Wrapf(err, "model: %s", path)
}

func readCalibration(r io.Reader) (*Calibration, error) {
	var c Calibration
	text, err := io.ReadAll(io.LimitReader(r, mostCalibration+1))
	switch {
	case err != nil:
		return nil, err
	case len(text) > mostCalibration:
		return nil, errors.New("is too long for a calibration")
	}
	if err := json.Unmarshal(text, &c); err != nil {
		return nil, errors.Wrap(err, "is no calibration")
	}
	if c.Model == "" || len(c.AtFAR) == 0 && c.Impostor == 0 {
		return nil, errors.New("is no calibration: want the model's fingerprint and thresholds, as Write writes them")
	}
	return &c, nil
}

// Of returns an error with the cause ErrOtherModel if the calibration is not of m: distances of two
// models have nothing to do with each other.
func (c *Calibration) Of(m *Model) error {
	if got := m.Fingerprint(); c.Model != got {
		return errors.Wrapf(ErrOtherModel, "model: the calibration is of the model %.8s…, this one is %.8s…", c.Model, got)
	}
	return nil
}

// At is the threshold for a false accept rate that the calibration was made for.
func (c *Calibration) At(far float64) (metrics.OperatingPoint, error) {
	var rates []string
	for _, p := range c.AtFAR {
		if diff := p.AskedFAR - far; diff < 1e-9*far && diff > -1e-9*far {
			return p, nil
		}
		rate, _ := json.Marshal(p.AskedFAR)
		rates = append(rates, string(rate))
	}
	return metrics.OperatingPoint{}, errors.Errorf("model: the calibration has no threshold for a false accept rate of %v: want one of %s", far, strings.Join(rates, ", "))
}

package model_test

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"medusa/metrics"
	"medusa/model"
)

func thresholds() *model.Calibration {
	t := metrics.Interval{Low: 0.7, High: 0.9}
	return &model.Calibration{Model: "0123456789abcdef", Data: "others", Pictures: 12, Verification: metrics.Verification{
		Genuine: 3, Impostor: 20, Classes: 3, EER: 0.25, EERBetween: &metrics.Interval{Low: 0.1, High: 0.4},
		AtFAR: []metrics.OperatingPoint{
			{AskedFAR: 0.1, Threshold: 0.8, FAR: 0.1, TAR: 0.9, Between: &metrics.OperatingInterval{Threshold: &t, TAR: metrics.Interval{Low: 0.8, High: 1}}},
			{AskedFAR: 0.01, Threshold: 0.5, TAR: 0.7},
		},
	}}
}

func TestCalibrationIsReadAsWritten(t *testing.T) {
	path := filepath.Join(t.TempDir(), "calibration.json")
	want := thresholds()
	require.NoError(t, want.Write(path))
	got, err := model.ReadCalibration(path)
	require.NoError(t, err)
	require.Equal(t, want, got)

	p, err := got.At(0.01)
	require.NoError(t, err)
	require.Equal(t, 0.5, p.Threshold)
	_, err = got.At(0.02)
	require.EqualError(t, err, "model: the calibration has no threshold for a false accept rate of 0.02: want one of 0.1, 0.01")
}

func TestCalibrationPath(t *testing.T) {
	run := t.TempDir()
	require.Equal(t, filepath.Join(run, "calibration.json"), model.CalibrationPath(run))
	require.Equal(t, filepath.Join(run, "calibration.json"), model.CalibrationPath(filepath.Join(run, "model.safetensors")))
	require.Equal(t, filepath.Join("d", "faces.calibration.json"), model.CalibrationPath(filepath.Join("d", "faces.safetensors")))
}

func TestCalibrationThatIsNone(t *testing.T) {
	dir := t.TempDir()
	_, err := model.ReadCalibration(filepath.Join(dir, "none.json"))
	require.ErrorIs(t, err, fs.ErrNotExist)
	for text, message := range map[string]string{
		"":                                  "is no calibration: unexpected end",
		"{}":                                "is no calibration: want the model's fingerprint",
		`{"model": "a"}`:                    "is no calibration: want the model's fingerprint",
		`{"model": 3}`:                      "is no calibration: json: cannot unmarshal number",
		"[1]":                               "is no calibration: json",
		`"` + strings.Repeat("a", 17<<20):   "is too long for a calibration",
		`{"model":"a","at_far":[{"tar":1}]`: "is no calibration: unexpected end",
	} {
		path := filepath.Join(dir, "bad.json")
		require.NoError(t, os.WriteFile(path, []byte(text), 0o666))
		_, err := model.ReadCalibration(path)
		require.ErrorContains(t, err, message)
		require.ErrorContains(t, err, path)
	}
}

// What is read can be written, and read again.
func FuzzReadCalibration(f *testing.F) {
	text, err := json.Marshal(thresholds())
	require.NoError(f, err)
	f.Add(text)
	f.Add([]byte(`{"model":"a","impostor_pairs":1,"distance":"cosine"}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		path := filepath.Join(t.TempDir(), "c.json")
		require.NoError(t, os.WriteFile(path, text, 0o666))
		c, err := model.ReadCalibration(path)
		if err != nil {
			return
		}
		require.NoError(t, c.Write(path))
		again, err := model.ReadCalibration(path)
		require.NoError(t, err)
		a, err := json.Marshal(c)
		require.NoError(t, err)
		b, err := json.Marshal(again)
		require.NoError(t, err)
		require.True(t, bytes.Equal(a, b))
	})
}

package main

import (
	"encoding/json"
	"io"

	"github.com/pkg/errors"

	"medusa/internal/cpu/loops"
)

// measureChild is a child process of our side: it does the job that text describes, and
// writes the result to out.
func measureChild(text string, out io.Writer) error {
	var j job
	if err := json.Unmarshal([]byte(text), &j); err != nil {
		return errors.Wrap(err, "the job")
	}
	loops.SetThreads(j.Threads)
	m, err := measureJob(j, out)
	if err != nil {
		return errors.Wrap(err, j.name())
	}
	return json.NewEncoder(out).Encode(m)
}

func measureJob(j job, out io.Writer) (measured, error) {
	switch j.Kind {
	case "train":
		return measureTraining(j)
	case "start":
		return measureStart(j, out)
	case "infer":
		return measureInference(j)
	case "embed":
		return measureEmbedding(j)
	case "loss":
		return measureLoss(j)
	case "recall":
		return measureRecall(j)
	case "gemm":
		return measureGemm(j)
	case "op":
		return measureOp(j)
	case "layer":
		return measureLayer(j)
	case "peak":
		return measurePeak(j)
	}
	return measured{}, errors.Errorf("there is no workload of kind %q", j.Kind)
}

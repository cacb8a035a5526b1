package trainer

import (
	"context"

	"medusa/internal/runfolder"
	"medusa/internal/tensorboard"
)

// plotMetrics writes the figures of logged steps and of evaluations for TensorBoard; raw pixels,
// which no step changes, are left out.
func plotMetrics(events *runfolder.Events) Hook {
	return Hook{
		Step: func(_ context.Context, i StepInfo) error {
			if !i.Logged {
				return nil
			}
			return inTrainer(events.Add(i.Step, scalarsOfStep(i)))
		},
		Evaluated: func(_ context.Context, i EvalInfo) error {
			if i.Phase == RawPixels {
				return nil
			}
			return inTrainer(events.Add(i.Step, scalarsOfEvaluation(i)))
		},
	}
}

func scalarsOfStep(i StepInfo) []tensorboard.Scalar {
	scalars := []tensorboard.Scalar{
		{Tag: "train/loss", Value: i.Loss},
		{Tag: "train/lr", Value: i.LR},
		{Tag: "train/grad_norm", Value: i.GradNorm},
		{Tag: "train/images_per_s", Value: i.ImagesPerSecond},
		{Tag: "train/wait_share", Value: i.WaitShare},
		{Tag: "embedding/mean_positive", Value: i.MeanPositive},
		{Tag: "embedding/mean_negative", Value: i.MeanNegative},
		{Tag: "embedding/norm", Value: i.EmbeddingNorm},
	}
	if i.HasActive {
		scalars = append(scalars, tensorboard.Scalar{Tag: "train/active_share", Value: i.ActiveShare})
	}
	return scalars
}

func scalarsOfEvaluation(i EvalInfo) (scalars []tensorboard.Scalar) {
	for _, v := range i.Result.Values() {
		scalars = append(scalars, tensorboard.Scalar{Tag: i.Set + "/" + v.Name, Value: v.Value})
	}
	return scalars
}

package trainer

import (
	"fmt"
	"os"
	"time"

	"medusa/internal/tensorboard"
)

// BoardDir is the folder of TensorBoard event files in a run folder: one a process, with
// the figures of metrics.jsonl.
const BoardDir = "tensorboard"

type board struct {
	file    *os.File
	writer  *tensorboard.Writer
	scalars []tensorboard.Scalar
}

// openBoard begins an event file at a step.
func openBoard(dir folder, step int) (*board, error) {
	if err := os.MkdirAll(dir.path(BoardDir), 0o777); err != nil {
		return nil, saying(err, "TensorBoard's folder")
	}
	now := time.Now()
	path := dir.path(fmt.Sprintf("%s/events.out.tfevents.%010d.medusa.%d.%d", BoardDir, now.Unix(), os.Getpid(), step))
	f, err := os.Create(path)
	if err != nil {
		return nil, saying(err, "TensorBoard's file")
	}
	w, err := tensorboard.NewWriter(f, step, now)
	if err != nil {
		f.Close()
		return nil, saying(err, "writing "+path)
	}
	return &board{file: f, writer: w}, nil
}

func (b *board) step(i StepInfo) error {
	b.scalars = append(b.scalars[:0],
		tensorboard.Scalar{Tag: "train/loss", Value: i.Loss},
		tensorboard.Scalar{Tag: "train/lr", Value: i.LR},
		tensorboard.Scalar{Tag: "train/grad_norm", Value: i.GradNorm},
		tensorboard.Scalar{Tag: "train/images_per_s", Value: i.ImagesPerSecond},
		tensorboard.Scalar{Tag: "train/wait_share", Value: i.WaitShare},
		tensorboard.Scalar{Tag: "embedding/mean_positive", Value: i.MeanPositive},
		tensorboard.Scalar{Tag: "embedding/mean_negative", Value: i.MeanNegative},
		tensorboard.Scalar{Tag: "embedding/norm", Value: i.EmbeddingNorm})
	if i.HasActive {
		b.scalars = append(b.scalars, tensorboard.Scalar{Tag: "train/active_share", Value: i.ActiveShare})
	}
	return b.write(i.Step)
}

func (b *board) evaluated(i EvalInfo) error {
	b.scalars = b.scalars[:0]
	for _, v := range i.Result.Values() {
		b.scalars = append(b.scalars, tensorboard.Scalar{Tag: i.Set + "/" + v.Name, Value: v.Value})
	}
	return b.write(i.Step)
}

func (b *board) write(step int) error {
	return saying(b.writer.Write(step, time.Now(), b.scalars), "writing "+b.file.Name())
}

func (b *board) close() error { return b.file.Close() }

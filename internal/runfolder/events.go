package runfolder

import (
	"fmt"
	"os"
	"time"

	"medusa/internal/tensorboard"
)

// Events is a file of TensorBoard events: one a process, in the folder EventsDir.
type Events struct {
	file   *os.File
	writer *tensorboard.Writer
}

// OpenEvents begins a file of events at a step; TensorBoard drops what earlier files say of later
// steps.
func (f Folder) OpenEvents(step int) (*Events, error) {
	if err := os.MkdirAll(f.Path(EventsDir), 0o777); err != nil {
		return nil, explain(err, "TensorBoard's folder")
	}
	now := time.Now()
	path := f.Path(fmt.Sprintf("%s/events.out.tfevents.%010d.medusa.%d.%d", EventsDir, now.Unix(), os.Getpid(), step))
	file, err := os.Create(path)
	if err != nil {
		return nil, explain(err, "TensorBoard's file")
	}
	w, err := tensorboard.NewWriter(file, step, now)
	if err != nil {
		file.Close()
		return nil, explain(err, "writing "+path)
	}
	return &Events{file: file, writer: w}, nil
}

// Add writes the scalars of a step.
func (e *Events) Add(step int, scalars []tensorboard.Scalar) error {
	return explain(e.writer.Write(step, time.Now(), scalars), "writing "+e.file.Name())
}

// Close closes the file.
func (e *Events) Close() error { return e.file.Close() }

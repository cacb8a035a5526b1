package runfolder_test

import (
	"fmt"
	"os"

	"medusa/internal/runfolder"
)

// A run takes a folder, writes lines while it goes on, and leaves a checkpoint that the next
// process finds.
func Example() {
	dir, err := os.MkdirTemp("", "runfolder")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	f := runfolder.Folder(dir)
	if err := f.Create(); err != nil {
		panic(err)
	}
	lock, err := f.Lock()
	if err != nil {
		panic(err)
	}
	log, _, err := lock.MetricsLog(0, "")
	if err != nil {
		panic(err)
	}
	defer log.Close()
	if err := log.Add(map[string]any{"step": 1, "loss": 0.5}); err != nil {
		panic(err)
	}
	if err := f.WriteCheckpoint(runfolder.LastFile, &runfolder.Checkpoint{State: []byte(`{"step":1}`)}); err != nil {
		panic(err)
	}
	newest, err := runfolder.Newest(f, func(path string) (state string, step int, err error) {
		c, err := runfolder.ReadCheckpoint(path)
		if err != nil {
			return "", 0, err
		}
		return string(c.State), 1, nil
	})
	if err != nil {
		panic(err)
	}
	fmt.Println(newest.Name, newest.Checkpoint)
	// Output: checkpoints/last.safetensors {"step":1}
}

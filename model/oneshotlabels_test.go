package model

import (
	"archive/zip"
	"bytes"
	"io"
	"testing"

	"github.com/stretchr/testify/require"
)

func FuzzOneShotLabels(f *testing.F) {
	f.Add("run01/test/item01.png run01/training/class08.png\nrun01/test/item02.png run01/training/class01.png\n")
	f.Add("../a b\n/c d")
	f.Fuzz(func(t *testing.T, text string) {
		var b bytes.Buffer
		w := zip.NewWriter(&b)
		file, err := w.Create("x/run01/class_labels.txt")
		require.NoError(t, err)
		_, err = io.WriteString(file, text)
		require.NoError(t, err)
		require.NoError(t, w.Close())
		files, err := zip.NewReader(bytes.NewReader(b.Bytes()), int64(b.Len()))
		require.NoError(t, err)
		tasks, err := oneShotTasks(files)
		if err != nil {
			return
		}
		require.Len(t, tasks, 1)
		require.Len(t, tasks[0].answer, len(tasks[0].items))
		for _, k := range tasks[0].answer {
			require.Less(t, k, len(tasks[0].known))
		}
	})
}

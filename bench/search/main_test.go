package main

import (
	"bytes"
	"context"
	"encoding/json"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// The side of Medusa prints a row for each way to search; exact is exact.
func TestChildMeasures(t *testing.T) {
	s := settings{queries: 20, task: task{Dim: 16, K: 5, Links: 8, Build: 40, Efforts: []int{10, 100}, Graph: true}}
	name, err := prepare(context.Background(), t.TempDir(), s, 3000)
	require.NoError(t, err)
	var out bytes.Buffer
	require.NoError(t, child(context.Background(), name, &out))
	var rows []row
	for line := range bytes.Lines(out.Bytes()) {
		var r row
		require.NoError(t, json.Unmarshal(line, &r))
		require.Positive(t, r.Speed)
		rows = append(rows, r)
	}
	require.Len(t, rows, 3)
	require.Equal(t, 1.0, rows[0].Recall)
	require.Greater(t, rows[2].Recall, 0.9)
}

// A graph that is kept is the one that is used the next time, and finds the same.
func TestGraphsAreKept(t *testing.T) {
	s := settings{queries: 20, keep: filepath.Join(t.TempDir(), "graphs"), task: task{Dim: 16, K: 5, Links: 8, Build: 40, Efforts: []int{10}, Graph: true}}
	var rows [2]row
	for i := range rows {
		name, err := prepare(context.Background(), t.TempDir(), s, 3000)
		require.NoError(t, err)
		var out bytes.Buffer
		require.NoError(t, child(context.Background(), name, &out))
		lines := bytes.Split(bytes.TrimSpace(out.Bytes()), []byte("\n"))
		require.NoError(t, json.Unmarshal(lines[len(lines)-1], &rows[i]))
	}
	require.Equal(t, rows[0].Build, rows[1].Build)
	require.Equal(t, rows[0].Recall, rows[1].Recall)
}

func TestArgumentsAreChecked(t *testing.T) {
	for _, args := range [][]string{{"-rows", "ten"}, {"-efforts", "0"}, {"-k", "0"}, {"more"}} {
		require.Error(t, run(context.Background(), args, new(bytes.Buffer)), "%v", args)
	}
}

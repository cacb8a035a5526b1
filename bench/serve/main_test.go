package main

import (
	"bytes"
	"context"
	"testing"

	"github.com/stretchr/testify/require"
)

// No answer is another one than the model gives alone, as bytes and as JSON.
func TestShortLoad(t *testing.T) {
	for _, more := range [][]string{nil, {"-json"}} {
		var out bytes.Buffer
		args := append([]string{"-clients", "16", "-requests", "400", "-rounds", "2", "-pictures", "16", "-side", "40", "-size", "16"}, more...)
		require.NoError(t, run(context.Background(), args, &out), out.String())
		require.Contains(t, out.String(), "answers: 400, 0 wrong\n")
		require.Contains(t, out.String(), "p99")
	}
}

// A wrong answer is found.
func TestWrongAnswersAreCounted(t *testing.T) {
	l := &load{settings: settings{clients: 1}}
	l.want = [][]byte{{1}}
	require.False(t, bytes.Equal(bytesOf([]float32{1}), l.want[0]))
}

func TestArgumentsAreChecked(t *testing.T) {
	for _, args := range [][]string{{"-clients", "0"}, {"-requests", "3"}, {"more"}, {"-side", "-1"}} {
		require.Error(t, run(context.Background(), args, new(bytes.Buffer)), "%v", args)
	}
}

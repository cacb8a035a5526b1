package cli

import (
	"context"
	"io"
	"os"
	"testing"
)

// TestMain gives what the program writes so much room that tests about its content find it
// unbroken; tests about its width set COLUMNS themselves.
func TestMain(m *testing.M) {
	os.Setenv("COLUMNS", "1000")
	os.Setenv("LC_ALL", "C.UTF-8")
	if os.Getenv("MEDUSA_TEST_PROGRAM") != "" {
		os.Args[0] = "medusa"
		os.Exit(Medusa.Main())
	}
	os.Exit(m.Run())
}

// run is the program train, called as go run calls it.
func run(ctx context.Context, args []string, stdout, stderr io.Writer, live bool) int {
	return Train.Run(ctx, append(os.Args[:1:1], args...), Streams{Out: stdout, Err: stderr, Live: live})
}

// trainFlags are the flags of the command train where nothing is said.
func trainFlags() *flags {
	return newFlags(&invocation{program: Train, name: "train", typed: "go run ./cmd/train"})
}

// Command medusa learns an embedding from folders of pictures, and tells what a run or a file of
// it holds. Each thing that it does is a command with flags of its own.
//
//	go run ./cmd/medusa help                 all commands
//	go run ./cmd/medusa train -data DIR      as go run ./cmd/train -data DIR
//	go run ./cmd/medusa info runs/NAME       what a run, a model or another file is
package main

import (
	"os"

	"medusa/internal/cli"
)

func main() { os.Exit(cli.Medusa.Main()) }

// Command train learns an embedding from folders of pictures, one folder a class, and
// measures it on classes that it never saw. It is the command train of medusa by itself.
//
//	go run ./cmd/train                 the embedded part of Omniglot, half a minute once compiled
//	go run ./cmd/train -data DIR       your own pictures
//	go run ./cmd/train -h              all flags
package main

import (
	"os"

	"medusa/internal/cli"
)

func main() { os.Exit(cli.Train.Main()) }

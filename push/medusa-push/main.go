// Command medusa-push brings an index or a file of embeddings into a vector database.
//
//	go -C push build -o ../ ./medusa-push            makes ./medusa-push
//	./medusa-push -h                                 all flags
//
// It is the command push of medusa, which calls it.
package main

import (
	"os"

	"medusa/internal/cli"
)

func main() { os.Exit(cli.MedusaPush(bring).Main()) }

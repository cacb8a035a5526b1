// Command medusa-push brings an index or a file of embeddings into a vector database.
//
//	go -C push build -o ../ ./medusa-push            makes ./medusa-push
//	./medusa-push -h                                 all flags
//
// It is the command push of medusa, which calls it.
package main

import (
	"log/slog"
	"os"

	"medusa/internal/cli"
)

func main() {
	slog.SetDefault(slog.New(slog.DiscardHandler)) // what clients of databases say in words of their own
	os.Exit(cli.MedusaPush(bring).Main())
}

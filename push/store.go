package push

import "context"

// Options says how a gallery is kept. Each store reads what concerns it, and refuses what does not.
type Options struct {
	Table      string // PostgreSQL: name of the table, or schema.name; embeddings if empty
	Collection string // Qdrant: name of the collection; that of the address, or embeddings, if empty
	Prefix     string // Redis: what keys begin with; embeddings: if empty
	// Index is what the database finds neighbours by: hnsw, ivfflat, flat or none. Empty is hnsw where the
	// database has it and takes so many numbers.
	Index  string
	Type   string // PostgreSQL: vector, halfvec or real; empty is vector where pgvector is there, else real
	Batch  int    // records written at a time; 1,000 if zero
	Delete bool   // remove the model's records that the gallery no longer has
}

// DefaultBatch is how many records are written at a time where Options.Batch is 0.
const DefaultBatch = 1000

// Header is what a store is told of a gallery before its records come.
type Header struct {
	*Gallery
	Options
}

// Mark is how far a push has come.
type Mark struct {
	Done                    int // records, in the order of the gallery
	New, Changed, Unchanged int // what became of them
}

// Store is a database that a gallery goes to. Its methods are called in the order in which they stand here, by one
// goroutine; after an error only Close.
type Store interface {
	// Begin makes what records go to, or checks that what is there takes them: vectors of their size,
	// compared by their distance, of no other model. It returns how far a push of the same gallery had come that
	// was stopped, and what is to be said of how records are kept.
	Begin(ctx context.Context, h Header) (Mark, []string, error)
	// Put writes records, all or none, and takes note of the mark, which it returns with what
	// became of these records counted.
	Put(ctx context.Context, records []Record, m Mark) (Mark, error)
	// Retain removes those of the model's records for whose IDs has is false, and returns how many.
	Retain(ctx context.Context, has func(id string) bool) (int, error)
	// End does what is done once all records are there, such as building an index.
	End(ctx context.Context) error
	// Search is what a person can type to find the ten records nearest to that of an ID.
	Search(id string) string
	// Close ends the connection.
	Close() error
}

// ModelWords names a model by its fingerprint.
func ModelWords(fingerprint string) string {
	if fingerprint == "" {
		return "a model that is not known"
	}
	return "model " + fingerprint
}

package index

import "fmt"

// NotFoundError says that there is no item of an ID.
type NotFoundError struct{ ID uint64 }

func (e *NotFoundError) Error() string { return fmt.Sprintf("index: there is no item of ID %d", e.ID) }

// ExistsError says that there is an item of an ID already.
type ExistsError struct{ ID uint64 }

func (e *ExistsError) Error() string {
	return fmt.Sprintf("index: there is an item of ID %d already; Update replaces it", e.ID)
}

// DamageError says that a file is not what was written to it, or no index at all.
type DamageError struct {
	Path   string
	Reason error
}

func (e *DamageError) Error() string { return fmt.Sprintf("index: %s: %v", e.Path, e.Reason) }

// Unwrap is the reason.
func (e *DamageError) Unwrap() error { return e.Reason }

// ModelError says that the vectors of an index come from another model than those it is
// asked about: their distances mean nothing.
type ModelError struct {
	Index string // fingerprint of the model that made the index's vectors
	Model string // of the other
}

func (e *ModelError) Error() string {
	if e.Index == "" {
		return fmt.Sprintf("index: it does not say which model made its vectors, and so cannot be searched with model %s; make it anew with Options.Model", e.Model)
	}
	return fmt.Sprintf("index: its vectors were made by model %s, not by %s; search with that model, or embed the items anew", e.Index, e.Model)
}

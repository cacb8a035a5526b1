package graph

// Gorgonia panics at init on Go 1.23 and later with the version of this module that its
// own go.mod names (gorgonia #523); the import keeps ours among the requirements.
import _ "go4.org/unsafe/assume-no-moving-gc"

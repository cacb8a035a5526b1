package catalog

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestNearestOfSlips(t *testing.T) {
	known := []string{"train", "evaluate", "info", "index"}
	for word, want := range map[string]string{
		"trian": "train", "ifno": "info", "evalaute": "evaluate", "tran": "train", "eval": "evaluate", "trainx": "train",
		"xyzzy": "", "": "", "idnex": "index", "nifo": "info", "fino": "",
	} {
		assert.Equal(t, want, Nearest(word, known), word)
	}
}

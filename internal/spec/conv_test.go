package spec

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestConvValidate(t *testing.T) {
	for name, p := range map[string]Conv2D{
		"no image":   {C: 1, H: 1, W: 1, OutC: 1, KH: 1, KW: 1},
		"window":     {N: 1, C: 1, H: 2, W: 2, OutC: 1, KH: 3, KW: 1},
		"groups":     {N: 1, C: 3, H: 2, W: 2, OutC: 2, KH: 1, KW: 1, Groups: 2},
		"padding":    {N: 1, C: 1, H: 2, W: 2, OutC: 1, KH: 1, KW: 1, PadW: -1},
		"stride":     {N: 1, C: 1, H: 2, W: 2, OutC: 1, KH: 1, KW: 1, StrideH: -1},
		"dilated":    {N: 1, C: 1, H: 4, W: 4, OutC: 1, KH: 3, KW: 1, DilH: 2},
		"no filters": {N: 1, C: 1, H: 2, W: 2, KH: 1, KW: 1},
	} {
		assert.ErrorContains(t, p.Validate(), "spec: convolution", name)
	}
}

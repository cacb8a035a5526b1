package flatnames

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

// Names of version 1, one of each kind, and what they are today.
func TestFlatNames(t *testing.T) {
	for flat, nested := range map[string]string{
		"net/conv1.weight":                       "backbone.conv1.weight",
		"net/layer1.0.bn1.running_mean":          "backbone.layer1.0.bn1.running_mean",
		"net/dropout1.state":                     "backbone.dropout1.state",
		"net/fc1.bias":                           "backbone.fc1.bias",
		"net/fc.bias":                            "embedding.fc.bias",
		"net/dropout.state":                      "embedding.dropout.state",
		"loss/classifier.weight":                 "loss.classifier.weight",
		"loss/1.classifier.bias":                 "loss.1.classifier.bias",
		"solver/count":                           "solver/count",
		"solver/net/fc.weight/first":             "solver/embedding.fc.weight/first",
		"solver/net/conv1.weight/second":         "solver/backbone.conv1.weight/second",
		"solver/loss/0.classifier.weight/second": "solver/loss.0.classifier.weight/second",
	} {
		require.Equal(t, nested, Nested(flat))
		require.Equal(t, flat, Flat(nested))
	}
	require.Equal(t, "backbone.conv1.weight", OfModel("conv1.weight"))
	require.Equal(t, "embedding.fc.bias", OfModel("fc.bias"))
}

func Example() {
	fmt.Println(Nested("solver/net/conv1.weight/first"))
	fmt.Println(OfModel("fc.weight"))
	// Output:
	// solver/backbone.conv1.weight/first
	// embedding.fc.weight
}

package settings

import (
	"reflect"
	"testing"

	"github.com/stretchr/testify/require"
)

// What begins with a scheme is a kind as it stands, with any brackets, from a flag and from a file, and reads what the
// scheme reads.
func TestScheme(t *testing.T) {
	type source struct {
		Name string  `yaml:"name" flag:"from" arg:"NAME" doc:"where from" kind:"a source" scheme:"file"`
		Gain float64 `yaml:"gain,omitempty" flag:"gain" arg:"X" doc:"how loud" for:"radio,file"`
		Band float64 `yaml:"band,omitempty" flag:"band" arg:"X" doc:"which one" for:"radio"`
	}
	s := Of(reflect.TypeFor[source](), nil)
	const name = "file:a (copy)=b.wav#left(1)"
	var config source
	r := s.Reader(&config, nil)
	require.NoError(t, r.Flag("from", name))
	require.NoError(t, r.Flag("gain", "2"))
	require.Equal(t, source{Name: name, Gain: 2}, config)
	text, err := r.Write(false)
	require.NoError(t, err)
	var again source
	require.NoError(t, s.Reader(&again, nil).YAML("f.yaml", text))
	require.Equal(t, config, again)
	require.True(t, s.Field("Gain").isFor(name))
	require.False(t, s.Field("Band").isFor(name))
	require.Error(t, r.Flag("from", "tape:a (copy)"))
}

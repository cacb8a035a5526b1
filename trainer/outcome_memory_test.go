package trainer

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestMemoryThatTheSystemDoesNotTellIsNotZero(t *testing.T) {
	require.Equal(t, "memory unknown on this system", Result{}.Memory())
	require.Equal(t, "3 MiB at the most", Result{PeakRSS: 3 << 20}.Memory())
	require.Equal(t, "3 MiB at the most, 5 MiB on cuda:0", Result{PeakRSS: 3 << 20, DeviceMemory: 5 << 20, Device: "cuda:0"}.Memory())
}

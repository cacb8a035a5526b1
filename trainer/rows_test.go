package trainer

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"medusa/internal/device/gpu/gputest"
	"medusa/nets"
	"medusa/optim"
)

// A loss that samples classes moves the weights of the classes that compete, and leaves those of the others
// as they are to the bit, with what the solver knows of them: at once or in parts, on the CPU or on a device.
// With all rows asked for, momentum moves them all.
func TestSampledClassesMoveAlone(t *testing.T) {
	gputest.Prepare(t)
	const classes, batch = 30, 8
	for _, c := range []struct {
		parts  int
		device string
		all    bool
	}{{1, "cpu", false}, {4, "cpu", false}, {1, "cuda", false}, {4, "cuda", false}, {1, "cpu", true}, {1, "cuda", true}} {
		t.Run(fmt.Sprintf("%+v", c), func(t *testing.T) {
			s, err := NewStepper(StepperConfig{
				Net:  nets.Config{Backbone: "mlp", Hidden: []int{8}, Embedding: 4, Height: side, Width: side},
				Loss: "arcface(classes=batch)", Batch: batch, Classes: classes, Seed: 3, Accumulate: c.parts, Device: c.device,
				Solver: optim.Config{WeightDecay: 0.1, AllRows: c.all},
			})
			require.NoError(t, err)
			defer func() { require.NoError(t, s.Close()) }()
			var weights optim.Tensor
			for _, x := range s.solver.Tensors() {
				if x.Name == "loss.classifier.weight" {
					weights = x
				} else {
					require.Nil(t, x.Rows, x.Name)
				}
			}
			require.NotNil(t, weights.Rows)
			read := func() []float32 {
				require.NoError(t, s.train.dev.Read(weights.Weights))
				return append([]float32(nil), weights.Weights...)
			}
			before := read()
			for step := range 2 {
				x, y := s.Pictures(), s.Labels()
				for i := range x {
					x[i] = float32(math.Sin(float64(i + step)))
				}
				for i := range y {
					y[i] = float32(2*(i/2) + 10*step) // 0, 2, 4, 6; then 10, 12, 14, 16
				}
				_, err := s.Step()
				require.NoError(t, err)
				after := read()
				for class := range classes {
					is := class/10 == step && class%10 < 8 && class%2 == 0
					moved := fmt.Sprint(before[class*4:class*4+4]) != fmt.Sprint(after[class*4:class*4+4])
					require.Equal(t, is || c.all, moved, "step %d, class %d", step, class)
				}
				before = after
			}
		})
	}
}

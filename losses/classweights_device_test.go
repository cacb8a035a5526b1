package losses_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	"gorgonia.org/tensor"

	"medusa/internal/gpu/gputest"
	"medusa/losses"
	"medusa/machine"
	"medusa/miners"
)

// Losses with weights of classes on the device have the values and gradients of the CPU, step by step.
func TestClassWeightsOnDevice(t *testing.T) {
	gputest.Prepare(t)
	dev, err := machine.Open("cuda", machine.Options{Log: func(message string) { t.Error(message) }})
	require.NoError(t, err)
	defer func() { require.NoError(t, dev.Close()) }()
	const b, e, steps = 9, 4, 3
	for name, fresh := range map[string]func() losses.Trainable{
		"ce": func() losses.Trainable {
			return over(losses.Default[*losses.CrossEntropy](), func(l *losses.CrossEntropy) { l.Focal, l.SubCenters = 2, 2 })
		},
		"arcface": func() losses.Trainable {
			return over(losses.Default[*losses.ArcFace](), func(l *losses.ArcFace) { l.Scale, l.Smoothing, l.Miner = 8, 0.1, miners.BatchHard{} })
		},
		"cosface, a share": func() losses.Trainable {
			return over(losses.Default[*losses.CosFace](), func(l *losses.CosFace) { l.Scale, l.Share, l.SubCenters = 8, 0.3, 2 })
		},
		"sphereface": func() losses.Trainable {
			return over(losses.Default[*losses.SphereFace](), func(l *losses.SphereFace) { l.Compete = losses.BatchClasses })
		},
		"large-margin": func() losses.Trainable {
			return over(losses.Default[*losses.LargeMarginSoftmax](), func(*losses.LargeMarginSoftmax) {})
		},
		"p2sgrad": func() losses.Trainable {
			return over(losses.Default[*losses.P2SGrad](), func(l *losses.P2SGrad) { l.Share = 0.5 })
		},
		"proxy-nca": func() losses.Trainable { return over(losses.Default[*losses.ProxyNCA](), func(*losses.ProxyNCA) {}) },
		"proxy-anchor": func() losses.Trainable {
			return over(losses.Default[*losses.ProxyAnchor](), func(*losses.ProxyAnchor) {})
		},
		"soft-triple": func() losses.Trainable {
			return over(losses.Default[*losses.SoftTriple](), func(*losses.SoftTriple) {})
		},
		"center": func() losses.Trainable { return over(losses.Default[*losses.Center](), func(*losses.Center) {}) },
		"adacos": func() losses.Trainable { return over(losses.Default[*losses.AdaCos](), func(*losses.AdaCos) {}) },
		"curricularface": func() losses.Trainable {
			return over(losses.Default[*losses.CurricularFace](), func(l *losses.CurricularFace) { l.Momentum, l.Scale = 0.5, 8 })
		},
		"magface": func() losses.Trainable { return over(losses.Default[*losses.MagFace](), func(*losses.MagFace) {}) },
		"adaface": func() losses.Trainable {
			return over(losses.Default[*losses.AdaFace](), func(l *losses.AdaFace) { l.Momentum, l.Scale = 0.5, 8 })
		},
	} {
		t.Run(name, func(t *testing.T) {
			value, closeMachine := onDevice(t, dev, onFeatures{fresh()}, b, e)
			defer closeMachine()
			eval, err := losses.NewEvaluator(fresh(), b, e, tensor.Float32)
			require.NoError(t, err)
			defer eval.Close()
			for step := range steps {
				x, y := randomBatch(uint64(step), b, e, 4)
				want, err := eval.Value(x, y)
				require.NoError(t, err)
				got, grad := value(x, y)
				what := fmt.Sprintf("step %d", step)
				require.InEpsilon(t, want.Loss, got, 1e-4, what)
				require.InDeltaSlice(t, want.Gradient, grad, 1e-3*max(1, want.Loss), what)
			}
		})
	}
}

package loops

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"medusa/internal/spec"
)

// Layers of the nets at their training batch.
var convLayers = []struct {
	name string
	spec.Conv2D
}{
	{"cnn1_1x28", spec.Conv2D{N: 64, C: 1, H: 28, W: 28, OutC: 32, KH: 3, KW: 3, PadH: 1, PadW: 1}},
	{"cnn2_32x14", spec.Conv2D{N: 64, C: 32, H: 14, W: 14, OutC: 64, KH: 3, KW: 3, PadH: 1, PadW: 1}},
	{"cnn3_64x7", spec.Conv2D{N: 64, C: 64, H: 7, W: 7, OutC: 128, KH: 3, KW: 3, PadH: 1, PadW: 1}},
	{"stem_3x64", spec.Conv2D{N: 32, C: 3, H: 64, W: 64, OutC: 64, KH: 7, KW: 7, StrideH: 2, StrideW: 2, PadH: 3, PadW: 3}},
	{"small_stem_3x64", spec.Conv2D{N: 32, C: 3, H: 64, W: 64, OutC: 64, KH: 3, KW: 3, PadH: 1, PadW: 1}},
	{"res1_64x16", spec.Conv2D{N: 32, C: 64, H: 16, W: 16, OutC: 64, KH: 3, KW: 3, PadH: 1, PadW: 1}},
	{"res2_down", spec.Conv2D{N: 32, C: 64, H: 16, W: 16, OutC: 128, KH: 3, KW: 3, StrideH: 2, StrideW: 2, PadH: 1, PadW: 1}},
	{"res2_short", spec.Conv2D{N: 32, C: 64, H: 16, W: 16, OutC: 128, KH: 1, KW: 1, StrideH: 2, StrideW: 2}},
	{"res2_128x8", spec.Conv2D{N: 32, C: 128, H: 8, W: 8, OutC: 128, KH: 3, KW: 3, PadH: 1, PadW: 1}},
	{"res3_256x4", spec.Conv2D{N: 32, C: 256, H: 4, W: 4, OutC: 256, KH: 3, KW: 3, PadH: 1, PadW: 1}},
	{"res4_512x2", spec.Conv2D{N: 32, C: 512, H: 2, W: 2, OutC: 512, KH: 3, KW: 3, PadH: 1, PadW: 1}},
	{"pointwise_256x14", spec.Conv2D{N: 32, C: 256, H: 14, W: 14, OutC: 64, KH: 1, KW: 1}},
}

// BenchmarkConv reports the multiplications and additions of the plain way, and which part
// of the cores' peak they are: above 1 where an algorithm gets by with fewer.
func BenchmarkConv(b *testing.B) {
	r := rand.New(rand.NewPCG(19, 20))
	for _, l := range convLayers {
		p := l.Conv2D
		x, w := randomSlice[float32](r, p.N*p.C*p.H*p.W), randomSlice[float32](r, p.OutC*p.C*p.KH*p.KW)
		dy := randomSlice[float32](r, p.N*p.OutC*p.OutH()*p.OutW())
		bias := randomSlice[float32](r, p.OutC)
		flop := 2 * float64(len(dy)) * float64(p.C*p.KH*p.KW) / 1e9
		var ws Workspace[float32]
		for _, op := range []struct {
			name string
			run  func()
		}{
			{"forward", func() { ConvForward(&p, x, w, bias, dy, true, &ws) }},
			{"input", func() { ConvGradInput(&p, dy, w, x, &ws) }},
			{"weight", func() { ConvGradWeight(&p, x, dy, w, bias, &ws) }},
		} {
			for _, threads := range []int{1, 2} {
				b.Run(fmt.Sprintf("%s/%s/threads=%d", l.name, op.name, threads), func(b *testing.B) {
					withThreads(b, threads)
					bench(b, flop, "GFLOP/s", op.run)
					if peak := peakRate() * float64(threads); peak > 0 {
						b.ReportMetric(flop*float64(b.N)/b.Elapsed().Seconds()/peak, "of-peak")
					}
				})
			}
		}
	}
}

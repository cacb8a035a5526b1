//go:build !amd64

package jpeg

var hasAVX2 = false

// Nothing calls what follows: there is no assembly for this processor.

func inverseAVX2(b *int32, pix *byte, stride int) {}

func interleaveAVX2(to, first, second, third, fourth *byte, n int, flip, set uint32) {}

func coloursAVX2(to, luma, blueness, redness *byte, n int) {}

func coloursOfPairsAVX2(to, luma, blueness, redness *byte, n int) {}

package ico

import (
	"testing"

	"medusa/datasets/internal/decodertest"
)

// FuzzICO: whatever the bytes, there is a picture of the size that the header says, or an
// error; nothing panics.
func FuzzICO(f *testing.F) {
	decodertest.Fuzz(f, func(data []byte) (decodertest.Announced, error) {
		p, err := Parse(data)
		if err != nil {
			return decodertest.Announced{}, err
		}
		return decodertest.Announced{Width: p.Width, Height: p.Height, Decode: p.Decode}, nil
	}, "*.ico", "*.cur")
}

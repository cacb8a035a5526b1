package datasets

import (
	"bytes"
	"compress/zlib"
	"crypto/sha256"
	"encoding/binary"
	"image"
	"io"
	"math"
	"sync"

	"github.com/pkg/errors"

	"medusa/datasets/internal/deep"
	"medusa/datasets/internal/icc"
)

// What is told of a picture's colours.
const (
	remarkConverted = "colours converted to sRGB, as the picture's profile asks for"
	remarkInks      = "colour profile of inks, which is not applied"
	remarkTables    = "colour profile of tables, which is not applied"
	remarkDamaged   = "damaged colour profile, which is not applied"
	remarkOther     = "colour profile for pictures of another kind, which is not applied"
	remarkCoded     = "colours of high dynamic range or of an unknown kind, read as sRGB"
)

var remarks = []string{remarkConverted, remarkInks, remarkTables, remarkDamaged, remarkOther, remarkCoded}

// wayToSRGB returns how the colours of a picture become sRGB: nil if they are that already,
// or if nothing says what they are. What cannot be applied is told.
func wayToSRGB(format string, data, profile []byte, img image.Image) (*icc.Transform, string) {
	if format == formatPNG {
		if t, remark, found := codedInPNG(data); found {
			return orIdentity(t, remark)
		}
	}
	if profile == nil {
		var err error
		if profile, err = profileOf(format, data); err != nil {
			return nil, remarkDamaged
		}
	}
	if profile == nil {
		if format == formatPNG {
			return orIdentity(gammaOfPNG(data), "")
		}
		return nil, ""
	}
	t, err := transforms.of(profile)
	_, inks := img.(*image.CMYK)
	switch {
	case errors.Is(err, icc.ErrInks) && !inks:
		return nil, remarkOther
	case errors.Is(err, icc.ErrInks):
		return nil, remarkInks
	case errors.Is(err, icc.ErrTables):
		return nil, remarkTables
	case err != nil:
		return nil, remarkDamaged
	case inks, t.IsGrey() && !isGreyKind(img):
		return nil, remarkOther
	}
	return orIdentity(t, "")
}

// isGreyKind reports whether a picture has no colours by its kind.
func isGreyKind(img image.Image) bool {
	switch m := img.(type) {
	case *image.Gray, *image.Gray16:
		return true
	case *deep.Image:
		return m.Channels == 1
	case *image.NRGBA: // grey with alpha
		for p := m.Pix; len(p) >= 4; p = p[4:] {
			if p[0] != p[1] || p[1] != p[2] {
				return false
			}
		}
		return true
	case *image.NRGBA64:
		for p := m.Pix; len(p) >= 8; p = p[8:] {
			if !bytes.Equal(p[:2], p[2:4]) || !bytes.Equal(p[:2], p[4:6]) {
				return false
			}
		}
		return true
	}
	return false
}

// orIdentity leaves out a transform that changes nothing.
func orIdentity(t *icc.Transform, remark string) (*icc.Transform, string) {
	if t == nil || t.IsSame() {
		return nil, remark
	}
	return t, remarkConverted
}

// transforms remembers what the profiles of a set are: usually there is one.
var transforms transformCache

type transformCache struct {
	mu    sync.Mutex
	known map[[sha256.Size]byte]parsedProfile
}

type parsedProfile struct {
	transform *icc.Transform
	err       error
}

func (c *transformCache) of(profile []byte) (*icc.Transform, error) {
	key := sha256.Sum256(profile)
	c.mu.Lock()
	defer c.mu.Unlock()
	p, ok := c.known[key]
	if !ok {
		const kept = 16
		if c.known == nil || len(c.known) >= kept {
			c.known = make(map[[sha256.Size]byte]parsedProfile)
		}
		p.transform, p.err = icc.Parse(profile)
		c.known[key] = p
	}
	return p.transform, p.err
}

// profileOf returns the colour profile (ICC) in a file that is no TIFF; nil if there is
// none.
func profileOf(format string, data []byte) ([]byte, error) {
	switch format {
	case formatJPEG:
		return profileOfJPEG(data)
	case formatPNG:
		return profileOfPNG(data)
	case formatWebP:
		return chunkOfWebP(data, "ICCP"), nil
	}
	return nil, nil
}

// profileOfJPEG joins the numbered pieces (ICC.1:2022, annex B.4).
func profileOfJPEG(data []byte) ([]byte, error) {
	const name, app2 = "ICC_PROFILE\x00", 0xe2
	var pieces [256][]byte
	count, found := 0, 0
	eachSegment(data, func(marker byte, body []byte) bool {
		if marker != app2 || !bytes.HasPrefix(body, []byte(name)) || len(body) < len(name)+2 {
			return true
		}
		number := body[len(name)]
		count = int(body[len(name)+1])
		if pieces[number] == nil {
			pieces[number] = body[len(name)+2:]
			found++
		}
		return true
	})
	if found == 0 {
		return nil, nil
	}
	if found != count || pieces[0] != nil {
		return nil, errors.Errorf("%d pieces of a profile, want %d", found, count)
	}
	return bytes.Join(pieces[1:count+1], nil), nil
}

// eachPNGChunk calls visit for the chunks before the pixels until it returns false.
func eachPNGChunk(data []byte, visit func(name string, body []byte) bool) {
	for data = data[min(8, len(data)):]; len(data) >= 12; {
		n := int64(binary.BigEndian.Uint32(data))
		name := string(data[4:8])
		if n > int64(len(data)-12) || name == "IDAT" || !visit(name, data[8:8+n]) {
			return
		}
		data = data[12+n:]
	}
}

// chunkOfPNG returns the body of the first chunk of a name, of at least so many bytes,
// before the pixels.
func chunkOfPNG(data []byte, name string, least int) (found []byte) {
	eachPNGChunk(data, func(n string, body []byte) bool {
		if n == name && len(body) >= least {
			found = body
		}
		return found == nil
	})
	return found
}

func profileOfPNG(data []byte) ([]byte, error) {
	body := chunkOfPNG(data, "iCCP", 1)
	if body == nil {
		return nil, nil
	}
	_, packed, ok := bytes.Cut(body, []byte{0})
	if !ok || len(packed) < 1 || packed[0] != 0 {
		return nil, errors.New("header of the profile")
	}
	r, err := zlib.NewReader(bytes.NewReader(packed[1:]))
	if err != nil {
		return nil, err
	}
	const largest = 8 << 20
	profile, err := io.ReadAll(io.LimitReader(r, largest+1))
	if err != nil {
		return nil, err
	}
	if len(profile) > largest {
		return nil, errors.New("a profile of more than 8 MiB")
	}
	return profile, nil
}

// codedInPNG obeys cICP, which goes before all else (PNG, third edition, section 4.3). found
// is false if there is none.
func codedInPNG(data []byte) (t *icc.Transform, remark string, found bool) {
	body := chunkOfPNG(data, "cICP", 4)
	if body == nil {
		return nil, "", false
	}
	primaries, transfer, planes, full := body[0], body[1], body[2], body[3]
	t, ok := icc.Coded(primaries, transfer)
	if !ok || planes != 0 || full != 1 {
		return nil, remarkCoded, true
	}
	return t, "", true
}

// gammaOfPNG obeys gAMA, with the colours of cHRM if there are any, unless sRGB says what
// the colours are; nil if they are taken as sRGB. An exponent within a twentieth of sRGB's
// is meant as sRGB, as libpng has it.
func gammaOfPNG(data []byte) *icc.Transform {
	gamma := chunkOfPNG(data, "gAMA", 4)
	if gamma == nil || chunkOfPNG(data, "sRGB", 1) != nil {
		return nil
	}
	const unit, srgb, slack = 100000, 1 / 2.2, 0.05
	exponent := float64(binary.BigEndian.Uint32(gamma)) / unit
	if exponent < 0.01 || exponent > 100 {
		return nil
	}
	isSRGB := math.Abs(exponent/srgb-1) <= slack
	colours := icc.SRGBPrimaries()
	if body := chunkOfPNG(data, "cHRM", 32); body != nil {
		for i := range colours {
			colours[i] = float64(binary.BigEndian.Uint32(body[4*i:])) / unit
		}
	} else if isSRGB {
		return nil
	}
	var t *icc.Transform
	ok := false
	if isSRGB {
		t, ok = icc.SRGBCurve(colours)
	} else {
		t, ok = icc.Gamma(exponent, colours)
	}
	if !ok {
		return nil
	}
	return t
}

// significantBits is the number of bits that sBIT says are in use, 0 if it does not say.
func significantBits(data []byte) int {
	most := 0
	for _, b := range chunkOfPNG(data, "sBIT", 1) {
		most = max(most, int(b))
	}
	return most
}

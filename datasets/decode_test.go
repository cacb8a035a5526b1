package datasets

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"hash/crc32"
	"image"
	"image/color"
	"image/draw"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/pkg/errors"
	"github.com/stretchr/testify/require"
)

func readFile(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(name)
	require.NoError(t, err)
	return data
}

// What is cut off at its very end is whole; what lacks pixels is not.
func TestDecodeCutFiles(t *testing.T) {
	jpg, png := readFile(t, "testdata/pictures/rgb.jpg"), readFile(t, "testdata/pictures/rgb.png")
	whole := map[string][]byte{
		"JPEG without its end marker": jpg[:len(jpg)-2],
		"JPEG with bytes behind it":   append(bytes.Clone(jpg), make([]byte, 500)...),
		"PNG without its end chunk":   png[:len(png)-12],
	}
	for name, data := range whole {
		t.Run(name, func(t *testing.T) {
			p, err := decode("x", data, DefaultMaxPixels)
			require.NoError(t, err)
			original, err := decode("x", map[bool][]byte{true: jpg, false: png}[strings.HasPrefix(name, "JPEG")], DefaultMaxPixels)
			require.NoError(t, err)
			require.Equal(t, original.Image, p.Image)
		})
	}
	for _, file := range []string{"rgb.jpg", "progressive.jpg", "grey.jpg", "rgb.png", "still.gif", "rgb.bmp", "lzw.tif", "lossless.webp", "lossy.webp", "animated.webp"} {
		data := readFile(t, "testdata/pictures/"+file)
		t.Run("half of "+file, func(t *testing.T) {
			_, err := decode("x", data[:len(data)/2], DefaultMaxPixels)
			if file == "animated.webp" {
				require.NoError(t, err) // the first of three frames is whole
				return
			}
			var p *problem
			require.True(t, errors.As(err, &p), "%v", err)
			require.Equal(t, reasonBroken, p.reason)
		})
	}
}

func TestDecodeChecksTheHeaderFirst(t *testing.T) {
	for _, file := range []string{"rgb.jpg", "rgb.png", "still.gif", "rgb.bmp", "lzw.tif", "lossless.webp", "lossy.webp", "animated.webp"} {
		_, err := decode(file, readFile(t, "testdata/pictures/"+file), 46*34-1)
		require.ErrorContains(t, err, "too many pixels: 46×34 is above the limit of 1563 pixels", file)
		_, err = decode(file, readFile(t, "testdata/pictures/"+file), 46*34)
		require.NoError(t, err, file)
	}
	var before, after runtime.MemStats
	data := readFile(t, "testdata/messy/header_claims_60000x60000.png")
	runtime.ReadMemStats(&before)
	_, err := decode("x.png", data, DefaultMaxPixels)
	runtime.ReadMemStats(&after)
	require.ErrorContains(t, err, "60000×60000")
	require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(1<<20))
}

func TestSniff(t *testing.T) {
	for _, tt := range []struct {
		name, data, reason, detail string
		picture                    bool
	}{
		{"a.jpg", "", reasonEmpty, "", true},
		{"a.txt", "", reasonEmpty, "", false},
		{"a.txt", "hello", reasonNoPicture, "text", false},
		{"a.JPG ", "hello", reasonNoPicture, "text", true},
		{"a.jpg", "  <!DOCTYPE html>", reasonNoPicture, "an HTML page", true},
		{"a.png", "version https://git-lfs.github.com/spec/v1\n", reasonNoPicture, "git-LFS", true},
		{"a.jpg", "\xff\xd8", reasonNoPicture, "cut off", true},
		{"a.db", "\x01\x02\x00\x03", reasonNoPicture, "unknown bytes", false},
		{"a.heic", "\x00\x00\x00\x18ftypheic....", reasonUnsupported, "HEIC", true},
		{"a.avif", "\x00\x00\x00\x18ftypavif....", reasonUnsupported, "AVIF", true},
		{"a.psd", "8BPS\x00\x01", reasonUnsupported, "Photoshop", true},
		{"a.heic", "\x00\x00\x00\x20ftypmif1\x00\x00\x00\x00mif1heic....", reasonUnsupported, "HEIC", true},
		{"a.avif", "\x00\x00\x00\x20ftypmif1\x00\x00\x00\x00mif1avif....", reasonUnsupported, "AVIF", true},
		{"a.mp4", "\x00\x00\x00\x18ftypisom\x00\x00\x00\x00mp42", reasonNoPicture, "unknown bytes", false},
		{"a.jxl", "\xff\x0a....", reasonUnsupported, "JPEG XL; convert it to PNG or JPEG", true},
		{"a.txt", "P5 is the largest", reasonNoPicture, "text", false},
		{"a.txt", "P7\nis the largest", reasonNoPicture, "text", false},
	} {
		_, err := sniff(tt.name, []byte(tt.data))
		var p *problem
		require.True(t, errors.As(err, &p), tt.name)
		require.Equal(t, tt.reason, p.reason, tt.data)
		require.Contains(t, p.detail, tt.detail)
		require.Equal(t, tt.picture, p.picture, "%s: %s", tt.name, tt.data)
	}
}

// A picture of 4×2 with a column of each value, on its own and turned by EXIF.
func TestRenderModes(t *testing.T) {
	img := image.NewGray(image.Rect(0, 0, 4, 2))
	for i := range img.Pix {
		img.Pix[i] = byte(10 * (i%4 + 1))
	}
	box := image.Rect(1, 0, 3, 2)
	tests := map[string]struct {
		r           renderer
		orientation int
		box         *image.Rectangle
		want        []byte
	}{
		"as it is":           {renderer{channels: 1, height: 2, width: 4}, 1, nil, []byte{10, 20, 30, 40, 10, 20, 30, 40}},
		"inverted":           {renderer{channels: 1, height: 1, width: 4, mode: Squeeze, invert: true}, 1, nil, []byte{245, 235, 225, 215}},
		"cropped":            {renderer{channels: 1, height: 2, width: 2, mode: Crop}, 1, nil, []byte{20, 30, 20, 30}},
		"cropped, turned":    {renderer{channels: 1, height: 2, width: 2, mode: Crop}, 6, nil, []byte{20, 20, 30, 30}},
		"padded":             {renderer{channels: 1, height: 4, width: 4, mode: Pad}, 1, nil, []byte{255, 255, 255, 255, 10, 20, 30, 40, 10, 20, 30, 40, 255, 255, 255, 255}},
		"padded, turned":     {renderer{channels: 1, height: 4, width: 4, mode: Pad}, 6, nil, []byte{255, 10, 10, 255, 255, 20, 20, 255, 255, 30, 30, 255, 255, 40, 40, 255}},
		"padded, inverted":   {renderer{channels: 1, height: 2, width: 5, mode: Pad, invert: true}, 1, nil, []byte{245, 235, 225, 215, 0, 245, 235, 225, 215, 0}},
		"box":                {renderer{channels: 1, height: 2, width: 2, mode: Squeeze}, 1, &box, []byte{20, 30, 20, 30}},
		"turned left–right":  {renderer{channels: 1, height: 2, width: 4}, 2, nil, []byte{40, 30, 20, 10, 40, 30, 20, 10}},
		"three channels":     {renderer{channels: 3, height: 1, width: 4}, 1, nil, []byte{10, 20, 30, 40, 10, 20, 30, 40, 10, 20, 30, 40}},
		"a quarter enlarged": {renderer{channels: 1, height: 2, width: 2, mode: Squeeze}, 1, &image.Rectangle{Max: image.Pt(1, 1)}, []byte{10, 10, 10, 10}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			planes := make([]byte, len(tt.want))
			colour, err := tt.r.render(planes, picture{Image: img, orientation: tt.orientation}, cutout{box: tt.box})
			require.NoError(t, err)
			require.False(t, colour)
			require.Equal(t, tt.want, planes)
		})
	}
	outside := image.Rect(4, 0, 9, 2)
	_, err := (&renderer{channels: 1, height: 1, width: 1}).render(make([]byte, 1), picture{Image: img, orientation: 1}, cutout{box: &outside})
	require.ErrorContains(t, err, "box outside of the picture: (4,0)-(9,2) of a picture of 4×2")
	// Turned by 90°, the same place is inside.
	_, err = (&renderer{channels: 1, height: 1, width: 1}).render(make([]byte, 1), picture{Image: img, orientation: 6}, cutout{box: &image.Rectangle{Min: image.Pt(0, 3), Max: image.Pt(2, 4)}})
	require.NoError(t, err)
}

func TestRenderOnWhite(t *testing.T) {
	img := image.NewNRGBA(image.Rect(0, 0, 2, 1))
	img.SetNRGBA(0, 0, color.NRGBA{200, 0, 0, 128})
	planes := make([]byte, 6)
	colour, err := (&renderer{channels: 3, height: 1, width: 2}).render(planes, picture{Image: img, orientation: 1}, cutout{})
	require.NoError(t, err)
	require.True(t, colour)
	// 200 · 128/255 + 255 · 127/255 = 227.4; 255 · 127/255 = 127; transparent is white.
	require.InDeltaSlice(t, []float64{227, 255, 127, 255, 127, 255}, floats(planes), 1)
}

// Colours come out of a palette as the standard library draws them.
func TestFlattenAsDraw(t *testing.T) {
	for _, file := range []string{"palette.png", "palette_transparent.png", "still.gif", "palette.bmp"} {
		p, err := decode(file, readFile(t, "testdata/pictures/"+file), DefaultMaxPixels)
		require.NoError(t, err)
		m, ok := p.Image.(*image.Paletted)
		require.True(t, ok, file)
		for _, part := range []image.Rectangle{m.Bounds(), image.Rect(3, 4, 20, 21)} {
			want := image.NewRGBA(part)
			draw.Draw(want, part, m, part.Min, draw.Src)
			require.Equal(t, want, flatten(m, part), file)
		}
	}
}

func floats(b []byte) []float64 {
	f := make([]float64, len(b))
	for i, v := range b {
		f[i] = float64(v)
	}
	return f
}

// FuzzDecode: whatever the bytes, decode returns a picture within the limit or a
// *problem; it never panics and takes no memory that a header only claims.
func FuzzDecode(f *testing.F) {
	files, err := filepath.Glob("testdata/pictures/*")
	require.NoError(f, err)
	messy, err := filepath.Glob("testdata/messy/*")
	require.NoError(f, err)
	for _, file := range append(files, messy...) {
		f.Add(readFile(f, file))
	}
	r := &renderer{channels: 3, height: 4, width: 4, mode: Crop}
	f.Fuzz(func(t *testing.T, data []byte) {
		const limit = 1 << 16
		p, err := decode("x.jpg", data, limit)
		var why *problem
		if err != nil {
			require.True(t, errors.As(err, &why), "%v", err)
			return
		}
		require.LessOrEqual(t, p.Bounds().Dx()*p.Bounds().Dy(), limit)
		_, err = r.render(make([]byte, 48), p, cutout{})
		require.NoError(t, err)
	})
}

// What cannot be applied of a picture's colours is told, and the picture is read as it is.
func TestColoursThatAreTold(t *testing.T) {
	png := readFile(t, "testdata/formats/rgb8.png")
	with := func(kind string, body []byte) []byte {
		chunk := binary.BigEndian.AppendUint32(nil, uint32(len(body)))
		chunk = append(append(chunk, kind...), body...)
		chunk = binary.BigEndian.AppendUint32(chunk, crc32.ChecksumIEEE(chunk[4:]))
		return append(append(bytes.Clone(png[:33]), chunk...), png[33:]...)
	}
	iccp := func(profile []byte) []byte {
		body := bytes.NewBufferString("p\x00\x00")
		z := zlib.NewWriter(body)
		_, err := z.Write(profile)
		require.NoError(t, err)
		require.NoError(t, z.Close())
		return with("iCCP", body.Bytes())
	}
	p3 := readFile(t, "internal/icc/testdata/p3.icc")
	inks, lab := bytes.Clone(p3), bytes.Clone(p3)
	copy(inks[16:], "CMYK")
	copy(lab[20:], "Lab ")
	jpg := readFile(t, "testdata/formats/icc_p3_segments.jpg")
	second := bytes.LastIndex(jpg, []byte("ICC_PROFILE\x00"))
	lost := append(bytes.Clone(jpg[:second-4]), jpg[second-4+2+int(binary.BigEndian.Uint16(jpg[second-2:])):]...)
	for name, tt := range map[string]struct {
		data   []byte
		remark string
	}{
		"no profile":        {png, ""},
		"tables":            {iccp(lab), remarkTables},
		"inks":              {iccp(inks), remarkOther},
		"half":              {iccp(p3[:200]), remarkDamaged},
		"not packed":        {with("iCCP", []byte("p\x00\x00xxxxxx")), remarkDamaged},
		"grey for colours":  {iccp(readFile(t, "internal/icc/testdata/grey.icc")), remarkOther},
		"a piece is lost":   {lost, remarkDamaged},
		"high dynamic":      {with("cICP", []byte{9, 16, 0, 1}), remarkCoded},
		"narrow range":      {with("cICP", []byte{1, 13, 0, 0}), remarkCoded},
		"gamma of nonsense": {with("gAMA", []byte{0, 0, 0, 0}), ""},
	} {
		p, err := decode("x", tt.data, DefaultMaxPixels)
		require.NoError(t, err, name)
		require.Equal(t, tt.remark, p.remark, name)
		if name != "a piece is lost" {
			plain, err := decode("x", png, DefaultMaxPixels)
			require.NoError(t, err)
			require.Equal(t, plain.Image, p.Image, name)
		}
	}
	// Inks are told as such where the picture is of inks.
	var cmyk []byte
	ink := readFile(t, "testdata/formats/cmyk.jpg")
	body := append([]byte("ICC_PROFILE\x00\x01\x01"), inks...)
	cmyk = append(append(cmyk, ink[:2]...), 0xff, 0xe2, byte((len(body)+2)>>8), byte(len(body)+2))
	cmyk = append(append(cmyk, body...), ink[2:]...)
	p, err := decode("x", cmyk, DefaultMaxPixels)
	require.NoError(t, err)
	require.Equal(t, remarkInks, p.remark)
}

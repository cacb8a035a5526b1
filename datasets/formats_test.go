package datasets

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"encoding/json"
	"image"
	"io"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/image/bmp"
	"golang.org/x/image/tiff"
)

// independent is testdata/formats.json, made by testdata/make_formats.py: what other
// decoders read of the pictures in testdata/formats.
type independent struct {
	Pictures map[string]struct {
		Width, Height int
		Pixels        string // place in Pixels below
		By            string
		// Tolerance is how far a value may be off, in 255ths: 0 where nothing is lost, 1
		// where two round differently, more where JPEG is decoded or colours are computed.
		Tolerance int
		Mean      float64 // how far on average; 0 where only Tolerance counts
		Converted bool    // colours are told to be converted to sRGB
	}
	Pixels map[string][]byte // RGB, packed by zlib
}

func readIndependent(t testing.TB) independent {
	t.Helper()
	var in independent
	require.NoError(t, json.Unmarshal(readFile(t, "testdata/formats.json"), &in))
	return in
}

// rendered is a picture at its own size, upright, on white, in RGB, its range as of a set
// that holds no other.
func rendered(t testing.TB, p picture) (pixels []byte, size image.Point) {
	t.Helper()
	if e := extentOf(p); e.deep {
		p.settle(rangeRule{auto: true}.spanOf(e))
	}
	size = p.Bounds().Size()
	if p.orientation >= 5 {
		size.X, size.Y = size.Y, size.X
	}
	planes := make([]byte, 3*size.X*size.Y)
	_, err := (&renderer{channels: 3, height: size.Y, width: size.X, mode: Squeeze}).render(planes, p, cutout{})
	require.NoError(t, err)
	return interleaved(planes), size
}

// Every variant of every format comes out as an independent decoder reads it.
func TestDecodeAsOthers(t *testing.T) {
	in := readIndependent(t)
	var files []string
	for _, folder := range []string{"formats", "found"} {
		list, err := filepath.Glob("testdata/" + folder + "/*")
		require.NoError(t, err)
		files = append(files, list...)
	}
	require.Len(t, files, len(in.Pictures))
	for _, file := range files {
		name := filepath.Base(file)
		if filepath.Base(filepath.Dir(file)) == "found" {
			name = "../found/" + name
		}
		t.Run(name, func(t *testing.T) {
			want, ok := in.Pictures[name]
			require.True(t, ok)
			p, err := decode(name, readFile(t, file), DefaultMaxPixels)
			require.NoError(t, err)
			require.Equal(t, want.Converted, p.remark == remarkConverted, p.remark)
			got, size := rendered(t, p)
			require.Equal(t, image.Pt(want.Width, want.Height), size)
			r, err := zlib.NewReader(bytes.NewReader(in.Pixels[want.Pixels]))
			require.NoError(t, err)
			pixels, err := io.ReadAll(r)
			require.NoError(t, err)
			require.Len(t, pixels, len(got))
			worst, sum := 0, 0.
			for i, w := range pixels {
				d := max(int(got[i])-int(w), int(w)-int(got[i]))
				worst, sum = max(worst, d), sum+float64(d)
			}
			require.LessOrEqual(t, worst, want.Tolerance, "by %s", want.By)
			if want.Mean > 0 {
				require.LessOrEqual(t, sum/float64(len(pixels)), want.Mean, "by %s", want.By)
			}
		})
	}
}

// Every file of testdata/formats stands in one row of the table of formats, and the row
// names the format that it is recognised as.
func TestDocumentedFormats(t *testing.T) {
	text := string(readFile(t, "../docs/datasets.md"))
	_, table, found := strings.Cut(text, "| format | in testdata/formats |")
	require.True(t, found)
	files, err := filepath.Glob("testdata/formats/*")
	require.NoError(t, err)
	rows := make(map[string]string)
	for _, line := range strings.Split(table, "\n")[2:] {
		cells := strings.Split(line, "|")
		if len(cells) < 5 {
			break
		}
		for _, pattern := range regexp.MustCompile("`[^`]+`").FindAllString(cells[2], -1) {
			matches, err := filepath.Glob("testdata/formats/" + strings.Trim(pattern, "`"))
			require.NoError(t, err)
			require.NotEmpty(t, matches, pattern)
			for _, m := range matches {
				require.Empty(t, rows[m], m)
				rows[m] = cells[1]
			}
		}
	}
	for _, file := range files {
		format, err := sniff(file, readFile(t, file))
		require.NoError(t, err)
		require.Contains(t, rows[file], format, file)
	}
}

// Whole files of kinds that are not read are told as such, with the way out.
func TestDecodeUnsupported(t *testing.T) {
	tif := readFile(t, "testdata/formats/rgb_zip.tif")
	at := bytes.Index(tif, []byte{0x03, 0x01, 3, 0, 1, 0, 0, 0, 8, 0}) // compression: 8
	require.Positive(t, at)
	zstd := bytes.Clone(tif)
	binary.LittleEndian.PutUint16(zstd[at+8:], 50000)
	jpg := readFile(t, "testdata/formats/grey.jpg")
	arithmetic := bytes.Replace(jpg, []byte{0xff, 0xc0}, []byte{0xff, 0xc9}, 1)
	for want, data := range map[string][]byte{
		"TIFF, tiff: unsupported: compression: Zstandard; convert it to PNG or JPEG": zstd,
		"JPEG, unsupported JPEG feature: ":                                           arithmetic,
		"AVIF; convert it to PNG or JPEG: avifdec IN.avif OUT.png":                   []byte("\x00\x00\x00\x18ftypavif\x00\x00\x00\x00avif"),
	} {
		_, err := decode("x.tga", data, DefaultMaxPixels)
		var p *problem
		require.ErrorAs(t, err, &p)
		require.Equal(t, reasonUnsupported, p.reason, "%v", err)
		require.Contains(t, p.detail, want)
		require.Contains(t, p.detail, "convert it to PNG or JPEG")
	}
}

// Half a file of a format without end marks is not taken for a picture.
func TestDecodeHalfFiles(t *testing.T) {
	in := readIndependent(t)
	for name := range in.Pictures {
		if strings.HasPrefix(name, "..") || name == "two.pgm" || strings.HasSuffix(name, ".ico") || strings.HasSuffix(name, ".cur") {
			continue // of several pictures the first may be whole
		}
		data := readFile(t, "testdata/formats/"+name)
		t.Run(name, func(t *testing.T) {
			_, err := decode(name, data[:len(data)/2], DefaultMaxPixels)
			var p *problem
			require.ErrorAs(t, err, &p)
			require.NotEqual(t, reasonNoPicture, p.reason)
		})
	}
}

// A header may claim any size: it costs no memory.
func TestHeadersThatClaimMuch(t *testing.T) {
	tif := readFile(t, "testdata/formats/rgb_zip.tif")
	at := bytes.Index(tif, []byte{0x00, 0x01, 3, 0, 1, 0, 0, 0, 23, 0}) // width, then height
	require.Positive(t, at)
	wide := bytes.Clone(tif)
	binary.LittleEndian.PutUint16(wide[at+8:], 8000)
	binary.LittleEndian.PutUint16(wide[at+12+8:], 8000)
	bmp := bytes.Clone(readFile(t, "testdata/formats/bits24.bmp"))
	binary.LittleEndian.PutUint32(bmp[18:], 8000)
	binary.LittleEndian.PutUint32(bmp[22:], 8000)
	tga := bytes.Clone(readFile(t, "testdata/formats/rgb_rle.tga"))
	copy(tga[12:], []byte{0x40, 0x1f, 0x40, 0x1f})
	for name, data := range map[string][]byte{
		"a.pgm": []byte("P5\n8000 8000\n255\n123"), "b.pgm": []byte("P2\n8000 8000\n255\n1 2 3"), "c.pbm": []byte("P1 8000 8000\n0101"),
		"d.pam": []byte("P7\nWIDTH 8000\nHEIGHT 8000\nDEPTH 4\nMAXVAL 65535\nENDHDR\n12"), "e.pfm": []byte("PF\n8000 8000\n-1\n12"),
		"f.tif": wide, "g.bmp": bmp, "h.tga": tga,
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := decode(name, data, DefaultMaxPixels)
		runtime.ReadMemStats(&after)
		var p *problem
		require.ErrorAs(t, err, &p, name)
		require.Equal(t, reasonBroken, p.reason, "%s: %v", name, err)
		require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(1<<20), name)
		_, err = decode(name, data, 1<<20)
		require.ErrorContains(t, err, "8000×8000 is above the limit of 1048576 pixels", name)
	}
}

// What golang.org/x/image reads rightly has not changed by a bit, nor by its type.
func TestDecodeAsBefore(t *testing.T) {
	// It takes CCITT's white for 0 whatever the file says, and bits in one order only;
	// colours of profiles are converted here.
	wrong := regexp.MustCompile(`bilevel_(g[34].*isblack|runs|group|none_.*_lsb)|icc_`)
	compared := 0
	for _, pattern := range []string{"formats/*.tif", "formats/*.bmp", "pictures/*.tif", "pictures/*.bmp"} {
		files, err := filepath.Glob("testdata/" + pattern)
		require.NoError(t, err)
		for _, file := range files {
			data := readFile(t, file)
			read := tiff.Decode
			if strings.HasSuffix(file, ".bmp") {
				read = bmp.Decode
			}
			want, err := read(bytes.NewReader(data))
			if err != nil || wrong.MatchString(file) {
				continue
			}
			p, err := decode(file, data, DefaultMaxPixels)
			require.NoError(t, err, file)
			require.Equal(t, want, p.Image, file)
			compared++
		}
	}
	require.Greater(t, compared, 50)
}

// TGA files of before version 2 have nothing but their name: what makes no sense as one is
// none, and what is something else is that.
func TestSniffTGA(t *testing.T) {
	old := readFile(t, "testdata/formats/rgb.tga")
	require.False(t, bytes.Contains(old, []byte("TRUEVISION")) && len(old) < 1000)
	old = bytes.TrimSuffix(old, []byte("TRUEVISION-XFILE.\x00"))
	for name, want := range map[string]string{"a.tga": formatTGA, "A.TGA": formatTGA, "a.vst": formatTGA, "a.dat": "", "a.png": ""} {
		format, err := sniff(name, old)
		require.Equal(t, want, format, name)
		require.Equal(t, want == "", err != nil)
	}
	whole := readFile(t, "testdata/formats/rgb.tga")
	format, err := sniff("a.dat", whole)
	require.NoError(t, err)
	require.Equal(t, formatTGA, format)
	format, err = sniff("a.tga", readFile(t, "testdata/formats/rgb8.png"))
	require.NoError(t, err)
	require.Equal(t, formatPNG, format)
	_, err = sniff("a.tga", []byte("This is a text of more than eighteen bytes."))
	require.ErrorContains(t, err, "text")
}

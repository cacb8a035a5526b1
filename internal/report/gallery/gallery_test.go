package gallery

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/pkg/errors"
	"github.com/stretchr/testify/require"
	"golang.org/x/net/html"
)

// shades are thumbnails whose colour tells their key.
func shades(key string) (image.Image, error) {
	if strings.HasPrefix(key, "bad") {
		return nil, errors.New("is <no> picture")
	}
	m := image.NewRGBA(image.Rect(0, 0, 40, 20))
	for i := range m.Pix {
		m.Pix[i] = key[len(key)-1]
	}
	for i := 3; i < len(m.Pix); i += 4 {
		m.Pix[i] = 255
	}
	m.SetRGBA(0, 0, color.RGBA{200, 0, 0, 255}) // not grey
	return m, nil
}

func written(t *testing.T, p Page) string {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, Write(&b, p))
	_, err := html.Parse(&b)
	require.NoError(t, err)
	b.Reset()
	require.NoError(t, Write(&b, p))
	return b.String()
}

var source = regexp.MustCompile(`\.p(\d+)\{background-image:url\(data:image/jpeg;base64,([^)]*)\)\}`)

// Each picture is there once, however often it is shown, and is the one that was asked for.
func TestThumbnails(t *testing.T) {
	p := Page{Kind: "search", Title: "T", Thumbnail: shades, Sections: []Section{
		{Title: "one", Asked: &Picture{Key: "k1", Path: "a/k1"}, Pictures: []Picture{{Key: "k2", Path: "a/b/c/k2", Label: "L", Note: "0.5", Mark: Right}, {Key: "k3", Path: "k3", Mark: Wrong}}},
		{Title: "two", Pictures: []Picture{{Key: "k2", Path: "a/b/c/k2"}, {Key: "bad", Path: "bad"}, {Path: "nameless"}}},
	}}
	page := written(t, p)
	found := source.FindAllStringSubmatch(page, -1)
	require.Len(t, found, 3)
	for i, m := range found {
		require.Equal(t, fmt.Sprint(i), m[1])
		raw, err := base64.StdEncoding.DecodeString(m[2])
		require.NoError(t, err)
		picture, err := jpeg.Decode(bytes.NewReader(raw))
		require.NoError(t, err)
		require.Equal(t, image.Pt(40, 20), picture.Bounds().Size())
		_, g, _, _ := picture.At(30, 10).RGBA()
		require.InDelta(t, float64('1'+i), float64(g>>8), 3)
	}
	require.Equal(t, 2, strings.Count(page, `class="pic p1"`))
	for _, want := range []string{`title="a/b/c/k2">…/<wbr>c/<wbr>k2<wbr></span>`, "is &lt;no&gt; picture", "1 picture cannot be read now", `aria-label="a/k1"`, `<span class="sr">wrong</span>`} {
		require.True(t, strings.Contains(page, want), want)
	}
}

// What is too much is named, and said.
func TestManyPictures(t *testing.T) {
	var pictures []Picture
	for i := range 40 {
		pictures = append(pictures, Picture{Key: fmt.Sprint("k", i), Path: fmt.Sprint("k", i)})
	}
	page := written(t, Page{Thumbnail: shades, MaxThumbnails: 30, Sections: []Section{{Pictures: pictures}}})
	require.Len(t, source.FindAllString(page, -1), 30)
	require.True(t, strings.Contains(page, "This page holds the first 30 pictures; 10 pictures are named only."))
	require.True(t, strings.Contains(page, "<summary>16 more</summary>"))
	require.Equal(t, 10, strings.Count(page, `class="pic none"`))
}

// Names of files do no harm, and long ones leave the page readable.
func TestHostileNames(t *testing.T) {
	bad := `</style><script>alert(1)</script>"` + "\x1b[31m\u202e" + strings.Repeat("x", 1000)
	page := written(t, Page{Kind: bad, Title: bad, Notes: []string{bad}, Facts: []Fact{{bad, bad}}, Thumbnail: shades,
		Sections: []Section{{Title: bad, Note: bad, Asked: &Picture{Key: bad, Path: bad, Label: bad, Note: bad}}}})
	for _, no := range []string{"<script", "\x1b", "\u202e"} {
		require.False(t, strings.Contains(page, no), "%q", no)
	}
}

func TestWriteFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.html")
	require.NoError(t, WriteFile(path, Page{Title: "T"}))
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	require.True(t, bytes.HasPrefix(text, []byte("<!DOCTYPE html>")))
	require.Error(t, WriteFile(filepath.Join(path, "b.html"), Page{}))
}

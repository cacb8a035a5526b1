package datasets

import (
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pkg/errors"
	"github.com/stretchr/testify/require"

	"medusa/internal/field"
)

// alignCase is a row of testdata/align.json, made by testdata/align.py.
type alignCase struct {
	Name          string
	Width, Height int
	Points        fivePoints
	Matrix        [6]float64
	Pixels        [][5]int // x, y, red, green, blue
}

func alignCases(t *testing.T) []alignCase {
	t.Helper()
	text, err := os.ReadFile("testdata/align.json")
	require.NoError(t, err)
	var golden struct{ Cases []alignCase }
	require.NoError(t, json.Unmarshal(text, &golden))
	require.NotEmpty(t, golden.Cases)
	return golden.Cases
}

// faceDrawing is align.py's drawing.
func faceDrawing(w, h int) *image.RGBA {
	img := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			img.SetRGBA(x, y, color.RGBA{uint8(x*2 + y), uint8(255 * ((x/7 + y/9) % 2)), uint8(x + y*3 + 40), 255})
		}
	}
	return img
}

// The similarity is Umeyama's; both ways together lead back.
func TestSimilarityAsUmeyama(t *testing.T) {
	for _, c := range alignCases(t) {
		t.Run(c.Name, func(t *testing.T) {
			m, wrong := c.Points.fit(template(c.Height, c.Width))
			require.Nil(t, wrong)
			require.InDeltaSlice(t, c.Matrix[:], []float64{m.a, m.b, m.c, m.d, m.e, m.f}, 1e-9)
			u, v := m.at(17, 42)
			x, y := m.inverse().at(u, v)
			require.InDelta(t, 17, x, 1e-9)
			require.InDelta(t, 42, y, 1e-9)
		})
	}
}

// Where the scale is about 1, pixels are those of Pillow's bilinear transform, which cuts values off where we round them.
func TestAlignedPixelsAsPillow(t *testing.T) {
	for _, c := range alignCases(t) {
		t.Run(c.Name, func(t *testing.T) {
			r := newRenderer(3, c.Height, c.Width, Options{Align: AlignArcFace})
			planes, plane := make([]byte, 3*c.Height*c.Width), c.Height*c.Width
			_, err := r.render(planes, picture{Image: faceDrawing(140, 150), orientation: 1}, cutout{landmarks: &c.Points})
			require.NoError(t, err)
			require.Greater(t, len(c.Pixels), 100)
			for _, p := range c.Pixels {
				for channel, want := range p[2:] {
					require.InDelta(t, want, planes[channel*plane+p[1]*c.Width+p[0]], 1, "pixel (%d, %d), channel %d", p[0], p[1], channel)
				}
			}
		})
	}
}

// A picture whose landmarks are the template's stays as it is, under every EXIF orientation.
func TestAlignLeavesAlignedFaces(t *testing.T) {
	r := newRenderer(3, 112, 112, Options{Align: AlignArcFace})
	want, got := make([]byte, 3*112*112), make([]byte, 3*112*112)
	img := faceDrawing(112, 112)
	_, err := r.render(want, picture{Image: img, orientation: 1}, cutout{}) // as it is, by its size
	require.NoError(t, err)
	for orientation := 1; orientation <= 8; orientation++ {
		_, err = r.render(got, storedBy(img, orientation), cutout{landmarks: &arcFace})
		require.NoError(t, err)
		require.Equal(t, want, got, "orientation %d", orientation)
	}
}

// Of a face four times as large, fine stripes become grey, and no pattern of their own.
func TestAlignReducesWithoutAliases(t *testing.T) {
	img := image.NewGray(image.Rect(0, 0, 500, 520))
	for i := range img.Pix {
		img.Pix[i] = uint8(255 * (i % 2))
	}
	points := arcFace
	for i := range points {
		points[i] = [2]float64{4*points[i][0] + 20, 4*points[i][1] + 30}
	}
	planes := make([]byte, 112*112)
	_, err := newRenderer(1, 112, 112, Options{Align: AlignArcFace}).render(planes, picture{Image: img, orientation: 1}, cutout{landmarks: &points})
	require.NoError(t, err)
	for i, v := range planes {
		require.InDelta(t, 127.5, v, 3, "pixel %d", i)
	}

	// What is smooth stays in its place: values are half their column, downwards, which is a quarter less on average.
	for i := range img.Pix {
		img.Pix[i] = uint8(i % 500 / 2)
	}
	_, err = newRenderer(1, 112, 112, Options{Align: AlignArcFace}).render(planes, picture{Image: img, orientation: 1}, cutout{landmarks: &points})
	require.NoError(t, err)
	sum := 0.
	for x := range 110 {
		off := float64(planes[50*112+x]) - (float64(4*x+20)/2 - 0.25)
		require.InDelta(t, 0, off, 1, "column %d", x)
		sum += off
	}
	require.InDelta(t, 0, sum/110, 0.2) // of 2, which a pixel of the result is
}

func TestAlignRefuses(t *testing.T) {
	far, mirrored, point := arcFace, arcFace, fivePoints{}
	for i := range far {
		far[i][0] += 5000
		mirrored[i][0] = 112 - mirrored[i][0]
	}
	for name, c := range map[string]struct {
		points *fivePoints
		want   string
	}{
		"outside":      {&far, "the face lies outside of the picture, of 140×150"},
		"mirrored":     {&mirrored, "the left eye and the left corner of the mouth are those on the left of the picture"},
		"one point":    {&point, "within 0 pixels of their middle"},
		"no landmarks": {nil, "none are known, and 140×150 is not the 112×112 of an aligned face: name the picture in a table"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := newRenderer(3, 112, 112, Options{Align: AlignArcFace}).render(make([]byte, 3*112*112), picture{Image: faceDrawing(140, 150), orientation: 1}, cutout{landmarks: c.points})
			require.ErrorContains(t, err, "face that cannot be aligned: ")
			require.ErrorContains(t, err, c.want)
		})
	}
}

// faceFolder is a folder of two people with two pictures each, not aligned.
func faceFolder(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range []string{"a1", "a2", "b1", "b2"} {
		savePNG(t, filepath.Join(dir, name+".png"), faceDrawing(140, 150))
	}
	return dir
}

func savePNG(t *testing.T, path string, img image.Image) {
	t.Helper()
	f, err := os.Create(path)
	require.NoError(t, err)
	require.NoError(t, png.Encode(f, img))
	require.NoError(t, f.Close())
}

// tenNumbers are landmarks as text.
func tenNumbers(p fivePoints, separator string) string {
	var out []string
	for _, q := range p {
		out = append(out, fmt.Sprint(q[0]), fmt.Sprint(q[1]))
	}
	return strings.Join(out, separator)
}

// All forms of the table give the same pixels.
func TestAlignFromTables(t *testing.T) {
	c := alignCases(t)[0]
	want := make([]byte, 3*112*112)
	_, err := newRenderer(3, 112, 112, Options{Align: AlignArcFace}).render(want, picture{Image: faceDrawing(140, 150), orientation: 1}, cutout{landmarks: &c.Points})
	require.NoError(t, err)
	rows := func(head, numbers string) string {
		text := head + "\n"
		for _, name := range []string{"a1", "a2", "b1", "b2"} {
			text += name + ".png," + name[:1] + "," + numbers + "\n"
		}
		return text
	}
	ours, celebA, vggFace := strings.Join([]string{"left_eye_x", "left_eye_y", "right_eye_x", "right_eye_y", "nose_x", "nose_y", "mouth_left_x", "mouth_left_y", "mouth_right_x", "mouth_right_y"}, ","),
		"lefteye_x,lefteye_y,righteye_x,righteye_y,nose_x,nose_y,leftmouth_x,leftmouth_y,rightmouth_x,rightmouth_y", "P1X,P1Y,P2X,P2Y,P3X,P3Y,P4X,P4Y,P5X,P5Y"
	var list []string
	for _, name := range []string{"a1", "a2", "b1", "b2"} {
		points, err := json.Marshal(c.Points)
		require.NoError(t, err)
		list = append(list, fmt.Sprintf(`{"path":"%s.png","label":%q,"landmarks":%s}`, name, name[:1], points))
	}
	for name, table := range map[string]struct{ file, text, columns string }{
		"one column, blanks":     {"t.csv", rows("path,label,landmarks", tenNumbers(c.Points, " ")), ""},
		"one column, semicolons": {"t.csv", rows("path,label,landmarks", tenNumbers(c.Points, ";")), ""},
		"named otherwise":        {"t.csv", rows("path,label,punkte", tenNumbers(c.Points, " ")), "landmarks=punkte"},
		"no header":              {"t.csv", strings.TrimPrefix(rows("", tenNumbers(c.Points, " ")), "\n"), "path,label,landmarks"},
		"ten columns":            {"t.csv", rows("path,label,"+ours, tenNumbers(c.Points, ",")), ""},
		"CelebA's":               {"t.csv", rows("path,label,"+celebA, tenNumbers(c.Points, ",")), ""},
		"VGGFace2's":             {"t.csv", rows("path,label,"+vggFace, tenNumbers(c.Points, ",")), ""},
		"JSON":                   {"t.jsonl", strings.Join(list, "\n"), ""},
	} {
		t.Run(name, func(t *testing.T) {
			dir := faceFolder(t)
			path := filepath.Join(dir, table.file)
			require.NoError(t, os.WriteFile(path, []byte(table.text), 0o600))
			o := Options{Channels: 3, Align: AlignArcFace, Columns: table.columns}
			s, err := Open(path, o)
			require.NoError(t, err)
			defer s.Close()
			require.Equal(t, 4, s.Train.Len())
			got, err := s.Train.store.get(0, s.Train.store.scratch())
			require.NoError(t, err)
			require.Equal(t, want, got)

			o.Height, o.Width = 112, 112
			stream, err := OpenStream([]string{path}, o)
			require.NoError(t, err)
			defer stream.Close()
			d, err := stream.Next(8)
			require.NoError(t, err)
			require.Equal(t, 4, d.Len(), "%v", d.Skipped())
			got, err = d.store.get(0, d.store.scratch())
			require.NoError(t, err)
			require.Equal(t, want, got)
		})
	}
}

// CelebA's own list names no column for the picture.
func TestAlignFromCelebAList(t *testing.T) {
	c := alignCases(t)[0]
	dir := faceFolder(t)
	text := "2\nlefteye_x lefteye_y righteye_x righteye_y nose_x nose_y leftmouth_x leftmouth_y rightmouth_x rightmouth_y\n"
	for _, name := range []string{"a1", "b1"} {
		text += name + ".png   " + tenNumbers(c.Points, "  ") + "\n"
	}
	path := filepath.Join(dir, "list_landmarks_align_celeba.txt")
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	want := make([]byte, 3*112*112)
	_, err := newRenderer(3, 112, 112, Options{Align: AlignArcFace}).render(want, picture{Image: faceDrawing(140, 150), orientation: 1}, cutout{landmarks: &c.Points})
	require.NoError(t, err)
	stream, err := OpenStream([]string{path}, Options{Channels: 3, Height: 112, Width: 112, Align: AlignArcFace})
	require.NoError(t, err)
	defer stream.Close()
	d, err := stream.Next(8)
	require.NoError(t, err)
	require.Equal(t, 2, d.Len(), "%v", d.Skipped())
	got, err := d.store.get(1, d.store.scratch())
	require.NoError(t, err)
	require.Equal(t, want, got)
}

// What has no landmarks is left out, and told; where nothing has, the error says what is wanted. Aligned faces need none.
func TestAlignWithoutLandmarks(t *testing.T) {
	c := alignCases(t)[0]
	dir := faceFolder(t)
	savePNG(t, filepath.Join(dir, "b2.png"), faceDrawing(112, 112))
	text := "path,label,landmarks\na1.png,a," + tenNumbers(c.Points, " ") + "\na2.png,a,\nb1.png,b," + tenNumbers(c.Points, " ") + "\nb2.png,b,\n"
	path := filepath.Join(dir, "t.csv")
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	s, err := Open(path, Options{Align: AlignArcFace})
	require.NoError(t, err)
	defer s.Close()
	require.Equal(t, 3, s.Train.Len())
	require.Equal(t, "face that cannot be aligned", s.Train.Summary().Skipped[0].What)

	// Without Align the same table is read as it was, and says what it does not use.
	plain, err := Open(path, Options{})
	require.NoError(t, err)
	defer plain.Close()
	require.Equal(t, 4, plain.Train.Len())
	require.Equal(t, []string{"landmarks"}, plain.Train.Summary().Notes[0].Examples)

	folder := t.TempDir()
	for _, class := range []string{"a", "b"} {
		require.NoError(t, os.Mkdir(filepath.Join(folder, class), 0o700))
		savePNG(t, filepath.Join(folder, class, "1.png"), faceDrawing(140, 150))
	}
	_, err = Open(folder, Options{Align: AlignArcFace})
	require.ErrorContains(t, err, "face that cannot be aligned")
	require.ErrorContains(t, err, "name the picture in a table with the columns path and landmarks")

	_, err = FromImage(faceDrawing(140, 150), "one", Options{Align: AlignArcFace})
	require.ErrorContains(t, err, "140×150 is not the 112×112 of an aligned face")
	one, err := FromImage(faceDrawing(112, 112), "one", Options{Align: AlignArcFace})
	require.NoError(t, err)
	defer one.Close()
}

func TestAlignRefusesTables(t *testing.T) {
	numbers := tenNumbers(arcFace, ",")
	for name, c := range map[string]struct{ head, row, want string }{
		"nine columns": {"path,label,left_eye_x,left_eye_y,right_eye_x,right_eye_y,nose_x,nose_y,mouth_left_x,mouth_left_y,mouth_right_x", "a1.png,a,1,2,3,4,5,6,7,8,9", "9 of the ten columns"},
		"four points":  {"path,label,landmarks", "a1.png,a,1 2 3 4 5 6 7 8", "line 2: landmarks of 8 numbers, want ten"},
		"an empty one": {"path,label,P1X,P1Y,P2X,P2Y,P3X,P3Y,P4X,P4Y,P5X,P5Y", "a1.png,a," + strings.Replace(numbers, "38.2946", "", 1), "landmarks of 9 numbers"},
		"a word":       {"path,label,landmarks", "a1.png,a,1 2 3 4 5 6 7 8 9 x", `landmarks: "x" is no number of pixels`},
		"infinite":     {"path,label,landmarks", "a1.png,a,1 2 3 4 5 6 7 8 9 inf", `landmarks: "inf" is no number of pixels`},
		"shares":       {"path,label,landmarks", "a1.png,a,.3 .4 .6 .4 .5 .5 .35 .7 .65 .7", "between 0 and 1: want pixels of the picture"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(faceFolder(t), "t.csv")
			require.NoError(t, os.WriteFile(path, []byte(c.head+"\n"+c.row+"\n"), 0o600))
			_, err := Open(path, Options{Align: AlignArcFace})
			require.ErrorContains(t, err, c.want)
		})
	}
}

func TestAlignOptions(t *testing.T) {
	for _, o := range []Options{{Align: "dlib"}, {Align: AlignArcFace, Resize: Crop}, {Align: AlignArcFace, CropPct: 0.9}, {Align: AlignArcFace, Filter: Bicubic}} {
		_, err := o.withDefaults()
		require.ErrorContains(t, err, string(field.Name("Align")))
	}
	o, err := Options{Align: AlignArcFace, Height: 96}.withDefaults()
	require.NoError(t, err)
	require.Equal(t, [2]int{96, 96}, [2]int{o.Height, o.Width})
	narrow := template(112, 96)
	require.InDelta(t, arcFace[0][0]-8, narrow[0][0], 1e-12) // SphereFace's 30.2946
	require.False(t, math.IsNaN(narrow[4][1]))
}

// Landmarks count before a box, and larger copies are aligned too; an aligned face has one as well.
func TestAlignBesideOtherOptions(t *testing.T) {
	c := alignCases(t)[0]
	box := image.Rect(3, 4, 50, 60)
	o := Options{Align: AlignArcFace}
	var planes [2][]byte
	for i, from := range []cutout{{landmarks: &c.Points}, {landmarks: &c.Points, box: &box}} {
		planes[i] = make([]byte, 3*112*112)
		_, err := newRenderer(3, 112, 112, o).render(planes[i], picture{Image: faceDrawing(140, 150), orientation: 1}, from)
		require.NoError(t, err)
	}
	require.Equal(t, planes[0], planes[1])

	dir := faceFolder(t)
	savePNG(t, filepath.Join(dir, "b1.png"), faceDrawing(112, 112))
	path := filepath.Join(dir, "t.csv")
	require.NoError(t, os.WriteFile(path, []byte("path,label,landmarks\na1.png,a,"+tenNumbers(c.Points, " ")+"\nb1.png,b,\n"), 0o600))
	s, err := Open(path, Options{Channels: 3, Align: AlignArcFace, Detail: 2})
	require.NoError(t, err)
	defer s.Close()
	require.Equal(t, 2, s.Train.Len())
	large := s.Train.store.detail
	require.Equal(t, 224, large.height)
	want := make([]byte, 3*224*224)
	_, err = newRenderer(3, 224, 224, o).render(want, picture{Image: faceDrawing(140, 150), orientation: 1}, cutout{landmarks: &c.Points})
	require.NoError(t, err)
	got, err := large.get(0, large.scratch())
	require.NoError(t, err)
	require.Equal(t, want, got)
}

// Whatever a cell holds, it is landmarks, none, or an error, and no face that they make ends a run.
func FuzzLandmarks(f *testing.F) {
	f.Add("38.3 51.7 73.5 51.5 56 71.7 41.5 92.4 70.7 92.2")
	f.Add("[[1e9,1],[2;-3e8],[0,0],[5,5],[6,1e-9]]")
	f.Add("nan")
	img := faceDrawing(40, 30)
	f.Fuzz(func(t *testing.T, cell string) {
		table := &table{columns: &columns{landmarks: []int{0}}}
		points, err := table.landmarksOf([]string{cell})
		if err != nil || points == nil {
			return
		}
		planes := make([]byte, 3*8*8)
		_, err = newRenderer(3, 8, 8, Options{Align: AlignArcFace}).render(planes, picture{Image: img, orientation: 1}, cutout{landmarks: points})
		if wrong := (*problem)(nil); err != nil && !errors.As(err, &wrong) {
			t.Fatal(err)
		}
	})
}

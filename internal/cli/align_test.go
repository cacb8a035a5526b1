package cli

import (
	"fmt"
	"image"
	"image/color"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"medusa/datasets"
	"medusa/model"
	"medusa/trainer"
)

// faces writes pictures of some people, each turned and in another place, and a table of their landmarks. A face is drawn about
// its landmarks, so that faces of one person are alike once they are aligned.
func faces(t *testing.T, dir string, people, each int) (table string) {
	t.Helper()
	template := [5][2]float64{{38.3, 51.7}, {73.5, 51.5}, {56, 71.7}, {41.5, 92.4}, {70.7, 92.2}}
	text := "path,label,landmarks\n"
	for i := range people * each {
		sin, cos := math.Sincos(float64(i%5)*0.3 - 0.6)
		scale, right, down := 0.4+0.02*float64(i%4), 30+3*float64(i%3), 8+float64(i%7)
		name, who, img := fmt.Sprintf("p%02d.png", i), i/each, image.NewRGBA(image.Rect(0, 0, 80, 90))
		for y := range 90 {
			for x := range 80 { // back to the template
				u, v := (float64(x)-right)/scale, (float64(y)-down)/scale
				u, v = cos*u+sin*v, cos*v-sin*u
				img.SetRGBA(x, y, color.RGBA{uint8(128 + 100*math.Sin(u/float64(6+who))), uint8(128 + 100*math.Cos(v/float64(5+who))), uint8(20 * who), 255})
			}
		}
		var points []string
		for _, p := range template {
			points = append(points, fmt.Sprintf("%.2f %.2f", scale*(cos*p[0]-sin*p[1])+right, scale*(sin*p[0]+cos*p[1])+down))
		}
		writePNG(t, filepath.Join(dir, name), img)
		text += fmt.Sprintf("%s,person%d,%s\n", name, who, strings.Join(points, " "))
	}
	table = filepath.Join(dir, "faces.csv")
	require.NoError(t, os.WriteFile(table, []byte(text), 0o600))
	return table
}

func writePNG(t *testing.T, path string, img image.Image) {
	t.Helper()
	f, err := os.Create(path)
	require.NoError(t, err)
	require.NoError(t, png.Encode(f, img))
	require.NoError(t, f.Close())
}

// A model that learned aligned faces has those of a table aligned by every command, takes what is aligned as it is, and says of
// other pictures what it wants.
func TestAlignedFaces(t *testing.T) {
	t.Chdir(t.TempDir())
	table := faces(t, ".", 6, 4)
	code, out, said := call("-data", table, "-align", "arcface", "-size", "24", "-channels", "4,8", "-embedding", "8", "-p", "3", "-k", "2", "-steps", "30", "-val", "0.4", "-no-report", "-out", "run")
	require.Zero(t, code, said+out)
	config, err := os.ReadFile("run/" + trainer.ConfigFile)
	require.NoError(t, err)
	require.Contains(t, string(config), "align: arcface")

	m, err := model.Load("run", model.Options{})
	require.NoError(t, err)
	defer m.Close()
	require.Equal(t, datasets.AlignArcFace, m.Options().Align)
	code, out, said = medusa("info", "run/model.safetensors")
	require.Zero(t, code, said)
	require.Contains(t, strings.Join(strings.Fields(out), " "), "aligned by five landmarks (arcface)")

	// What is embedded of the table is what the aligned picture gives alone.
	opened, err := datasets.Open(table, m.Options())
	require.NoError(t, err)
	defer opened.Close()
	for i, name := range []string{"left.png", "right.png"} {
		aligned, err := opened.Train.Image(i)
		require.NoError(t, err)
		writePNG(t, name, aligned)
	}
	all, err := m.Embed(t.Context(), opened.Train)
	require.NoError(t, err)
	alone, err := m.EmbedFile(t.Context(), "left.png")
	require.NoError(t, err)
	require.InDeltaSlice(t, alone, all[:8], 1e-6)
	code, _, said = medusa("embed", "run", table, "-out", "faces.safetensors")
	require.Zero(t, code, said)
	for _, args := range [][]string{{"evaluate", "run", table}, {"calibrate", "run", table, "-far", "0.1"}, {"index", "run", table, "-out", "faces.idx"}} {
		code, out, said = medusa(args...)
		require.Zero(t, code, out+said)
		require.NotContains(t, said, "left out", args)
	}
	code, out, said = medusa("search", "faces.idx", "left.png", "-k", "1")
	require.Zero(t, code, said)
	require.Contains(t, out, "p00.png")
	code, _, said = medusa("verify", "run", "left.png", "right.png", "-threshold", "2")
	require.Zero(t, code, said)

	// A photograph without landmarks is no aligned face.
	const want = "80×90 is not the 24×24 of an aligned face: name the picture in a table with the columns path and landmarks"
	for _, args := range [][]string{{"verify", "run", "p00.png", "left.png", "-threshold", "1"}, {"embed", "run", "p00.png", "-out", "one.safetensors"}, {"search", "faces.idx", "p00.png"}} {
		code, _, said = medusa(args...)
		assert.NotZero(t, code, args)
		assert.Contains(t, strings.Join(strings.Fields(said), " "), want, args)
	}
	folders(t, "plain", 8, 3)
	code, out, said = call("-data", "plain", "-align", "arcface", "-steps", "2", "-out", "none")
	require.NotZero(t, code, out)
	require.Contains(t, strings.Join(strings.Fields(said), " "), "12×12 is not the 112×112 of an aligned face")

	// A model that begins with it aligns too, and says so if it is not to.
	code, out, said = call("-data", table, "-from", "run", "-steps", "2", "-p", "3", "-k", "2", "-no-report", "-out", "tuned", "-val", "0.4")
	require.Zero(t, code, said+out)
	config, err = os.ReadFile("tuned/" + trainer.ConfigFile)
	require.NoError(t, err)
	require.Contains(t, string(config), "align: arcface")
	code, out, said = call("-data", table, "-from", "run", "-align", "none", "-steps", "2", "-p", "3", "-k", "2", "-no-report", "-out", "plainly", "-val", "0.4")
	require.Zero(t, code, said+out)
	require.Contains(t, out, "-align none is taken, though the model run has arcface")
}

func TestAlignAgainstResizing(t *testing.T) {
	for flag, value := range map[string]string{"-resize": "crop", "-crop-pct": "0.9", "-filter": "bicubic"} {
		code, _, said := call("-align", "arcface", flag, value)
		require.Equal(t, exitFailed, code)
		require.Contains(t, strings.Join(strings.Fields(said), " "), flag+" is "+value+", but -align arcface brings faces to their size by their landmarks: leave one of them out")
	}
}

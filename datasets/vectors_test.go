package datasets

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"medusa/internal/npy"
	"medusa/internal/safetensors"
)

// npyFile is a .npy file of little-endian values.
func npyFile(t testing.TB, descr, shape string, values any) []byte {
	t.Helper()
	text := fmt.Sprintf("{'descr': '%s', 'fortran_order': False, 'shape': %s, }\n", descr, shape)
	b := append([]byte(npy.Magic), 1, 0)
	b = append(binary.LittleEndian.AppendUint16(b, uint16(len(text))), text...)
	var data bytes.Buffer
	require.NoError(t, binary.Write(&data, binary.LittleEndian, values))
	return append(b, data.Bytes()...)
}

func writeFiles(t testing.TB, files map[string][]byte) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), content, 0o666))
	}
	return dir
}

// rowsOf is every vector of d.
func rowsOf(t testing.TB, d *Dataset) [][]float32 {
	t.Helper()
	c, h, w := d.Shape()
	require.Equal(t, 1, h*w)
	all := make([]float32, d.Len()*c)
	indices := make([]int, d.Len())
	for i := range indices {
		indices[i] = i
	}
	require.NoError(t, d.Fill(all, indices, Normalisation{}))
	var rows [][]float32
	for i := range indices {
		rows = append(rows, all[i*c:(i+1)*c])
	}
	return rows
}

// Files that NumPy and safetensors wrote: testdata/vectors/make.py.
func TestVectorsOfNumPy(t *testing.T) {
	numbers, names := []string{"0", "1", "2"}, []string{"cat", "dog", "Ärmel"}
	for file, classes := range map[string][]string{
		"stored.npz": numbers, "packed.npz": names, "unnamed.npz": numbers, "columns.npz": names, "big.npz": numbers,
		"whole.npz": numbers, "bytes.npz": {"a", "bb", "ccc"}, "half.safetensors": numbers,
	} {
		t.Run(file, func(t *testing.T) {
			s, err := Open(filepath.Join("testdata/vectors", file), Options{})
			require.NoError(t, err)
			defer s.Close()
			d := s.Train
			require.True(t, d.HoldsVectors())
			require.Equal(t, classes, d.Classes())
			scale := float32(1)
			if file == "whole.npz" {
				scale = 2
			}
			for i, row := range rowsOf(t, d) {
				v := float32(i) * scale
				require.Equal(t, []float32{v, v / 2, -v, 8 * v}, row)
				want := i % 3
				if classes[1] == "dog" { // in order of name, not of number
					want = []int{0, 2, 1}[want]
				}
				require.Equal(t, want, d.Labels()[i])
			}
			require.Equal(t, "vectors", d.Summary().Kind)
			require.Contains(t, d.Path(3), file+"[3]")
		})
	}
}

func TestVectorsBesideTheirLabels(t *testing.T) {
	x := npyFile(t, "<f4", "(4, 2)", []float32{1, 2, 3, 4, 5, 6, 7, 8})
	y := npyFile(t, "<i8", "(4,)", []int64{10, 9, 10, 9})
	for name, files := range map[string]map[string][]byte{
		"labels.npy":              {"embeddings.npy": x, "labels.npy": y},
		"labels.txt":              {"embeddings.npy": x, "labels.txt": []byte("10\n9\n10\n9\n")},
		"with a header":           {"features.npy": x, "labels.csv": []byte("label\r\n10\r\n9\r\n10\r\n9")},
		"train and y":             {"x_train.npy": x, "y_train.npy": y, "x_test.npy": x, "y_test.npy": y},
		"a word added":            {"faces.npy": x, "faces_labels.npy": y},
		"parts in file names":     {"train-embeddings.npy": x, "train-labels.npy": y},
		"as a class called label": {"embeddings.npy": x, "labels.txt": []byte("label\n9\nlabel\n9\n")},
	} {
		t.Run(name, func(t *testing.T) {
			dir := writeFiles(t, files)
			s, err := Open(dir, Options{})
			require.NoError(t, err)
			defer s.Close()
			require.Equal(t, [][]float32{{1, 2}, {3, 4}, {5, 6}, {7, 8}}, rowsOf(t, s.Train))
			if name != "as a class called label" {
				require.Equal(t, []string{"9", "10"}, s.Train.Classes(), "numbers stand in order of their value")
				require.Equal(t, []int{1, 0, 1, 0}, s.Train.Labels())
			}
			require.Equal(t, files["y_test.npy"] != nil, s.Test != nil)
			if s.Test != nil {
				require.Equal(t, 4, s.Test.Len())
			}
		})
	}
}

func TestVectorsOfTables(t *testing.T) {
	for name, text := range map[string]string{
		"header":           "label,f0,f1\ncat,1,2\ndog,3,4\ncat,5,6\ndog,7,8\n",
		"semicolons":       "f0;f1;class\n1;2;cat\n3;4;dog\n5;6;cat\n7;8;dog\n",
		"no header":        "1,2,cat\n3,4,dog\n5,6,cat\n7,8,dog\n",
		"tabs and numbers": "target\t0\t1\n0\t1\t2\n1\t3\t4\n0\t5\t6\n1\t7\t8\n",
		"pandas' index":    "id,label,0,1\n0,cat,1,2\n1,dog,3,4\n2,cat,5,6\n3,dog,7,8\n",
		"a name":           "name,label,0,1\na.jpg,cat,1,2\nb.jpg,dog,3,4\nc.jpg,cat,5,6\nd.jpg,dog,7,8\n",
	} {
		t.Run(name, func(t *testing.T) {
			dir := writeFiles(t, map[string][]byte{"v.csv": []byte(text)})
			s, err := Open(filepath.Join(dir, "v.csv"), Options{})
			require.NoError(t, err)
			require.Equal(t, [][]float32{{1, 2}, {3, 4}, {5, 6}, {7, 8}}, rowsOf(t, s.Train))
			require.Equal(t, []int{0, 1, 0, 1}, s.Train.Labels())
			if name == "a name" {
				require.Equal(t, "b.jpg", s.Train.Path(1))
			}
		})
	}
	dir := writeFiles(t, map[string][]byte{"v.csv": []byte("split,label,f0,f1\ntrain,cat,1,2\n,dog,3,4\ntest,emu,5,6\nTest,fox,7,8\n")})
	s, err := Open(dir, Options{})
	require.NoError(t, err)
	require.Equal(t, [][]float32{{1, 2}, {3, 4}}, rowsOf(t, s.Train))
	require.Equal(t, [][]float32{{5, 6}, {7, 8}}, rowsOf(t, s.Test))
	require.Equal(t, []string{"emu", "fox"}, s.Test.Classes())
}

// What a run leaves can be learned from again, with names of classes and paths.
func TestVectorsOfARun(t *testing.T) {
	var b bytes.Buffer
	require.NoError(t, safetensors.Write(&b, &safetensors.File{
		Metadata: map[string]string{"paths": `["a/1.png","a/2.png","b/3.png"]`, "classes": `["b","a"]`},
		Tensors: []safetensors.Tensor{
			{Name: "embeddings", Shape: []int{3, 2}, F32: []float32{1, 2, 3, 4, 5, 6}},
			{Name: "labels", Shape: []int{3}, I64: []int64{1, 1, 0}},
		},
	}))
	dir := writeFiles(t, map[string][]byte{"embeddings.safetensors": b.Bytes()})
	s, err := Open(filepath.Join(dir, "embeddings.safetensors"), Options{})
	require.NoError(t, err)
	defer s.Close()
	require.Equal(t, []string{"a", "b"}, s.Train.Classes())
	require.Equal(t, []int{0, 0, 1}, s.Train.Labels())
	require.Equal(t, "a/2.png", s.Train.Path(1))
	require.Equal(t, [][]float32{{1, 2}, {3, 4}, {5, 6}}, rowsOf(t, s.Train))
}

func TestVectorErrors(t *testing.T) {
	x := npyFile(t, "<f4", "(4, 2)", []float32{1, 2, 3, 4, 5, 6, 7, 8})
	y := npyFile(t, "<i8", "(4,)", []int64{1, 0, 1, 0})
	nan := float32(math.NaN())
	for want, files := range map[string]map[string][]byte{
		"no labels are beside it: want a file labels.npy or labels.txt": {"embeddings.npy": x},
		"3 labels for 4 vectors; do the files belong together?":         {"embeddings.npy": x, "labels.txt": []byte("1\n0\n1\n")},
		"row 2 holds NaN":  {"embeddings.npy": npyFile(t, "<f4", "(4, 2)", []float32{1, 2, 3, 4, 5, nan, 7, 8}), "labels.npy": y},
		"row 1 holds -Inf": {"embeddings.npy": npyFile(t, "<f8", "(4, 2)", []float64{1, 2, 3, -math.MaxFloat64, 5, 6, 7, 8}), "labels.npy": y},
		"cut off: shape [5 2] takes 40 bytes, 32 are there": {"embeddings.npy": npyFile(t, "<f4", "(5, 2)", []float32{1, 2, 3, 4, 5, 6, 7, 8}), "labels.npy": y},
		"an array of shape [8], want (N, D)":                {"embeddings.npy": npyFile(t, "<f4", "(8,)", []float32{1, 2, 3, 4, 5, 6, 7, 8}), "labels.npy": y},
		"an array of shape [0 2] holds no vectors":          {"embeddings.npy": npyFile(t, "<f4", "(0, 2)", []float32{}), "labels.npy": y},
		`elements of type "<c8"`:                            {"embeddings.npy": npyFile(t, "<c8", "(4, 1)", []float32{1, 2, 3, 4, 5, 6, 7, 8}), "labels.npy": y},
		"0.5 is no whole number":                            {"embeddings.npy": x, "labels.npy": npyFile(t, "<f8", "(4,)", []float64{1, 0.5, 1, 0})},
		"labels of shape [4 2]":                             {"embeddings.npy": x, "labels.npy": x},
		"the labels are cut off at 2 of 4":                  {"embeddings.npy": x, "labels.npy": npyFile(t, "<i8", "(4,)", []int64{1, 0})},
		"metric learning compares classes":                  {"embeddings.npy": x, "labels.txt": []byte("a\na\na\na\n")},
		"the vectors of train have 2 numbers, those of test 4": {
			"x_train.npy": x, "y_train.npy": y, "x_test.npy": npyFile(t, "<f4", "(2, 4)", []float32{1, 2, 3, 4, 5, 6, 7, 8}), "y_test.npy": npyFile(t, "<i8", "(2,)", []int64{1, 0})},
		`are both for the part "train"`:                                       {"x_train.npy": x, "y_train.npy": y, "train.csv": []byte("label,a,b\nx,1,2\ny,3,4\n")},
		"the name of b.csv says of no part that it is: name them after train": {"b.csv": []byte("label,a,b\nx,1,2\ny,3,4\n"), "x_train.npy": x, "y_train.npy": y},
		`line 4, column 3: "many" is no number`:                               {"v.csv": []byte("label,a,b\nx,1,2\ny,3,4\nz,5,many\n")},
		`line 3 is of the part "moon", want train, val or test`:               {"v.csv": []byte("label,a,b,split\nx,1,2,train\ny,3,4,moon\n")},
		"line 3 has no label":                                                 {"v.csv": []byte("label,a,b\nx,1,2\n,3,4\n")},
		`no array of vectors: want one called embeddings, there are`:          {"v.npz": []byte("PK\x05\x06" + strings.Repeat("\x00", 18))},
		"npz: zip: not a valid zip file":                                      {"v.npz": []byte("no zip")},
		"safetensors: 5 bytes are too few":                                    {"v.safetensors": []byte("short")},
	} {
		_, err := Open(writeFiles(t, files), Options{})
		require.ErrorContains(t, err, want)
	}
	_, err := OpenVectors(t.TempDir(), Options{})
	require.ErrorContains(t, err, "no vectors in")
	_, err = OpenVectors(filepath.Join(t.TempDir(), "none.npz"), Options{})
	require.ErrorIs(t, err, os.ErrNotExist)
}

// Tables that list pictures are no vectors, though they hold numbers.
func TestVectorTablesAndManifests(t *testing.T) {
	for text, want := range map[string]bool{
		"label,a,b\ncat,1,2\n":                               true,
		"path,label\na.png,cat\n":                            false,
		"path,label,x_1,x_2,y_1,y_2\na.png,cat,1,2,3,4\n":    false,
		"cat\ndog\n":                                         false,
		"label,weight\ncat,1\n":                              false,
		"1,2,3\n4,5,6\n":                                     true, // opening it says what is missing
		"image,class,split,is_query,is_gallery\na,1,t,1,0\n": false,
	} {
		dir := writeFiles(t, map[string][]byte{"t.csv": []byte(text)})
		require.Equal(t, want, HoldsVectors(filepath.Join(dir, "t.csv")), text)
	}
	nameless := writeFiles(t, map[string][]byte{"t.csv": []byte("0.1,-0.2,3\n0.4,0.5,6\n")})
	_, err := OpenVectors(filepath.Join(nameless, "t.csv"), Options{})
	require.ErrorContains(t, err, "needs a first line that names the columns, with one called label")
	require.False(t, HoldsVectors("testdata/pictures"))
	require.False(t, HoldsVectors(t.TempDir()))
	require.False(t, HoldsVectors("testdata/none"))
}

// A cut-off file is an error of the step that meets it, and no fault.
func TestVectorFileThatShrinks(t *testing.T) {
	dir := writeFiles(t, map[string][]byte{
		"x.npy": npyFile(t, "<f4", "(4, 2)", []float32{1, 2, 3, 4, 5, 6, 7, 8}),
		"y.npy": npyFile(t, "<i8", "(4,)", []int64{1, 0, 1, 0})})
	s, err := Open(dir, Options{})
	require.NoError(t, err)
	defer s.Close()
	info, err := os.Stat(filepath.Join(dir, "x.npy"))
	require.NoError(t, err)
	require.NoError(t, os.Truncate(filepath.Join(dir, "x.npy"), info.Size()-4))
	dst := make([]float32, 2)
	require.NoError(t, s.Train.Fill(dst, []int{2}, Normalisation{}))
	require.ErrorContains(t, s.Train.Fill(dst, []int{3}, Normalisation{}), "row 3 is cut off: the file is shorter than it was")
}

func randomVectors(t testing.TB, rows, cols int) *Dataset {
	t.Helper()
	rng := rand.New(rand.NewPCG(1, 2))
	x, y := make([]float32, rows*cols), make([]int64, rows)
	for i := range x {
		x[i] = float32(rng.NormFloat64()*float64(1+i%cols) + 1000*float64(i%cols))
	}
	for i := range y {
		y[i] = int64(i % 5)
	}
	dir := writeFiles(t, map[string][]byte{
		"x.npy": npyFile(t, "<f4", fmt.Sprintf("(%d, %d)", rows, cols), x),
		"y.npy": npyFile(t, "<i8", fmt.Sprintf("(%d,)", rows), y)})
	s, err := Open(dir, Options{})
	require.NoError(t, err)
	t.Cleanup(func() { s.Close() })
	return s.Train
}

func TestVectorsAreNormalised(t *testing.T) {
	d := randomVectors(t, 5000, 3)
	train, val, err := d.SplitClasses(0.4, 1)
	require.NoError(t, err)
	require.Equal(t, 5000, train.Len()+val.Len())
	for _, d := range []*Dataset{d, train, val} {
		n, err := d.ComputeNormalisation()
		require.NoError(t, err)
		for c := range 3 {
			var sum, squares float64
			for _, row := range rowsOf(t, d) {
				sum += float64(row[c])
			}
			mean := sum / float64(d.Len())
			for _, row := range rowsOf(t, d) {
				squares += (float64(row[c]) - mean) * (float64(row[c]) - mean)
			}
			require.InDelta(t, mean, n.Mean[c], 1e-4)
			require.InDelta(t, math.Sqrt(squares/float64(d.Len())), n.Std[c], 1e-5)
		}
		dst := make([]float32, 3)
		require.NoError(t, d.Fill(dst, []int{7}, n))
		row := rowsOf(t, d)[7]
		for c := range dst {
			require.Equal(t, (row[c]-n.Mean[c])/n.Std[c], dst[c])
		}
	}
}

func TestLoaderOfVectors(t *testing.T) {
	d := randomVectors(t, 40, 3)
	rows := rowsOf(t, d)
	at := 0
	next := func(dst []int) error {
		for i := range dst {
			dst[i] = (at + 7*i) % 40
		}
		at++
		return nil
	}
	l, err := NewLoader(d, LoaderConfig{Batch: 16, Workers: 3}, next, 1)
	require.NoError(t, err)
	defer l.Close()
	for range 10 {
		b, err := l.Next(context.Background())
		require.NoError(t, err)
		for slot, item := range b.Indices {
			require.Equal(t, rows[item], b.Pixels[slot*3:(slot+1)*3])
			require.Equal(t, float32(item%5), b.Labels[slot])
		}
		b.Release()
	}
	_, err = NewLoader(d, LoaderConfig{Batch: 16, Augment: Augment{FlipH: 0.5}}, next, 1)
	require.ErrorContains(t, err, "only the pictures of a Dataset can be augmented")
	_, err = d.Image(0)
	require.ErrorContains(t, err, "the set holds vectors, no pictures")
	_, err = FindNearCopies(d, d)
	require.ErrorContains(t, err, "the set holds vectors, no pictures")
}

func TestHalfToFloat(t *testing.T) {
	for bits := range 1 << 16 {
		h := uint16(bits)
		exponent, fraction := int(h>>10)&31, float64(h&1023)
		want := math.Ldexp(1+fraction/1024, exponent-15)
		switch {
		case exponent == 31 && fraction == 0:
			want = math.Inf(1)
		case exponent == 31:
			want = math.NaN()
		case exponent == 0:
			want = math.Ldexp(fraction, -24)
		}
		if h>>15 == 1 {
			want = -want
		}
		got := float64(halfToFloat(h))
		if got != want && !(math.IsNaN(got) && math.IsNaN(want)) || math.Signbit(got) != math.Signbit(want) && !math.IsNaN(want) {
			t.Fatalf("%#04x is %v, want %v", h, got, want)
		}
	}
}

func FuzzVectors(f *testing.F) {
	for _, name := range []string{"stored.npz", "packed.npz", "columns.npz", "half.safetensors"} {
		b, err := os.ReadFile(filepath.Join("testdata/vectors", name))
		require.NoError(f, err)
		f.Add(name[strings.Index(name, "."):], b)
	}
	f.Add(".csv", []byte("label,a,b\ncat,1,2\ndog,3,4\n"))
	f.Add(".tsv", []byte("1\t2\tcat\n3\t4\tdog\n"))
	f.Add(".npy", npyFile(f, "<f2", "(4, 2)", []uint16{1, 2, 3, 4, 5, 6, 7, 8}))
	f.Fuzz(func(t *testing.T, ending string, content []byte) {
		switch ending {
		case ".npz", ".safetensors", ".csv", ".tsv", ".npy":
		default:
			return
		}
		dir := t.TempDir()
		path := filepath.Join(dir, "v"+ending)
		require.NoError(t, os.WriteFile(path, content, 0o666))
		require.NoError(t, os.WriteFile(filepath.Join(dir, "v_labels.txt"), []byte("a\nb\na\nb\n"), 0o666))
		s, err := OpenVectors(path, Options{CacheBytes: 1 << 20})
		if err != nil {
			return
		}
		defer s.Close()
		_, sets := s.parts()
		for _, d := range sets {
			c, _, _ := d.Shape()
			if err := d.Fill(make([]float32, c), []int{d.Len() - 1}, Normalisation{}); err != nil {
				t.Error(err)
			}
		}
	})
}

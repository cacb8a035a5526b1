package datasets

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"

	"medusa/internal/samplesets"
)

// The files are scipy's: internal/samplesets/testdata/make_cars.py says what is in them.
func TestMAT(t *testing.T) {
	m, err := parseMAT(samplesets.MAT("cars_annos.mat"))
	require.NoError(t, err)
	paths, err := m.textField("annotations", "relative_im_path")
	require.NoError(t, err)
	require.Len(t, paths, 24)
	require.Equal(t, "car_ims/000024.jpg", paths[23])
	classes, err := m.numberField("annotations", "class")
	require.NoError(t, err)
	require.Equal(t, []float64{1, 1, 1, 1, 2}, classes[:5])
	x2, err := m.numberField("annotations", "bbox_x2")
	require.NoError(t, err)
	require.Equal(t, 20., x2[7])
	names, err := m.texts("class_names")
	require.NoError(t, err)
	require.Equal(t, "Citroën — no such car 2012", names[5])
}

func TestMATErrors(t *testing.T) {
	whole := samplesets.MAT("cars_test_annos_withlabels.mat") // not compressed
	for n := range len(whole) {
		if _, err := parseMAT(whole[:n]); n != matHeader {
			require.Error(t, err, "cut to %d bytes", n)
		}
	}
	_, err := parseMAT(append(make([]byte, 512), "\x89HDF\r\n\x1a\n and so on"...))
	require.ErrorContains(t, err, "save it with -v7")
	_, err = parseMAT(bytes.Repeat([]byte("x"), 200))
	require.ErrorContains(t, err, "not a MAT file of level 5")
	m, err := parseMAT(whole)
	require.NoError(t, err)
	_, err = m.textField("annotations", "class")
	require.ErrorContains(t, err, "annotations(1).class is no text")
	_, err = m.numberField("annotations", "colour")
	require.ErrorContains(t, err, `no field "colour", only bbox_x1`)
}

func FuzzMAT(f *testing.F) {
	for _, name := range []string{"cars_annos.mat", "cars_meta.mat", "cars_test_annos_withlabels.mat"} {
		f.Add(samplesets.MAT(name))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := parseMAT(data)
		if err != nil {
			return
		}
		for name := range m {
			m.texts(name)
			m.textField(name, "fname")
			m.numberField(name, "class")
		}
	})
}

package golden

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// small has the forms that the reference's files use: a case, strings for non-finite
// numbers, a full gradient and one by probes.
const small = `{"family": "f", "meta": {"oracle": "none"},
"inputs": {"one": {"embeddings": [[1, 2], [3, -4]], "labels": [0, 1], "num_classes": 2, "ref_emb": [[1e-3, 2]], "ref_labels": [7]}},
"records": [
 {"case": "one", "loss": "L", "params": {"margin": 0.5}, "value": "nan", "grad": {"shape": [2, 2], "full": [[0.5, "inf"], [0, 2]]}},
 {"case": "one", "loss": "M", "variant": "M#x", "value": 1.5, "extra": [1, "-inf"],
  "distance": {"type": "LpDistance", "p": 2, "power": 1, "normalize_embeddings": true, "is_inverted": false},
  "grad": {"shape": [2, 2], "rows": {"1": [3, 4]}, "row_dot_probe": [-0.440594059405940594, -1.272277227722772277],
           "col_dot_probe": [-0.465346534653465346, -0.881188118811881188], "fro": 5.477225575051661, "sum": 10}},
 {"case": "one", "loss": "M", "raises": "error", "grad": [[1, 2], [3, 4]]}]}`

func decoded(t *testing.T) *File {
	f, err := Decode(strings.NewReader(small))
	require.NoError(t, err)
	return f
}

func TestDecode(t *testing.T) {
	f := decoded(t)
	require.Equal(t, "f", f.Family)
	r := f.Records[0]
	require.Equal(t, []float64{1, 2, 3, -4}, r.Input.Embeddings.Data)
	require.Equal(t, []int{7}, r.Input.RefLabels)
	require.True(t, math.IsNaN(float64(r.Value)))
	require.Equal(t, 0.5, r.Params["margin"])
	require.Nil(t, r.Distance)
	require.Equal(t, math.Inf(1), r.Grad.Full.Data[1])

	r = f.Records[1]
	require.Equal(t, "001_M#x_LpDistance_one", r.String())
	require.Equal(t, Distance{Type: "LpDistance", P: 2, Power: 1, Normalize: true}, *r.Distance)
	var extra Matrix
	ok, err := r.Field("extra", &extra)
	require.NoError(t, err)
	require.True(t, ok)
	require.Equal(t, Matrix{Rows: 2, Cols: 1, Data: []float64{1, math.Inf(-1)}}, extra)
	ok, err = r.Field("nothing", &extra)
	require.NoError(t, err)
	require.False(t, ok)
	ok, err = r.Field("loss", &extra)
	require.True(t, ok)
	require.Error(t, err)
}

// Probe(2) = (−39.5, −2.5)/101; the sums in small were worked out from it and
// the matrix (1 2; 3 4).
func TestGradientCheck(t *testing.T) {
	f := decoded(t)
	good := []float64{1, 2, 3, 4}
	require.NoError(t, f.Records[1].Grad.Check(good, 2, 2, 1e-12))
	require.NoError(t, f.Records[2].Grad.Check(good, 2, 2, 1e-12))
	for i := range good {
		bad := append([]float64(nil), good...)
		bad[i] += 1e-6
		require.Error(t, f.Records[1].Grad.Check(bad, 2, 2, 1e-9), "entry %d", i)
		require.Error(t, f.Records[2].Grad.Check(bad, 2, 2, 1e-9), "entry %d", i)
		bad[i] = math.NaN()
		require.Error(t, f.Records[1].Grad.Check(bad, 2, 2, 1e-9), "entry %d", i)
		require.Error(t, f.Records[2].Grad.Check(bad, 2, 2, 1e-9), "entry %d", i)
	}
	require.Error(t, f.Records[1].Grad.Check(good, 1, 4, 1e-9))
	require.Error(t, f.Records[2].Grad.Check(good, 4, 1, 1e-9))
	require.Error(t, f.Records[2].Grad.Check(good, 3, 2, 1e-9))
	require.NoError(t, f.Records[0].Grad.Check([]float64{0.5, math.Inf(1), 0, 2}, 2, 2, 1e-9))
	require.Error(t, f.Records[0].Grad.Check([]float64{0.5, 9, 0, 2}, 2, 2, 1e-9))
}

func TestNear(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	for _, c := range []struct {
		name           string
		got, want, tol float64
		ok             bool
	}{
		{"equal", 2, 2, 0, true},
		{"relative", 1000 + 0.9e-6, 1000, 1e-9, true},
		{"too far", 1000 + 1.1e-6, 1000, 1e-9, false},
		{"near zero", 1e-13, 0, 1e-9, true},
		{"not zero", 1e-11, 0, 1e-9, false},
		{"NaN", nan, nan, 1e-9, true},
		{"NaN for 1", nan, 1, 1e-9, false},
		{"1 for NaN", 1, nan, 1e-9, false},
		{"infinite", inf, inf, 1e-9, true},
		{"other infinity", -inf, inf, 1e-9, false},
		{"finite for infinite", 1, inf, 1e-9, false},
		{"infinite for finite", inf, 1, 1e-9, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			require.Equal(t, c.ok, Near(c.got, c.want, c.tol) == nil)
		})
	}
}

func TestSkips(t *testing.T) {
	f := decoded(t)
	bySkip := Skip{"the reference fails", map[string]any{"loss": "M", "raises": "error"}}
	require.False(t, bySkip.Matches(f.Records[1]))
	require.True(t, bySkip.Matches(f.Records[2]))
	byParams := Skip{"x", map[string]any{"params": map[string]any{"margin": 0.5}}}
	require.True(t, byParams.Matches(f.Records[0]))
	require.False(t, Skip{Reason: "all"}.Matches(f.Records[0]))

	require.NoError(t, f.checkSkips([]Skip{bySkip, byParams}))
	require.ErrorContains(t, f.checkSkips([]Skip{{Fields: bySkip.Fields}}), "needs a reason")
	stale := Skip{"gone", map[string]any{"loss": "N"}}
	require.ErrorContains(t, f.checkSkips([]Skip{stale}), "matches no record")
	f.other = true
	require.NoError(t, f.checkSkips([]Skip{stale}))

	var seen []int
	f.Each(t, []Skip{bySkip}, func(_ *testing.T, r *Record) bool {
		seen = append(seen, r.Index)
		return true
	})
	require.Equal(t, []int{0, 1}, seen)
}

func TestOpenReadsOtherFolder(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "small.json"), []byte(small), 0o600))
	t.Setenv("GOLDEN_DIR", dir)
	require.Len(t, Open(t, "small.json").Records, 3)
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte(small))
	f.Add([]byte(`{"records": [{"grad": [[1], [2, 3]]}]}`))
	f.Add([]byte(`{"records": [{"grad": {"shape": [1], "rows": {"5": [1]}, "row_dot_probe": [1], "col_dot_probe": [1], "fro": 1, "sum": 1}}]}`))
	f.Add([]byte(`{"records": [{"value": "infinity"}]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		file, err := Decode(strings.NewReader(string(b)))
		if err != nil {
			return
		}
		for _, r := range file.Records {
			_ = r.String()
			if g := r.Grad; g != nil {
				_ = g.Check(make([]float64, 4), 2, 2, 1e-9)
				_ = g.Check(nil, 0, 0, 1e-9)
			}
		}
	})
}

func TestNumberRefuses(t *testing.T) {
	for _, s := range []string{`"NaN"`, `"1"`, `true`, `null`, `[1]`, `1e999`} {
		var n Number
		require.Error(t, json.Unmarshal([]byte(s), &n), s)
	}
}

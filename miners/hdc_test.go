package miners_test

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"medusa/miners"
	"medusa/pairs"
)

// Of triplets that another miner chose, the share is of their pairs as often as they are in a triplet,
// as in the reference; but of pairs as far as the last one, of which the reference lists so many as
// the share has room for, ours has all.
func TestHDCOfTriplets(t *testing.T) {
	raw, err := os.ReadFile(filepath.Join("testdata", "hdc_triplets.json"))
	require.NoError(t, err)
	var f struct {
		Records []struct {
			Embeddings [][]float64
			Labels     []int
			Metric     string
			Type       string
			Share      float64
			Triplets   [][3]int
			Pos, Neg   [][2]int
			PosLast    float64 `json:"pos_last"`
			NegLast    float64 `json:"neg_last"`
		}
	}
	require.NoError(t, json.Unmarshal(raw, &f))
	require.Len(t, f.Records, 24)
	for _, r := range f.Records {
		t.Run(fmt.Sprintf("%d %s %s %g", len(r.Labels), r.Metric, r.Type, r.Share), func(t *testing.T) {
			batch := miners.Rows{Labels: r.Labels}
			for _, row := range r.Embeddings {
				batch.Embeddings = append(batch.Embeddings, row...)
			}
			metric, sign := pairs.Metric(pairs.LP{}), 1.0
			if r.Metric == "cosine" {
				metric, sign = pairs.Cosine{}, -1
			}
			kind := map[string]miners.TripletType{"all": miners.All, "hard": miners.Hard, "semihard": miners.SemiHard}[r.Type]
			first := miners.TripletMargin{Type: kind, Margin: 0.2}
			triplets, err := miners.Triplets(first, metric, batch, miners.Rows{})
			require.NoError(t, err)
			require.ElementsMatch(t, r.Triplets, triplets)
			pos, neg, err := miners.Pairs(&miners.Chain{First: first, Second: miners.HDC{Share: r.Share}}, metric, batch, miners.Rows{})
			require.NoError(t, err)

			for side, c := range map[string]struct {
				column    int
				want, got [][2]int
				last      float64
				farther   float64 // 1: what counts lies as far as the last or farther; −1: as near or nearer
			}{"positive": {1, r.Pos, pos, sign * r.PosLast, 1}, "negative": {2, r.Neg, neg, sign * r.NegLast, -1}} {
				var all [][2]int // all pairs of the triplets that lie so far, as often as they are in one
				for _, tr := range r.Triplets {
					p := [2]int{tr[0], tr[c.column]}
					d := distance(batch, p)
					if sign < 0 {
						d = d*d/2 - 1
					}
					if c.farther*(d-c.last) > -1e-12 {
						all = append(all, p)
					}
				}
				require.ElementsMatch(t, all, c.got, side)
				require.Len(t, c.want, int(math.Ceil(r.Share*float64(len(r.Triplets)))), side)
				require.Subset(t, c.got, c.want, side)
			}
		})
	}
}

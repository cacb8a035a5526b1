package metrics

import (
	"context"
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"medusa/internal/nearest"
)

// A resample is Verify of a set in which each class stands as often as it was drawn, its copies not being
// compared with each other.
func TestResampleIsVerify(t *testing.T) {
	ctx := context.Background()
	s := clouds(5, 44, 4, 7)
	s.Labels[0] = 99 // a class of one row has impostors alone
	o := VerifyOptions{FAR: []float64{0.01, 0.2, 0.1}, At: []float64{0.5, 2, 1}, Resamples: 25, Seed: 3}
	v, err := Verify(ctx, s, o)
	require.NoError(t, err)
	require.NotNil(t, v.EERBetween)

	labels := sortedLabels(newClasses(s.Labels))
	number := map[int]int{}
	for k, l := range labels {
		number[l] = k
	}
	type pair struct {
		distance, weight float64
		same             bool
	}
	var eers []float64
	figures := make([][3][]float64, 6) // threshold, FAR, TAR of each point
	for k := range o.Resamples {
		times, rng := make([]float64, len(labels)), newRand(o.Seed, uint64(1_000+k))
		for range times {
			times[rng.IntN(len(times))]++
		}
		var pairs []pair
		impostors, genuine := 0.0, 0.0
		for i := range s.Len() {
			for j := range i {
				a, b := times[number[s.Labels[i]]], times[number[s.Labels[j]]]
				p := pair{math.Sqrt(nearest.SquaredDistance(s.Row(i), s.Row(j))), a * b, false}
				if s.Labels[i] == s.Labels[j] {
					p.weight, p.same = a, true
					genuine += a
				} else {
					impostors += p.weight
				}
				pairs = append(pairs, p)
			}
		}
		rates := func(t float64, orAt bool) (far, tar float64) {
			for _, p := range pairs {
				if p.distance < t || orAt && p.distance == t {
					if p.same {
						tar += p.weight / genuine
					} else {
						far += p.weight / impostors
					}
				}
			}
			return far, tar
		}
		for n, p := range append(slices.Clone(v.AtFAR), v.At...) {
			far, tar := rates(p.Threshold, false)
			figures[n][1], figures[n][2] = append(figures[n][1], far), append(figures[n][2], tar)
			if p.AskedFAR == 0 {
				continue
			}
			largest := 0.0 // of the distances of impostors that were drawn, with a FAR of AskedFAR at the most
			for _, q := range pairs {
				if far, _ := rates(q.distance, false); !q.same && q.weight > 0 && far <= p.AskedFAR*(1+hair) {
					largest = max(largest, q.distance)
				}
			}
			figures[n][0] = append(figures[n][0], largest)
		}
		slices.SortFunc(pairs, func(a, b pair) int { return int(math.Copysign(1, a.distance-b.distance)) })
		var w walk
		for _, p := range pairs {
			w.to(rates(p.distance, true))
		}
		eers = append(eers, w.eer)
	}
	between := func(values []float64) Interval {
		slices.Sort(values)
		return Interval{values[0], values[24]} // 2.5 % of 25 is none
	}
	near := func(want, got Interval) {
		t.Helper()
		require.InDelta(t, want.Low, got.Low, 1e-9)
		require.InDelta(t, want.High, got.High, 1e-9)
		require.Less(t, want.Low, want.High)
	}
	near(between(eers), *v.EERBetween)
	for n, p := range append(slices.Clone(v.AtFAR), v.At...) {
		near(between(figures[n][1]), p.Between.FAR)
		near(between(figures[n][2]), p.Between.TAR)
		if p.AskedFAR > 0 {
			near(between(figures[n][0]), *p.Between.Threshold)
		} else {
			require.Nil(t, p.Between.Threshold)
		}
	}
}

// Without resamples figures are as they were, with them the same; more classes are trusted more; and where
// not all pairs are kept the intervals hardly differ.
func TestIntervals(t *testing.T) {
	ctx := context.Background()
	width := func(s Set) float64 {
		plain, err := Verify(ctx, s, VerifyOptions{Seed: 1})
		require.NoError(t, err)
		require.Nil(t, plain.EERBetween)
		v, err := Verify(ctx, s, VerifyOptions{Resamples: 200, Seed: 1})
		require.NoError(t, err)
		again, err := Verify(ctx, s, VerifyOptions{Resamples: 200, Seed: 1})
		require.NoError(t, err)
		require.Equal(t, v, again)
		require.Less(t, v.EERBetween.Low, v.EER)
		require.Greater(t, v.EERBetween.High, v.EER)
		w := v.EERBetween.High - v.EERBetween.Low
		for k := range v.AtFAR {
			require.LessOrEqual(t, v.AtFAR[k].Between.TAR.Low, v.AtFAR[k].TAR)
			require.GreaterOrEqual(t, v.AtFAR[k].Between.TAR.High, v.AtFAR[k].TAR)
			v.AtFAR[k].Between = nil
		}
		v.EERBetween = nil
		require.Equal(t, plain, v)
		return w
	}
	few, many := width(clouds(6, 400, 6, 12)), width(clouds(6, 1500, 6, 150)) // of 1,100,000 pairs a tenth is kept
	require.Less(t, many, few/2)
}

func TestIntervalsRefuse(t *testing.T) {
	_, err := Verify(context.Background(), clouds(1, 20, 2, 3), VerifyOptions{Resamples: -1})
	require.ErrorContains(t, err, "-1 resamples")
}

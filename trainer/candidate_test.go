package trainer

import (
	"context"
	"encoding/json"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"medusa/optim"
)

func TestOrderOfCandidates(t *testing.T) {
	worstFirst := []candidate{
		{0.5, 0.9, 900}, {0.9, 0.1, 900}, {0.9, 0.2, 0}, {0.9, 0.2, 60}, {0.9, 0.2 + 1e-16, 0}, {0.9, 0.2 + 1e-15, 0}, {1, 0, 0}, {1, 0.5, 0}, {1, 0.5, 60},
	}
	require.Equal(t, 0.2, 0.2+1e-17, "0.2 + 1e-16 must be another number for this table")
	for i, a := range worstFirst {
		for j, b := range worstFirst {
			if a != b {
				assert.Equal(t, i > j, a.compare(b) > 0, "%v, %v", a, b)
			}
		}
	}
}

// Whatever the figures, the leader is the same for every order of comparing, and it is the
// latest of the best.
func TestLeaderIsTheLatestOfTheBest(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	for range 2000 {
		var s state
		var all []candidate
		for step := range 1 + rng.IntN(8) {
			c := candidate{float64(rng.IntN(3)) / 2, float64(rng.IntN(3)) / 3, 10 * step}
			before, had := s.best()
			improved, leads := s.rank(c)
			require.Equal(t, !had || c.value > before.value || c.value == before.value && c.mapAtR > before.mapAtR, improved)
			if improved {
				require.True(t, leads)
			}
			if leads {
				s.takeLead(c)
			}
			all = append(all, c)
			b, err := json.Marshal(s) // as a checkpoint has it
			require.NoError(t, err)
			s = state{}
			require.NoError(t, json.Unmarshal(b, &s))
		}
		leader, _ := s.best()
		for _, c := range all {
			require.True(t, c.value < leader.value || c.value == leader.value && c.mapAtR < leader.mapAtR ||
				c.value == leader.value && c.mapAtR == leader.mapAtR && c.step <= leader.step, "%v leads %v", leader, all)
		}
	}
}

// A checkpoint of the first edition knows the metric of the best alone: an equal one is taken.
func TestLeaderOfAnOldCheckpoint(t *testing.T) {
	var s state
	require.NoError(t, json.Unmarshal([]byte(`{"step":60,"has_best":true,"best_value":1,"best_step":0,"schedule":{"best":1,"seen":true,"since":1}}`), &s))
	plateau, err := optim.NewSchedule(optim.DefaultSchedule("plateau"), 100)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(s.Schedule, plateau))
	again, err := json.Marshal(plateau)
	require.NoError(t, err)
	require.JSONEq(t, `{"since":1}`, string(again))
	improved, leads := s.rank(candidate{1, 0, 60})
	require.True(t, improved && leads)
	improved, leads = s.rank(candidate{0.99, 1, 60})
	require.False(t, improved || leads)
}

// Ties break the same way in a run that was broken off at any evaluation.
func TestResumedRunBreaksTiesAlike(t *testing.T) {
	cfg := peopleConfig(t, 30)
	cfg.Patience = 9
	whole, r := run(t, cfg, Options{})
	require.Equal(t, 1., r.BestValue)
	for _, at := range []int{0, 10, 20, 30, 40} {
		ctx, cancel := context.WithCancel(context.Background())
		tr := start(t, cfg, Options{Hooks: []Hook{{Evaluated: func(_ context.Context, i EvalInfo) error {
			if i.Step == at {
				cancel()
			}
			return nil
		}}}})
		r, err := tr.Run(ctx)
		require.NoError(t, err)
		require.Equal(t, StopInterrupted, r.Stop)
		on, err := Resume(tr.data.data(), Options{Dir: string(tr.dir)})
		require.NoError(t, err)
		_, err = on.Run(context.Background())
		require.NoError(t, err)
		require.NoError(t, on.Close())
		sameRun(t, string(whole.dir), string(tr.dir))
		cancel()
	}
}

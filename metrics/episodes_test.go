package metrics

import (
	"context"
	"encoding/json"
	"os"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

type episodesFile struct {
	Fixed []struct {
		Name       string
		Embeddings [][]float64
		Ways       int
		Episodes   []struct {
			Support, Queries [][]int32
			Wrong            map[string]int
		}
	}
	Exact struct {
		Embeddings     [][]float64
		Labels, Groups []int
		Mixed, Within  float64
	}
}

func goldenEpisodes(t *testing.T) (file episodesFile) {
	data, err := os.ReadFile("testdata/episodes.json")
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(data, &file))
	require.NotEmpty(t, file.Fixed)
	return file
}

// Errors of given episodes are those that testdata/episodes.py counted with numpy.
func TestEpisodesOfNumpy(t *testing.T) {
	for _, c := range goldenEpisodes(t).Fixed {
		t.Run(c.Name, func(t *testing.T) {
			s := setOf(c.Embeddings, make([]int, len(c.Embeddings)), 1)
			compared := 0
			for n, e := range c.Episodes {
				for name, want := range e.Wrong {
					var d Distance
					require.NoError(t, d.UnmarshalText([]byte(name)))
					scorer := newEpisodeScorer(s, EpisodeOptions{Ways: c.Ways, Distance: d})
					require.Equal(t, want, scorer.errors(episode{e.Support, e.Queries}), "%s, episode %d", name, n)
					compared++
				}
			}
			require.GreaterOrEqual(t, compared, 50)
		})
	}
}

// What is drawn has the mean over all episodes there are, among all classes and within groups.
func TestEpisodesHaveTheMeanOverAll(t *testing.T) {
	c := goldenEpisodes(t).Exact
	s := setOf(c.Embeddings, c.Labels, 1)
	groupOf := map[int]int{}
	for label, group := range c.Groups {
		groupOf[label] = group
	}
	for name, tt := range map[string]struct {
		groups map[int]int
		want   float64
	}{"mixed": {nil, c.Mixed}, "within": {groupOf, c.Within}} {
		t.Run(name, func(t *testing.T) {
			for _, queries := range []int{1, 4} {
				r, err := Episodes(context.Background(), s, EpisodeOptions{Ways: 2, Shots: 1, Queries: queries, Episodes: 20000, GroupOf: tt.groups, Seed: 3})
				require.NoError(t, err)
				assert.InDelta(t, tt.want, r.Error, 3*r.Interval/normal95, "three standard errors")
				assert.Less(t, r.Interval, 0.01)
				assert.Positive(t, r.Interval)
			}
		})
	}
}

// The interval is that of the mean of independent draws: of a hundred seeds about 95 hold the
// mean over all.
func TestEpisodesInterval(t *testing.T) {
	c := goldenEpisodes(t).Exact
	s := setOf(c.Embeddings, c.Labels, 1)
	holds := 0
	for seed := range 100 {
		r, err := Episodes(context.Background(), s, EpisodeOptions{Ways: 2, Shots: 1, Queries: 2, Episodes: 300, Seed: uint64(seed)})
		require.NoError(t, err)
		if r.Error-r.Interval <= c.Mixed && c.Mixed <= r.Error+r.Interval {
			holds++
		}
	}
	require.InDelta(t, 95, holds, 3*2.2) // three standard deviations of a binomial distribution
}

func TestEpisodesAreValid(t *testing.T) {
	labels := make([]int, 0, 60)
	for i := range 60 {
		labels = append(labels, 10*(i%10)) // six of each
	}
	groupOf := map[int]int{}
	for i := range 10 {
		groupOf[10*i] = i % 2
	}
	o := EpisodeOptions{Ways: 4, Shots: 2, Queries: 3, Episodes: 1, GroupOf: groupOf, Seed: 9}
	pools, _, err := o.pools(labels)
	require.NoError(t, err)
	d := episodeDrawer{EpisodeOptions: o, pools: pools, rng: newRand(o.Seed, 6)}
	classes, rows := map[int]int{}, map[int32]int{}
	for range 2000 {
		e := d.draw()
		require.Len(t, e.support, 4)
		require.Len(t, e.queries, 4)
		var used []int32
		var chosen, groups []int
		for k := range e.support {
			require.Len(t, e.support[k], 2)
			require.Len(t, e.queries[k], 3)
			all := slices.Concat(e.support[k], e.queries[k])
			label := labels[all[0]]
			for _, row := range all {
				require.Equal(t, label, labels[row])
				rows[row]++
			}
			used, chosen, groups = append(used, all...), append(chosen, label), append(groups, groupOf[label])
			classes[label]++
		}
		slices.Sort(used)
		require.Len(t, slices.Compact(used), 20, "no picture twice")
		slices.Sort(chosen)
		require.Len(t, slices.Compact(chosen), 4, "no class twice")
		require.Len(t, slices.Compact(groups), 1, "one group")
	}
	for _, n := range classes {
		require.InDelta(t, 800, n, 5*22) // 2000·½·⅘: five standard deviations
	}
	require.Len(t, rows, 60)
}

func TestEpisodesAreOfTheSeed(t *testing.T) {
	c := goldenEpisodes(t).Exact
	s := setOf(c.Embeddings, c.Labels, 1)
	of := func(seed uint64) FewShot {
		r, err := Episodes(context.Background(), s, EpisodeOptions{Ways: 5, Shots: 1, Queries: 4, Episodes: 50, Seed: seed})
		require.NoError(t, err)
		return r
	}
	require.Equal(t, of(1), of(1))
	require.NotEqual(t, of(1).Error, of(2).Error)
}

// A network that puts everything on one point recognises nothing, and one that tells all classes
// apart is never wrong.
func TestEpisodesOfExtremes(t *testing.T) {
	labels := []int{1, 1, 1, 2, 2, 2, 3, 3, 3}
	point, apart := Set{Dim: 2, Labels: labels}, Set{Dim: 3, Labels: labels}
	for _, l := range labels {
		one := [3]float32{}
		one[l-1] = 1
		point.Embeddings, apart.Embeddings = append(point.Embeddings, 1, 1), append(apart.Embeddings, one[:]...)
	}
	for _, d := range []Distance{Euclidean, Cosine, Dot} {
		o := EpisodeOptions{Ways: 3, Shots: 1, Queries: 2, Episodes: 10, Distance: d}
		r, err := Episodes(context.Background(), point, o)
		require.NoError(t, err)
		require.Equal(t, 1., r.Error, d)
		r, err = Episodes(context.Background(), apart, o)
		require.NoError(t, err)
		require.Zero(t, r.Error, d)
		require.Zero(t, r.Interval)
	}
}

func TestEpisodesTellWhatIsLeftOut(t *testing.T) {
	s := Set{Dim: 1, Labels: []int{1, 1, 2, 2, 3, 3, 4, 5, 5, 6, 6}, Embeddings: make([]float32, 11)}
	o := EpisodeOptions{Ways: 2, Shots: 1, Queries: 1, GroupOf: map[int]int{1: 0, 2: 0, 3: 1, 4: 1, 5: 2}}
	r, err := Episodes(context.Background(), s, o)
	require.NoError(t, err)
	require.Equal(t, FewShot{Ways: 2, Shots: 1, Queries: 1, Episodes: 1000, Error: 1, Classes: 2, Groups: 1, ClassesLeftOut: 2, GroupsLeftOut: 2}, r)
}

func TestEpisodesThatCannotBe(t *testing.T) {
	s := Set{Dim: 1, Labels: []int{1, 1, 2, 2, 3, 3}, Embeddings: make([]float32, 6)}
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	for name, tt := range map[string]struct {
		ctx  context.Context
		set  Set
		o    EpisodeOptions
		want string
	}{
		"no context":   {nil, s, EpisodeOptions{Ways: 2, Shots: 1}, "the context is nil"},
		"ended":        {ended, s, EpisodeOptions{Ways: 2, Shots: 1, Queries: 1}, "stopped at episode 0 of 1000"},
		"one way":      {context.Background(), s, EpisodeOptions{Ways: 1, Shots: 1}, "want 2 ways or more"},
		"no shot":      {context.Background(), s, EpisodeOptions{Ways: 2}, "0 shots"},
		"negative":     {context.Background(), s, EpisodeOptions{Ways: 2, Shots: 1, Queries: -1}, "-1 queries"},
		"distance":     {context.Background(), s, EpisodeOptions{Ways: 2, Shots: 1, Distance: 9}, "no distance 9"},
		"empty":        {context.Background(), Set{Dim: 1}, EpisodeOptions{Ways: 2, Shots: 1}, "no embeddings"},
		"few labels":   {context.Background(), Set{Dim: 1, Embeddings: make([]float32, 3)}, EpisodeOptions{Ways: 2, Shots: 1}, "0 labels for 3 rows"},
		"many ways":    {context.Background(), s, EpisodeOptions{Ways: 4, Shots: 1, Queries: 1}, "need as many classes of 2 pictures or more (1 known, 1 as queries), and there are 3: take fewer"},
		"few pictures": {context.Background(), s, EpisodeOptions{Ways: 2, Shots: 1}, "classes of 6 pictures or more (1 known, 5 as queries), and there are 0"},
		"small groups": {context.Background(), s, EpisodeOptions{Ways: 3, Shots: 1, Queries: 1, GroupOf: map[int]int{1: 1, 2: 1, 3: 2}}, "the largest group has 2"},
		"huge":         {context.Background(), s, EpisodeOptions{Ways: 2, Shots: 1 << 62, Queries: 1 << 62}, "take fewer ways, shots or queries"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Episodes(tt.ctx, tt.set, tt.o)
			require.ErrorContains(t, err, tt.want)
		})
	}
}

package cli

import (
	"cmp"
	"context"
	"encoding/csv"
	"io"
	"maps"
	"math"
	"slices"
	"strconv"

	"github.com/pkg/errors"

	"medusa/index"
	"medusa/internal/field"
	"medusa/internal/filewrite"
	"medusa/metrics"
)

// clusters are groups of pictures.
type clusters struct {
	*lookup
	items []index.Item // those that are looked at, by rising IDs, without vectors
	set   metrics.Set  // their embeddings, and the numbers of their labels
	names []string
	of    []int // cluster of each of items, from 0; below zero for none
	list  []clusterView
}

// clusterView is a group, as it is shown.
type clusterView struct {
	number    int       // in of
	members   []int     // items, nearest to the middle first
	distances []float64 // from the middle
	label     string    // that most of those with a label have
	share     float64   // of them that have it
}

// read takes what is to be put into groups from the index.
func (c *clusters) read() error {
	dim := c.Index.Options().Dim
	count, err := c.Labels()
	if err != nil {
		return err
	}
	delete(count, "")
	c.names = slices.Sorted(maps.Keys(count))
	c.set.Dim = dim
	err = c.All(func(it index.Item) bool {
		if isMeant(c.filter, it) {
			c.items = append(c.items, it)
		}
		return true
	})
	slices.SortFunc(c.items, func(a, b index.Item) int { return cmp.Compare(a.ID, b.ID) })
	for i := range c.items {
		it := &c.items[i]
		label, known := slices.BinarySearch(c.names, it.Label)
		if !known {
			label = -1
		}
		c.set.Labels, c.set.Embeddings = append(c.set.Labels, label), append(c.set.Embeddings, it.Vector...)
		it.Vector = nil
	}
	if c.Index.Options().Distance == metrics.Cosine {
		normalise(c.set.Embeddings, dim)
	}
	return err
}

// normalise brings rows to length 1, but those of zeros.
func normalise(rows []float32, dim int) {
	for row := range slices.Chunk(rows, dim) {
		sum := 0.0
		for _, v := range row {
			sum += float64(v) * float64(v)
		}
		for i := range row {
			if sum > 0 {
				row[i] = float32(float64(row[i]) / math.Sqrt(sum))
			}
		}
	}
}

// build makes the groups: so many, or as many as lie densely.
func (c *clusters) build(ctx context.Context, o *clusterOptions, numbered bool) error {
	err := c.read()
	switch {
	case err != nil:
	case numbered:
		err = c.means(ctx, o)
	default:
		if err = c.checkDistance(o.Threshold); err == nil {
			err = c.dense(ctx, o)
		}
	}
	if err == nil {
		c.sort()
	}
	return err
}

// means makes so many groups.
func (c *clusters) means(ctx context.Context, o *clusterOptions) error {
	if c.Index.Options().Distance == metrics.Dot {
		return wrong("%s compares by products, of which there are no means: index with %s euclidean or cosine", c.path, field.Name("-distance"))
	}
	if o.Clusters > len(c.items) {
		return wrong("%s is %d, but there are %d pictures", field.Name("-clusters"), o.Clusters, len(c.items))
	}
	task := c.screen.Begin("clustering")
	defer task.End()
	found, err := metrics.KMeans(ctx, c.set, metrics.KMeansOptions{Clusters: o.Clusters, Restarts: o.Restarts, Seed: o.Seed,
		Progress: func(i int) { task.Progress(i, 0) }})
	c.of = found.Labels
	return err
}

// dense makes groups of what lies densely.
func (c *clusters) dense(ctx context.Context, o *clusterOptions) error {
	groups, err := c.groups(ctx, "clustering", index.GroupOptions{MaxDistance: o.Threshold, Neighbours: o.Neighbours})
	if err != nil {
		return err
	}
	number := map[uint64]int{}
	for i, g := range groups {
		for _, m := range g.Members {
			number[m.ID] = i
		}
	}
	for _, it := range c.items {
		at, is := number[it.ID]
		if !is {
			at = -1
		}
		c.of = append(c.of, at)
	}
	return nil
}

// sort orders the groups by their size, and what is in them by how near it is to the middle.
func (c *clusters) sort() {
	members := map[int][]int{}
	for i, n := range c.of {
		if n >= 0 {
			members[n] = append(members[n], i)
		}
	}
	for _, n := range slices.Sorted(maps.Keys(members)) {
		c.list = append(c.list, c.view(n, members[n]))
	}
	slices.SortStableFunc(c.list, func(a, b clusterView) int { return len(b.members) - len(a.members) })
	number := map[int]int{-1: -1}
	for i := range c.list {
		number[c.list[i].number] = i
	}
	for i, n := range c.of {
		c.of[i] = number[n]
	}
}

// view is a group of items.
func (c *clusters) view(number int, items []int) clusterView {
	middle := c.middle(items)
	apart := map[int]float64{}
	for _, i := range items {
		sum := 0.0
		for d, v := range c.set.Row(i) {
			sum += (float64(v) - middle[d]) * (float64(v) - middle[d])
		}
		apart[i] = math.Sqrt(sum)
	}
	slices.SortStableFunc(items, func(a, b int) int { return cmp.Compare(apart[a], apart[b]) })
	v := clusterView{number: number, members: items}
	for _, i := range items {
		v.distances = append(v.distances, apart[i])
	}
	v.label, v.share = c.mostly(items)
	return v
}

// middle is the mean of the embeddings of items.
func (c *clusters) middle(items []int) []float64 {
	middle := make([]float64, c.set.Dim)
	for _, i := range items {
		for d, v := range c.set.Row(i) {
			middle[d] += float64(v) / float64(len(items))
		}
	}
	return middle
}

// mostly is the label that most items with one have, and the share of these that have it.
func (c *clusters) mostly(items []int) (label string, share float64) {
	count, labelled, most := map[int]int{}, 0, 0
	for _, i := range items {
		if l := c.set.Labels[i]; l >= 0 {
			count[l]++
			labelled++
		}
	}
	for _, l := range slices.Sorted(maps.Keys(count)) {
		if count[l] > most {
			most, label = count[l], c.names[l]
		}
	}
	if most == 0 {
		return "", 0
	}
	return label, float64(most) / float64(labelled)
}

// writeTable writes which group each picture is in.
func (c *clusters) writeTable(path string) error {
	return errors.WithMessage(filewrite.Whole(path, func(to io.Writer) error {
		w := csv.NewWriter(to)
		w.Write([]string{"path", "cluster"})
		for i, it := range c.items {
			cluster := ""
			if c.of[i] >= 0 {
				cluster = strconv.Itoa(c.of[i] + 1)
			}
			w.Write([]string{c.nameOf(it), cluster})
		}
		w.Flush()
		return w.Error()
	}), "-out "+path)
}

// agreement compares the groups with the labels, of the pictures that have both.
func (c *clusters) agreement() (purity float64, t metrics.Contingency, n int, err error) {
	var of, labels []int
	for i, l := range c.set.Labels {
		if l >= 0 && c.of[i] >= 0 {
			of, labels = append(of, c.of[i]), append(labels, l)
		}
	}
	if len(of) == 0 {
		return 0, t, 0, nil
	}
	counts := map[[2]int]int{}
	best := map[int]int{}
	for i := range of {
		counts[[2]int{of[i], labels[i]}]++
		best[of[i]] = max(best[of[i]], counts[[2]int{of[i], labels[i]}])
	}
	right := 0
	for _, b := range best {
		right += b
	}
	t, err = metrics.NewContingency(labels, of)
	return float64(right) / float64(len(of)), t, len(of), err
}

// left is how many pictures are in no group.
func (c *clusters) left() int {
	n := 0
	for _, of := range c.of {
		if of < 0 {
			n++
		}
	}
	return n
}

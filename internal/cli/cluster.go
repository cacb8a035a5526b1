package cli

import (
	"cmp"
	"context"
	"encoding/csv"
	"io"
	"maps"
	"math"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/pkg/errors"

	"medusa/index"
	"medusa/internal/field"
	"medusa/internal/filewrite"
	"medusa/internal/settings"
	"medusa/metrics"
)

// clustering is the command cluster.
var clustering = command{
	name:  "cluster",
	takes: "INDEX",
	about: "put the pictures of an index into groups, without labels",
	intro: "puts pictures into groups by how alike they are: into so many with -clusters, by k-means; or, without a number, into as many as lie densely together with -threshold, by DBSCAN, which leaves out the pictures that lie alone. INDEX is what the command index made. Where there are labels it says how well the groups match them.",
	examples: []example{
		{[]string{"gallery.index", "-clusters", "20", "-html", "groups.html"}, "twenty groups, as a page"},
		{[]string{"gallery.index", "-threshold", "0.3", "-out", "groups.csv"}, "as many as there are, as a table"},
	},
	begin: func(c *invocation) job { return newClusterFlags(c) },
}

// clusterOptions are what the flags of cluster set.
type clusterOptions struct {
	Clusters   int           `yaml:"clusters" flag:"clusters" arg:"N" doc:"how many groups to make" min:"1" group:"How"`
	Restarts   int           `yaml:"restarts" flag:"restarts" arg:"N" doc:"beginnings of k-means, of which the tightest groups count" min:"1" max:"1000" group:"How"`
	Seed       uint64        `yaml:"seed" flag:"seed" arg:"N" doc:"of these beginnings" group:"How"`
	Threshold  float64       `yaml:"threshold" flag:"threshold" arg:"DISTANCE" doc:"farthest that neighbours are from each other" group:"How"`
	Neighbours int           `yaml:"neighbours" flag:"neighbours" arg:"N" doc:"of a picture for a group to grow from it: with 1 a group is whatever is linked by neighbours, with more of them a few pictures between two crowds do not join these" min:"1" max:"1000" group:"How"`
	Out        string        `yaml:"out" flag:"out" arg:"FILE" doc:"table of path and cluster to write, a .csv" group:"Output"`
	Lookup     lookupOptions `yaml:",inline"`
}

var clusterSchema = settings.Of(reflect.TypeFor[clusterOptions](), nil)

// clusterFlags are the command cluster, called.
type clusterFlags struct {
	*flagSet
	options *clusterOptions
}

func newClusterFlags(c *invocation) *clusterFlags {
	prototype := clusterOptions{Restarts: 1, Neighbours: 3, Lookup: lookupOptions{Limit: 50}}
	o, unset := prototype, prototype
	return &clusterFlags{options: &o, flagSet: newFlagSet(c, clusterSchema, &o, &unset, nil, lookupGroups...)}
}

func (f *clusterFlags) flags() *flagSet { return f.flagSet }

func (f *clusterFlags) do(ctx context.Context, args []string) error {
	if err := f.validate(); err != nil {
		return usageError{err}
	}
	o := f.options
	if o.Out != "" {
		if err := canWrite(o.Out, "-out"); err != nil {
			return err
		}
	}
	l, err := f.open(args, &o.Lookup)
	if err != nil {
		return err
	}
	c := &clusters{lookup: l}
	if err := c.read(); err != nil {
		return err
	}
	if f.given()["clusters"] {
		err = c.means(ctx, o)
	} else if err = l.checkDistance(o.Threshold); err == nil {
		err = c.dense(ctx, o)
	}
	if err != nil {
		return err
	}
	c.sort()
	if o.Out != "" {
		if err := c.writeTable(o.Out); err != nil {
			return err
		}
	}
	return c.tell(o.Out)
}

// validate refuses what nobody means.
func (f *clusterFlags) validate() error {
	given, o := f.given(), f.options
	if err := f.checkLookup(&o.Lookup); err != nil {
		return err
	}
	switch {
	case given["clusters"] == given["threshold"]:
		return wrong("say how many groups to make, with %s, or how near neighbours are, with %s", field.Name("-clusters"), field.Name("-threshold"))
	case math.IsNaN(o.Threshold) || math.IsInf(o.Threshold, 0):
		return wrong("%s is %v, want a distance", field.Name("-threshold"), o.Threshold)
	case given["out"] && !strings.EqualFold(filepath.Ext(o.Out), ".csv"):
		return wrong("%s %s: want a name that ends with .csv", field.Name("-out"), o.Out)
	}
	for _, name := range []string{"restarts", "seed", "neighbours", "exact", "effort"} {
		switch {
		case !given[name]:
		case given["clusters"] && (name == "neighbours" || name == "exact" || name == "effort"):
			return wrong("%s means nothing to %s: leave it out", field.Name("-"+name), field.Name("-clusters"))
		case given["threshold"] && (name == "restarts" || name == "seed"):
			return wrong("%s means nothing to %s: leave it out", field.Name("-"+name), field.Name("-threshold"))
		}
	}
	return f.checkGiven(o)
}

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
	dim := c.set.Dim
	middle := make([]float64, dim)
	for _, i := range items {
		for d, v := range c.set.Row(i) {
			middle[d] += float64(v) / float64(len(items))
		}
	}
	apart, labels, labelled := map[int]float64{}, map[int]int{}, 0
	for _, i := range items {
		sum := 0.0
		for d, v := range c.set.Row(i) {
			sum += (float64(v) - middle[d]) * (float64(v) - middle[d])
		}
		apart[i] = math.Sqrt(sum)
		if l := c.set.Labels[i]; l >= 0 {
			labels[l]++
			labelled++
		}
	}
	slices.SortStableFunc(items, func(a, b int) int { return cmp.Compare(apart[a], apart[b]) })
	v := clusterView{number: number, members: items}
	for _, i := range items {
		v.distances = append(v.distances, apart[i])
	}
	most := 0
	for _, l := range slices.Sorted(maps.Keys(labels)) {
		if labels[l] > most {
			most, v.label, v.share = labels[l], c.names[l], float64(labels[l])/float64(labelled)
		}
	}
	return v
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

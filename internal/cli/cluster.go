package cli

import (
	"context"
	"math"
	"path/filepath"
	"reflect"
	"strings"

	"medusa/internal/field"
	"medusa/internal/settings"
)

// clustering is the command cluster.
var clustering = command{
	name:  "cluster",
	takes: "INDEX",
	about: "put the pictures of an index into groups, without labels",
	intro: "puts pictures into groups by how alike they are: into so many with -clusters, by k-means; or, without a number, into as many as lie densely together with -threshold, by DBSCAN, which leaves out the pictures that lie alone. INDEX is what the command index made. Where there are labels it says how well the groups match them.",
	examples: []example{
		{[]string{"gallery.index", "-clusters", "20", "-html", "groups.html"}, "twenty groups, as a page"},
		{[]string{"gallery.index", "-threshold", "0.3", "-out", "crowds.csv"}, "as many as there are, as a table"},
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
	Overwrite  bool          `yaml:"overwrite" flag:"overwrite" doc:"let a table that is there give way, once the new one is whole; a page does without" group:"Output"`
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
		if err := canReplace(o.Out, "-out", "groups.csv", o.Overwrite); err != nil {
			return err
		}
	}
	l, err := f.open(args, &o.Lookup)
	if err != nil {
		return err
	}
	c := &clusters{lookup: l}
	if err := c.build(ctx, o, f.given()["clusters"]); err != nil {
		return err
	}
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
	case given["clusters"] && given["threshold"]:
		return wrong("%s and %s are both given: the one says how many groups to make, the other how near neighbours are, of as many groups as there are; leave out one of them", field.Name("-clusters"), field.Name("-threshold"))
	case !given["clusters"] && !given["threshold"]:
		return wrong("say how many groups to make, with %s, or how near neighbours are, with %s", field.Name("-clusters"), field.Name("-threshold"))
	case math.IsNaN(o.Threshold) || math.IsInf(o.Threshold, 0):
		return noDistance(o.Threshold)
	case o.Overwrite && !given["out"]:
		return wrong("%s is about the table of %s: leave it out, or name one", field.Name("-overwrite"), field.Name("-out"))
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

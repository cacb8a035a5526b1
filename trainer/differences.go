package trainer

import (
	"cmp"
	"reflect"
	"slices"
)

// Differences names the fields in which two configurations ask for other results, such
// as Solver.LR: defaults are filled in, and where the pictures lie, how they are kept and
// which device and how many threads work is left aside. Settings that one of them leaves to
// the data are equal to what the other has for them.
func Differences(a, b Config) []string {
	var out []string
	if a.Data.Val == "" || b.Data.Val == "" {
		a.Data.Val, b.Data.Val = "", ""
	}
	if a.Net.Backbone == "" || b.Net.Backbone == "" {
		a.Net.Backbone, b.Net.Backbone = "", ""
	}
	if len(a.Net.Hidden) == 0 || len(b.Net.Hidden) == 0 {
		a.Net.Hidden, b.Net.Hidden = nil, nil
	}
	left := [][2]*int{{&a.Sampler.P, &b.Sampler.P}, {&a.Sampler.K, &b.Sampler.K}, {&a.Sampler.Batch, &b.Sampler.Batch}}
	if a.Epochs > 0 || b.Epochs > 0 { // whose length in steps decides
		left = append(left, [2]*int{&a.EvalEvery, &b.EvalEvery}, [2]*int{&a.Schedule.Every, &b.Schedule.Every})
	}
	for _, size := range left {
		if *size[0] == 0 || *size[1] == 0 {
			*size[0], *size[1] = 0, 0
		}
	}
	differ("", reflect.ValueOf(resultSettings(a)), reflect.ValueOf(resultSettings(b)), &out)
	slices.Sort(out)
	return out
}

// resultSettings is c with every default filled in, without what no result depends on.
func resultSettings(c Config) Config {
	c = c.Defaults()
	c.Threads, c.Device, c.Weights, c.Recompute = 0, "", "", false
	c.Data.Path, c.Data.CacheDir, c.Data.CacheBytes, c.Data.Workers, c.Data.Ahead, c.Data.KeepCache = "", "", 0, 0, 0, false
	c.Net.InChannels, c.Net.Height, c.Net.Width = 0, 0, 0 // taken from the pictures
	c.Net.Graph = nil                                     // what Backbone names
	d := Default()
	c.Data.MaxPixels = cmp.Or(c.Data.MaxPixels, d.Data.MaxPixels)
	c.Sampler.Name = cmp.Or(c.Sampler.Name, d.Sampler.Name)
	c.Net.Embedding, c.Net.Activation = cmp.Or(c.Net.Embedding, d.Net.Embedding), cmp.Or(c.Net.Activation, d.Net.Activation)
	c.Net.Pooling, c.Net.Head = cmp.Or(c.Net.Pooling, d.Net.Pooling), cmp.Or(c.Net.Head, d.Net.Head)
	return c
}

// differ adds the paths of the fields below prefix in which two structs differ.
func differ(prefix string, a, b reflect.Value, out *[]string) {
	for i := range a.NumField() {
		f, x, y := a.Type().Field(i), a.Field(i), b.Field(i)
		switch {
		case !f.IsExported():
		case x.Kind() == reflect.Struct:
			differ(prefix+f.Name+".", x, y, out)
		case x.Kind() == reflect.Slice && x.Len() == 0 && y.Len() == 0: // nil and empty mean the same
		case !reflect.DeepEqual(x.Interface(), y.Interface()):
			*out = append(*out, prefix+f.Name)
		}
	}
}

package trainer

import (
	"encoding/json"
	"reflect"
	"slices"
)

// Differences names the fields in which two configurations ask for other results, such
// as solver.lr: defaults are filled in, and where the pictures lie, how they are kept and
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
	for _, size := range [][2]*int{{&a.Sampler.P, &b.Sampler.P}, {&a.Sampler.K, &b.Sampler.K}, {&a.Sampler.Batch, &b.Sampler.Batch}} {
		if *size[0] == 0 || *size[1] == 0 {
			*size[0], *size[1] = 0, 0
		}
	}
	differ("", fields(a), fields(b), &out)
	slices.Sort(out)
	return out
}

// fields is c as JSON has it.
func fields(c Config) map[string]any {
	c = c.Defaults()
	c.Threads, c.Device = 0, ""
	c.Data.Path, c.Data.CacheDir, c.Data.CacheBytes, c.Data.Workers, c.Data.Ahead, c.Data.KeepCache = "", "", 0, 0, 0, false
	c.Net.InChannels, c.Net.Height, c.Net.Width = 0, 0, 0 // taken from the pictures
	out := map[string]any{}
	if b, err := json.Marshal(c); err == nil {
		_ = json.Unmarshal(b, &out) // an object that was just written
	}
	return out
}

func differ(prefix string, a, b map[string]any, out *[]string) {
	for key, v := range a {
		inner, ok := v.(map[string]any)
		other, also := b[key].(map[string]any)
		switch {
		case ok && (also || b[key] == nil):
			differ(prefix+key+".", inner, other, out)
		case !reflect.DeepEqual(v, b[key]):
			*out = append(*out, prefix+key)
		}
	}
	for key, v := range b {
		if _, ok := a[key]; ok {
			continue
		}
		if inner, ok := v.(map[string]any); ok {
			differ(prefix+key+".", nil, inner, out)
			continue
		}
		*out = append(*out, prefix+key)
	}
}

package cli

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/pkg/errors"

	"medusa/datasets"
	"medusa/embeddings"
	"medusa/internal/fileread"
	"medusa/internal/plain"
	"medusa/internal/safetensors"
	"medusa/internal/terminal"
	"medusa/internal/wording"
	"medusa/model"
	"medusa/trainer"
)

// header is what stands before the tensors of a safetensors file, and where these lie.
func header(path string) (metadata map[string]string, tensors []safetensors.Location, err error) {
	f, err := fileread.Open(path)
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, nil, err
	}
	return safetensors.Locate(f, info.Size())
}

// file shows a safetensors file. One of ours is read whole, since it has a checksum.
func (p portrait) file(path string) error {
	metadata, tensors, err := header(path)
	if kind := kindOfOther(path); err != nil && kind != "" {
		return errors.Errorf("%s is %s: want a run folder, a safetensors file, such as a model, a checkpoint or embeddings, or an index", path, kind)
	}
	if err != nil {
		return errors.WithMessagef(err, "%s is neither a run folder nor a safetensors file, such as a model, a checkpoint or embeddings, nor an index", path)
	}
	if metadata[safetensors.Checksum] != "" {
		if _, err := safetensors.Open(path); err != nil {
			return err
		}
	}
	whole := "; its checksum is right"
	shapes := map[string][]int{}
	for _, t := range tensors {
		shapes[t.Name] = t.Shape
	}
	switch kind := metadata["medusa"]; {
	case kind == "model":
		return p.model(path+": a model"+whole, metadata, tensors)
	case kind == "checkpoint":
		return p.checkpoint(path+": a checkpoint"+whole, metadata, tensors)
	case kind == "" && len(shapes["embeddings"]) == 2 && len(shapes["labels"]) == 1:
		if metadata[safetensors.Checksum] == "" {
			whole = ""
		}
		return p.embeddings(path+": embeddings"+whole, metadata, shapes["embeddings"])
	}
	return p.tensors(path, metadata, tensors)
}

// model shows the network of a model and how pictures are brought to it.
func (p portrait) model(title string, metadata map[string]string, tensors []safetensors.Location) error {
	var m model.Info
	if err := json.Unmarshal([]byte(metadata["model"]), &m); err != nil {
		return errors.Wrapf(err, "%s, but what it says about itself cannot be read", title)
	}
	var reading []string
	switch {
	case m.Align != "":
		reading = append(reading, "aligned by five landmarks ("+string(m.Align)+")")
	case m.Resize != "":
		reading = append(reading, strings.TrimSpace("resized by "+string(m.Resize)+" "+string(m.Filter)))
	}
	if m.CropPct != 0 {
		larger := datasets.BeforeCrop(m.Net.Height, m.Net.Width, m.CropPct)
		reading = append(reading, fmt.Sprintf("the middle of %d×%d taken", larger.Y, larger.X))
	}
	if m.Range != "" {
		reading = append(reading, "range "+m.Range)
	}
	if m.Detail > 1 {
		reading = append(reading, fmt.Sprintf("kept %v times as large for views", m.Detail))
	}
	if m.Invert {
		reading = append(reading, "inverted")
	}
	if len(m.Normalisation.Mean) > 0 {
		reading = append(reading, "normalised by mean "+numbers(m.Normalisation.Mean)+", deviation "+numbers(m.Normalisation.Std))
	}
	p.tell(title, []fact{
		{"input", inputOf(m.Net.InChannels, m.Net.Height, m.Net.Width)},
		{"preprocessing", strings.Join(reading, ", ")},
		{"views", m.Views},
		{"net", kindText(&options{Config: trainer.Config{Net: m.Net}}, "Net")},
		{"numbers", wording.Thousands(elements(tensors)) + " in " + wording.Number(len(tensors), "tensors")},
		{"loss", m.Loss},
		{"learned from", wording.Number(m.Classes, "classes")},
		{"weights", fmt.Sprintf("of step %d", m.Step)},
		{"format", "version " + metadata["version"]},
	})
	return nil
}

// checkpoint shows how far a run had come.
func (p portrait) checkpoint(title string, metadata map[string]string, tensors []safetensors.Location) error {
	var s trainingState
	if err := json.Unmarshal([]byte(metadata["state"]), &s); err != nil {
		return errors.Wrapf(err, "%s, but its state cannot be read", title)
	}
	f := newFlags(p.call)
	if err := f.YAML("config", []byte(metadata["config"]), "out"); err != nil {
		return errors.Wrapf(err, "%s, but its configuration cannot be read", title)
	}
	facts := []fact{{"step", strconv.Itoa(s.Step)}, {"loss of a batch", fmt.Sprintf("%.4g", s.Loss)}}
	if s.HasBest {
		facts = append(facts, fact{"best so far", fmt.Sprintf("%.4f at step %d", s.BestValue, s.BestStep)})
	}
	facts = append(facts, p.settings(f.options.Config)...)
	p.tell(title, append(facts,
		fact{"numbers", wording.Thousands(elements(tensors)) + " in " + wording.Number(len(tensors), "tensors")},
		fact{"format", "version " + metadata["version"]}))
	return nil
}

// embeddings shows what is embedded.
func (p portrait) embeddings(title string, metadata map[string]string, shape []int) error {
	lists := map[string][]string{}
	for _, name := range []string{"classes", "paths"} {
		var list []string
		if text := metadata[name]; text != "" {
			if err := json.Unmarshal([]byte(text), &list); err != nil {
				return errors.Wrapf(err, "%s, but its list of %s cannot be read", title, name)
			}
		}
		lists[name] = list
	}
	p.tellEmbeddings(title, shape[0], shape[1], lists["classes"], lists["paths"], metadata["fingerprint"])
	return nil
}

// vectors shows what is embedded in a file that has no header to read alone.
func (p portrait) vectors(path, format string) error {
	set, err := embeddings.Read(path)
	if err != nil {
		return err
	}
	var paths []string
	for _, item := range set.Items {
		if item.Path != "" {
			paths = append(paths, item.Path)
		}
	}
	_, classes := set.Labels()
	p.tellEmbeddings(path+": embeddings, as "+format, set.Len(), set.Dim, classes, paths, set.Model)
	return nil
}

func (p portrait) tellEmbeddings(title string, count, dim int, classes, paths []string, model string) {
	some := func(list []string) string {
		if len(list) == 0 {
			return ""
		}
		return fmt.Sprintf("%s, such as %s", wording.Thousands(len(list)), list[0])
	}
	p.tell(title, []fact{
		{"embeddings", fmt.Sprintf("%s of %s each", wording.Thousands(count), wording.Number(dim, "numbers"))},
		{"classes", some(classes)},
		{"paths", some(paths)},
		{"made by", model},
	})
}

// index shows what an index holds. It is read whole, since it has checksums.
func (p portrait) index(path string) error {
	x, err := openIndex(path)
	if err != nil {
		return err
	}
	if _, err := x.Labels(); err != nil {
		return err
	}
	facts := x.facts()[1:]
	if g, there := x.Graph(); there {
		facts = append(facts, fact{"graph", wording.Number(g.Links, "links") + " a picture"})
	}
	p.tell(path+": an index; its checksums are right", append(facts, fact{"made by", x.Index.Options().Model}))
	return nil
}

// mostTensors bounds the table of tensors: the file may be any.
const mostTensors = 1000

// tensors shows a file of another program: all that is known of it are names, types and shapes.
func (p portrait) tensors(path string, metadata map[string]string, tensors []safetensors.Location) error {
	var facts []fact
	for _, name := range slices.Sorted(maps.Keys(metadata)) {
		facts = append(facts, fact{terminal.Middle(plain.Text(name), 13), terminal.Tame(metadata[name])})
	}
	p.tell(fmt.Sprintf("%s: a safetensors file of another program, with %s of %s", path,
		wording.Number(len(tensors), "tensors"), wording.Number(elements(tensors), "numbers")), facts)
	t := terminal.Table{Header: []string{"tensor", "type", "shape"}, Names: []int{0, 2}}
	for _, l := range tensors[:min(len(tensors), mostTensors)] {
		shape := strings.Trim(strings.ReplaceAll(fmt.Sprint(l.Shape), " ", "×"), "[]")
		t.Rows = append(t.Rows, []string{l.Name, string(l.Dtype), shape})
	}
	if len(t.Rows) > 0 {
		p.screen.Say("")
		p.screen.Table(t)
	}
	if more := len(tensors) - len(t.Rows); more > 0 {
		p.screen.Sayf("and %s more", wording.Thousands(more))
	}
	return nil
}

// elements is how many numbers tensors hold.
func elements(tensors []safetensors.Location) int {
	n := 0
	for _, t := range tensors {
		count := 1
		for _, d := range t.Shape {
			count *= d
		}
		n += count
	}
	return n
}

package weights

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/pkg/errors"

	"medusa/internal/safetensors"
)

func (f *File) readSafetensors(s source) error {
	f.Format = Safetensors
	metadata, tensors, err := safetensors.Locate(s.section(0), s.size)
	if err != nil {
		return err
	}
	maps.Copy(f.Metadata, metadata)
	for _, l := range tensors {
		where := span{file: s, at: l.Offset, bytes: l.Bytes, dtype: Dtype(l.Dtype)}
		f.Tensors = append(f.Tensors, &Tensor{Name: l.Name, Dtype: where.dtype, Shape: l.Shape, values: where.float32s})
	}
	return nil
}

// maxIndex is more than any list of shards has in bytes.
const maxIndex = 64 << 20

// readShards reads a list of shards: a JSON object whose weight_map tells the file of each tensor.
func (f *File) readShards(s source) error {
	if s.shard {
		return errors.New("it is a list of shards itself")
	}
	if s.size > maxIndex {
		return errors.Errorf("it is JSON of %d bytes, which no list of shards has", s.size)
	}
	var index struct {
		WeightMap map[string]string `json:"weight_map"`
		Error     string            `json:"error"`
	}
	if err := json.NewDecoder(s.section(0)).Decode(&index); err != nil {
		return errors.Wrap(err, "it begins like JSON and is none that can be read")
	}
	switch {
	case index.Error != "":
		return errors.Errorf("it is no file of weights but an answer of a server, %q: download it again", index.Error)
	case len(index.WeightMap) == 0:
		return errors.New("it is JSON without a weight_map, want the list of shards (model.safetensors.index.json) or a file of weights")
	}
	byFile := map[string][]string{}
	for tensor, file := range index.WeightMap {
		byFile[file] = append(byFile[file], tensor)
	}
	for _, file := range slices.Sorted(maps.Keys(byFile)) {
		if err := f.readShard(s.path, file, byFile[file]); err != nil {
			return err
		}
	}
	return nil
}

// readShard reads those tensors of a shard that the list names.
func (f *File) readShard(index, file string, names []string) error {
	if file == "" || file != filepath.Base(file) || strings.ContainsAny(file, `/\`) || !filepath.IsLocal(file) {
		return errors.Errorf("the shard %q is not the name of a file beside the list, which alone is read", file)
	}
	path := filepath.Join(filepath.Dir(index), file)
	r, size, err := f.add(path)
	if errors.Is(err, os.ErrNotExist) {
		return errors.Errorf("the shard %s does not lie beside the list: download all files that it names into one folder", file)
	} else if err != nil {
		return err
	}
	shard := &File{Metadata: map[string]string{}}
	_, read, err := formatOf(r, size)
	if err == nil {
		err = read(shard, source{ReaderAt: r, size: size, path: path, shard: true})
	}
	if err != nil {
		return errors.WithMessagef(err, "the shard %s", file)
	}
	f.Format, f.close = shard.Format, append(f.close, shard.close...)
	maps.Copy(f.Metadata, shard.Metadata)
	f.LeftOut = append(f.LeftOut, shard.LeftOut...)
	wanted := map[string]bool{}
	for _, name := range names {
		wanted[name] = true
	}
	for _, t := range shard.Tensors {
		if wanted[t.Name] {
			f.Tensors = append(f.Tensors, t)
			delete(wanted, t.Name)
		}
	}
	if missing := slices.Sorted(maps.Keys(wanted)); len(missing) > 0 {
		return errors.Errorf("the shard %s has no tensor %s, which the list says it has: the files are not of one model", file, missing[0])
	}
	return nil
}

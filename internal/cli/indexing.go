package cli

import (
	"bufio"
	"cmp"
	"context"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/pkg/errors"

	"medusa/datasets"
	"medusa/embeddings"
	"medusa/index"
	"medusa/internal/fileread"
	"medusa/model"
)

// Keys of what an index knows of its pictures.
const (
	boxKey = "box" // of its file, where the picture is a part of it
	idKey  = "id"  // in the file of embeddings that it came from
)

// idText is what an item without a path is told apart by.
func idText(it index.Item) string {
	if id := it.Meta[idKey]; id != "" {
		return id
	}
	return strconv.FormatUint(it.ID, 10)
}

// collector puts embedded pictures into an index. What has the path of a picture that is there, and the same part of
// that, takes its place and its ID.
type collector struct {
	*pictureIndex
	ids                             map[string]uint64 // by keyOf
	given                           map[uint64]bool   // that this command gave already
	next                            uint64
	labelled                        bool // whether any picture came with a label
	added, replaced, same, repeated int
}

// newCollector knows what is in the index.
func newCollector(g *pictureIndex) (*collector, error) {
	last, err := g.LastID()
	if err != nil {
		return nil, err
	}
	c := &collector{pictureIndex: g, ids: map[string]uint64{}, given: map[uint64]bool{}, next: last + 1}
	err = g.All(func(it index.Item) bool {
		if key := keyOf(it); key != "" {
			c.ids[key] = it.ID
		}
		return true
	})
	return c, err
}

// keyOf tells pictures apart; empty if that cannot be done.
func keyOf(it index.Item) string {
	switch {
	case it.Path != "":
		return it.Path + "\x00" + it.Meta[boxKey]
	case it.Meta[idKey] != "":
		return "\x00" + it.Meta[idKey]
	}
	return ""
}

// put puts items into the index; their paths are as the index keeps them, and they have no IDs yet.
func (c *collector) put(ctx context.Context, items []index.Item) error {
	var fresh, changed []index.Item
	for _, it := range items {
		c.labelled = c.labelled || it.Label != ""
		id, there := c.known(it)
		switch it.ID = id; {
		case c.given[id]:
			c.repeated++
			continue
		case !there:
			fresh = append(fresh, it)
		default:
			was, err := c.Get(id)
			if err != nil {
				return err
			}
			retainKnown(&it, was)
			same, err := c.isSame(ctx, it, was)
			if err != nil {
				return err
			}
			if same {
				c.same++
			} else {
				changed = append(changed, it)
			}
		}
		c.given[id] = true
	}
	c.added, c.replaced = c.added+len(fresh), c.replaced+len(changed)
	if err := c.Add(ctx, fresh...); err != nil {
		return err
	}
	return c.Update(ctx, changed...)
}

// known is the ID of an item, and reports whether it is one that was there already. What came on standard input
// is another picture each time.
func (c *collector) known(it index.Item) (id uint64, there bool) {
	key := keyOf(it)
	if strings.HasPrefix(it.Path, standardInput) {
		key = ""
	}
	if id, there = c.ids[key]; there {
		return id, true
	}
	id = c.next
	c.next++
	if key != "" {
		c.ids[key] = id
	}
	return id, false
}

// retainKnown gives an item what the index knew of it and the new reading does not say: the same pictures may be read
// from a folder for each class and from inside such a folder, or have had their labels by another way.
func retainKnown(it *index.Item, was index.Item) {
	it.Label = cmp.Or(it.Label, was.Label)
	if len(was.Meta) == 0 {
		return
	}
	meta := maps.Clone(was.Meta)
	maps.Copy(meta, it.Meta)
	it.Meta = meta
}

// isSame reports whether an item is in the index as was is, but for what storing it loses.
func (c *collector) isSame(ctx context.Context, it, was index.Item) (bool, error) {
	alone, err := index.New(c.Options())
	if err != nil {
		return false, err
	}
	if err := alone.Add(ctx, it); err != nil {
		return false, err
	}
	now, err := alone.Get(it.ID)
	return err == nil && was.Label == now.Label && maps.Equal(was.Meta, now.Meta) && slices.Equal(was.Vector, now.Vector), err
}

// putChunk puts embedded pictures into the index.
func (c *collector) putChunk(ctx context.Context, chunk model.Chunk) error {
	d, dim := chunk.Pictures, c.Options().Dim
	items := make([]index.Item, d.Len())
	for i := range items {
		it := &items[i]
		var err error
		if it.Path, err = c.keptPath(d.Origin(i)); err != nil {
			return err
		}
		if l := d.Labels()[i]; l != datasets.NoClass {
			it.Label = d.Classes()[l]
		}
		it.Meta = metaOfPicture(d, i)
		it.Vector = chunk.Embeddings[i*dim : (i+1)*dim]
	}
	return c.put(ctx, items)
}

// metaOfPicture is what its reader knows of a picture besides path and label.
func metaOfPicture(d *datasets.Dataset, i int) map[string]string {
	meta := map[string]string{}
	for key, groups := range map[string]datasets.Groups{"camera": d.Cameras(), "sequence": d.Sequences(), "category": d.Categories()} {
		if groups.Of != nil && groups.Of[i] >= 0 {
			meta[key] = groups.Names[groups.Of[i]]
		}
	}
	if box, ok := d.Box(i); ok {
		meta[boxKey] = box.String()
	}
	if len(meta) == 0 {
		return nil
	}
	return meta
}

// isEmbeddings reports whether path is a file of embeddings, and no table of pictures.
func isEmbeddings(path string) bool {
	if info, err := os.Stat(path); err != nil || info.IsDir() {
		return false
	}
	switch embeddings.FormatOf(path) {
	case "npy", "safetensors", "parquet":
		return true
	case "jsonl":
		return strings.Contains(firstLine(path), `"embedding":[`)
	case "csv":
		return slices.Contains(strings.Split(strings.TrimSpace(firstLine(path)), ","), "e0")
	}
	return false
}

// firstLine is the first line of a file, or its beginning.
func firstLine(path string) string {
	f, err := fileread.Open(path)
	if err != nil {
		return ""
	}
	defer f.Close()
	line, _ := bufio.NewReaderSize(f, 1<<16).ReadSlice('\n')
	return string(line)
}

// putFile puts what a file of embeddings holds into the index.
func (c *collector) putFile(ctx context.Context, path string) error {
	set, err := embeddings.Read(path)
	if err != nil {
		return err
	}
	o := c.Options()
	switch {
	case set.Model == "":
		return errors.Errorf("%s does not say which model made its embeddings: want one that the command embed wrote as .npy, .safetensors, .jsonl or .parquet", path)
	case set.Model != o.Model || set.Dim != o.Dim:
		return errors.Errorf("%s was made with another model than %s: its distances mean nothing to those of this one", path, asTypedPath(o.ModelPath))
	case set.Len() == 0:
		return errors.Errorf("%s holds no embeddings", path)
	}
	items := make([]index.Item, set.Len())
	for i, from := range set.Items {
		items[i] = index.Item{Label: from.Label, Vector: set.Row(i)}
		if from.Path != "" {
			if items[i].Path, err = c.keptPath(from.Path); err != nil {
				return err
			}
		}
		if from.ID != "" {
			items[i].Meta = map[string]string{idKey: from.ID}
		}
	}
	return errors.WithMessage(c.put(ctx, items), path)
}

package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/pkg/errors"

	"medusa/index"
	"medusa/internal/field"
	"medusa/internal/wording"
	"medusa/model"
)

// pictureIndex is an index of pictures with its file.
type pictureIndex struct {
	*index.Index
	path string
}

// openIndex opens the index at path.
func openIndex(path string) (*pictureIndex, error) {
	switch info, err := os.Stat(path); {
	case errors.Is(err, os.ErrNotExist):
		return nil, errors.Errorf("there is no index %s", path)
	case err != nil:
		return nil, err
	case info.IsDir():
		return nil, errors.Errorf("%s is a folder, want an index, which the command index makes", path)
	}
	x, err := index.Open(path)
	if err != nil {
		return nil, err
	}
	return &pictureIndex{x, path}, nil
}

// oneIndex is the index that a command line names, and nothing else.
func (f *flagSet) oneIndex(args []string) (*pictureIndex, error) {
	if err := f.namesIndex(args); err != nil {
		return nil, err
	}
	g, err := openIndex(args[0])
	if err != nil {
		return nil, err
	}
	if g.Len() == 0 {
		return nil, errors.Errorf("%s is empty", args[0])
	}
	return g, nil
}

// namesIndex refuses command lines that name anything but one index.
func (f *flagSet) namesIndex(args []string) error {
	if len(args) == 0 {
		return usageError{errors.New("want an INDEX, which the command index makes; -h says more")}
	}
	return f.oneArgument(args, "INDEX", "the file that the command index made")
}

// loadModel loads the model that made the index, from where -model or the index itself says that it is.
func (g *pictureIndex) loadModel(c *invocation, command, path, device string, threads int) (*model.Model, error) {
	named := path != ""
	if !named {
		path = asTypedPath(g.Options().ModelPath)
	}
	if path == "" {
		return nil, wrong("%s does not say where its model is: name it with %s", g.path, field.Name("-model"))
	}
	if _, err := os.Stat(path); err != nil {
		if named {
			return nil, wrong("%s: there is no run folder or model file %s", field.Name("-model"), path)
		}
		return nil, wrong("the model of %s is not at %s any more: say with %s where it is", g.path, path, field.Name("-model"))
	}
	m, err := loadForPictures(path, command, device, threads)
	if err != nil {
		return nil, err
	}
	if err := g.checkModel(m, path); err != nil {
		m.Close()
		return nil, err
	}
	return m, nil
}

// checkModel refuses another model than that which made the index.
func (g *pictureIndex) checkModel(m *model.Model, path string) error {
	err := g.CheckModel(m.Fingerprint())
	if err == nil && m.EmbeddingSize() == g.Options().Dim {
		return nil
	}
	if g.Options().Model == "" {
		return errors.Errorf("%s does not say which model made it, so that nothing can be compared with it: make it anew with the command index", g.path)
	}
	where := ""
	if own := g.Options().ModelPath; own != "" {
		where = ", which was at " + asTypedPath(own)
	}
	return errors.Errorf("%s was made with another model than %s%s: their distances mean nothing to each other; take that model, or make the index anew", g.path, path, where)
}

// standardInput begins the paths of pictures that came on standard input.
const standardInput = "standard input"

// isNoFile reports whether a picture of that path came from no file.
func isNoFile(path string) bool {
	return path == "" || path == standardInput || strings.HasPrefix(path, standardInput+string(filepath.Separator))
}

// keptPath is how the index keeps the path of a picture: relative to its own folder and with slashes where it is
// below that, so that both can be moved together, and else absolute.
func (g *pictureIndex) keptPath(path string) (string, error) {
	if isNoFile(path) {
		return filepath.ToSlash(path), nil
	}
	there, err := filepath.Abs(path)
	if err != nil {
		return "", errors.WithStack(err)
	}
	here, err := filepath.Abs(filepath.Dir(g.path))
	if err != nil {
		return "", errors.WithStack(err)
	}
	if relative, err := filepath.Rel(here, there); err == nil && filepath.IsLocal(relative) && !isNoFile(relative) {
		return filepath.ToSlash(relative), nil
	}
	return there, nil
}

// pathOf is where a picture of the index is, as a person types it here.
func (g *pictureIndex) pathOf(kept string) string {
	path := filepath.FromSlash(kept)
	if isNoFile(path) {
		return path
	}
	if !filepath.IsAbs(path) {
		path = filepath.Join(filepath.Dir(g.path), path)
	}
	return asTypedPath(path)
}

// asTypedPath is a path relative to the working directory where it is below that.
func asTypedPath(path string) string {
	if !filepath.IsAbs(path) {
		return path
	}
	here, err := os.Getwd()
	if err != nil {
		return path
	}
	if relative, err := filepath.Rel(here, path); err == nil && filepath.IsLocal(relative) {
		return relative
	}
	return path
}

// nameOf is what an item is called.
func (g *pictureIndex) nameOf(it index.Item) string {
	if it.Path == "" {
		return "item " + idText(it)
	}
	if box := it.Meta[boxKey]; box != "" {
		return g.pathOf(it.Path) + " (" + box + ")"
	}
	return g.pathOf(it.Path)
}

// facts say what an index holds.
func (g *pictureIndex) facts() []fact {
	o := g.Options()
	file, pictures := g.path, wording.Thousands(g.Len())
	if info, err := os.Stat(g.path); err == nil {
		file += " (" + wording.Size(info.Size()) + ")"
	}
	if labels, err := g.Labels(); err == nil {
		without := labels[""]
		delete(labels, "")
		if len(labels) > 0 {
			pictures += " of " + wording.Number(len(labels), "labels")
			if without > 0 {
				pictures += fmt.Sprintf(", %s without one", wording.Thousands(without))
			}
		}
	}
	kept := o.Storage.String()
	if o.KeepFloats {
		kept += " and float32"
	}
	model := "not known"
	if o.ModelPath != "" {
		model = asTypedPath(o.ModelPath)
	}
	return []fact{
		{"index", file}, {"pictures", pictures},
		{"embeddings", fmt.Sprintf("%s, %s distance, kept as %s", wording.Number(o.Dim, "numbers"), o.Distance, kept)},
		{"model", model},
	}
}

// search is a search for so many pictures. Among those that a smaller storage finds the nearest are chosen by whole
// embeddings, if these are kept, from as many as docs/search.md measured.
func (g *pictureIndex) search(k int, exact bool, effort int) index.SearchOptions {
	o := index.SearchOptions{K: k, Exact: exact, Effort: effort}
	if g.Options().KeepFloats {
		o.Rerank = map[index.Storage]int{index.Int8: 2 * k, index.Binary: 20 * k}[g.Options().Storage]
	}
	return o
}

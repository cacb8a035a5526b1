package trainer

import (
	"encoding/json"
	"image"
	"io"
	"os"
	"path/filepath"
	"slices"

	"github.com/pkg/errors"

	"medusa/datasets"
	"medusa/internal/runfolder"
	"medusa/internal/safetensors"
	"medusa/internal/tensorboard"
	"medusa/metrics"
)

// ProjectorOptions say how ExportProjector writes. The zero value is usable.
type ProjectorOptions struct {
	// Data, if any, are those of the run, as Load opens them by its Stored configuration: the points then
	// are shown as their pictures.
	Data Data
	// Overwrite has files that are there give way to new ones.
	Overwrite bool
}

// ProjectorFiles are the names of what ExportProjector writes; the picture of pictures only if there
// are Data that can be shown.
func ProjectorFiles() []string {
	return []string{tensorboard.ProjectorVectors, tensorboard.ProjectorMetadata, tensorboard.ProjectorSprite, tensorboard.ProjectorConfig}
}

// ExportProjector writes the embeddings that the run in the folder dir left to another folder, for TensorBoard's
// projector: tensorboard --logdir OUT shows them. What else lies in that folder stays.
func ExportProjector(dir, out string, o ProjectorOptions) error {
	set, classes, err := StoredEmbeddings(dir)
	if err != nil {
		return err
	}
	paths, err := storedPaths(dir)
	if err != nil {
		return err
	}
	f := runfolder.Folder(out)
	for _, name := range ProjectorFiles() {
		if _, err := os.Lstat(f.Path(name)); err == nil && !o.Overwrite {
			return errors.Errorf("trainer: %s is there already: name another folder, or set ProjectorOptions.Overwrite", f.Path(name))
		}
	}
	p := tensorboard.Projector{Dim: set.Dim, Vectors: set.Embeddings, Columns: []string{"class", "path"}, Cells: func(row int) []string {
		class := "(none)"
		if l := set.Labels[row]; l >= 0 && l < len(classes) {
			class = classes[l]
		}
		path := ""
		if row < len(paths) {
			path = paths[row]
		}
		return []string{class, path}
	}}
	var sprite image.Image
	var tile image.Point
	if measured, _ := o.Data.items().measured(); measured != nil && measured.image() != nil {
		if err := samePictures(measured, set, paths); err != nil {
			return err
		}
		_, height, width := measured.Shape()
		if sprite, tile, err = p.Sprite(image.Pt(width, height), measured.image()); err != nil {
			return errors.WithMessage(err, "trainer: pictures for the projector")
		}
	}
	return writeProjector(f, p, sprite, tile)
}

// storedPaths are what the items in a run folder's embeddings.safetensors are called.
func storedPaths(dir string) (paths []string, err error) {
	path := runfolder.Folder(dir).Path(EmbeddingsFile)
	file, err := os.Open(path)
	if err != nil {
		return nil, errors.Wrap(err, "trainer: embeddings of a run")
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, errors.Wrap(err, "trainer: embeddings of a run")
	}
	metadata, _, err := safetensors.Locate(file, info.Size())
	if err != nil {
		return nil, errors.Wrapf(err, "trainer: %s", path)
	}
	return paths, errors.Wrapf(json.Unmarshal([]byte(metadata["paths"]), &paths), "trainer: %s: the paths", path)
}

// samePictures returns an error unless the items are those that were embedded.
func samePictures(d *items, s metrics.Set, paths []string) error {
	same := d.Len() == len(s.Labels) && slices.Equal(d.Labels(), s.Labels)
	for i := 0; same && i < len(paths); i++ {
		same = datasets.NameOf(d.Set, i) == paths[i]
	}
	if !same {
		return errors.Errorf("trainer: the pictures are no longer those that the run embedded (%d now, %d then, or other names): export without them", d.Len(), len(s.Labels))
	}
	return nil
}

// writeProjector writes the files, that which TensorBoard looks for at the end.
func writeProjector(f runfolder.Folder, p tensorboard.Projector, sprite image.Image, tile image.Point) error {
	if err := os.MkdirAll(filepath.Clean(string(f)), 0o777); err != nil {
		return errors.Wrap(err, "trainer: projector")
	}
	if sprite == nil {
		if err := f.Discard(tensorboard.ProjectorSprite); err != nil {
			return inTrainer(err)
		}
	} else if err := f.Write(tensorboard.ProjectorSprite, func(w io.Writer) error { return tensorboard.WriteSprite(w, sprite) }); err != nil {
		return inTrainer(err)
	}
	for _, part := range []struct {
		name  string
		write func(io.Writer) error
	}{
		{tensorboard.ProjectorVectors, p.WriteVectors}, {tensorboard.ProjectorMetadata, p.WriteMetadata},
		{tensorboard.ProjectorConfig, func(w io.Writer) error { return p.WriteConfig(w, tile) }},
	} {
		if err := f.Write(part.name, part.write); err != nil {
			return inTrainer(err)
		}
	}
	return nil
}

package model

import (
	"bytes"
	"cmp"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"time"

	"github.com/pkg/errors"

	"medusa/graph"
	"medusa/internal/catalog"
	"medusa/internal/cpu/loops"
	"medusa/internal/device"
	"medusa/internal/runfolder"
	"medusa/internal/safetensors"
	"medusa/machine"
	"medusa/nets"
)

// Options are the parts of loading that no file can hold. The zero value serves most models.
type Options struct {
	// Backbone must be given again for the model of a run that was given its backbone by value; nil
	// for others.
	Backbone nets.Builder
	// Device computes: cpu, as if empty, cuda, cuda:N with the number of a GPU from 0, or auto, a
	// GPU where there is one. A GPU rounds otherwise than the CPU, and by itself always alike.
	Device string
	// Threads are how many goroutines the CPU's kernels use, of everything in this process that
	// computes by them; 0 leaves that as it is, at first GOMAXPROCS. No result depends on it.
	Threads int
	// Wait is how long a picture may wait for others, so that a batch is made of them: some
	// milliseconds in a service under load, where throughput counts. With 0 none waits. What comes while
	// a batch is computed is embedded together in any case.
	Wait time.Duration
}

// Load reads the model at path: the folder of a run that is finished, or its model.safetensors.
// Close the model when done. What the CPU's kernels make of the weights, such as packing them, is kept from the first picture
// on: it takes the memory of the weights about once more, and four times that of small 3×3 convolutions' weights.
func Load(path string, o Options) (*Model, error) {
	if path == "" {
		return nil, errors.New("model: the path is empty, want a run folder or a model file")
	}
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		file := filepath.Join(path, runfolder.ModelFile)
		if _, err := os.Stat(file); errors.Is(err, os.ErrNotExist) {
			return nil, noModelIn(path)
		}
		path = file
	}
	file, err := runfolder.OpenTensors(path, runfolder.KindModel)
	if err != nil {
		return nil, fileError(path, err)
	}
	return load(file, path, o)
}

// LoadFS is Load from a file system, such as one that is embedded into the program.
func LoadFS(fsys fs.FS, name string, o Options) (*Model, error) {
	if fsys == nil {
		return nil, errors.New("model: the file system is nil, want one that holds a model")
	}
	info, err := fs.Stat(fsys, name)
	if err == nil && info.IsDir() {
		file := path.Join(name, runfolder.ModelFile)
		if _, err := fs.Stat(fsys, file); errors.Is(err, fs.ErrNotExist) {
			return nil, noModelIn(name)
		}
		name = file
	}
	f, err := fsys.Open(name)
	if err != nil {
		return nil, fileError(name, errors.Wrap(err, "no model"))
	}
	defer f.Close()
	return read(f, name, o)
}

// Read is Load of a model file that r holds.
func Read(r io.Reader, o Options) (*Model, error) {
	if r == nil {
		return nil, errors.New("model: the reader is nil, want one of a model file")
	}
	return read(r, "the model", o)
}

func read(r io.Reader, name string, o Options) (*Model, error) {
	data, err := io.ReadAll(r)
	if err != nil {
		return nil, fileError(name, err)
	}
	file, err := runfolder.ReadTensors(bytes.NewReader(data), int64(len(data)), name, runfolder.KindModel)
	if err != nil {
		return nil, fileError(name, err)
	}
	return load(file, name, o)
}

// load makes a model of its file, which messages call name.
func load(file *safetensors.File, name string, o Options) (_ *Model, err error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	f, err := parse(file)
	if err != nil {
		return nil, fileError(name, errors.WithMessage(err, name))
	}
	m := &Model{info: f.info, params: graph.NewParams(0)}
	if m.info.Net, err = withBackbone(m.info.Net, o.Backbone); err != nil {
		return nil, errors.Wrapf(err, "model: %s", name)
	}
	views, err := ParseViews(m.info.Views, m.info.Detail)
	if err != nil {
		return nil, errors.WithMessage(err, name)
	}
	if m.dev, err = machine.Open(o.Device, machine.Options{}); err != nil {
		return nil, errors.WithMessage(err, "model: Options.Device")
	}
	defer func() {
		if err != nil {
			m.Close()
		}
	}()
	if o.Threads > 0 {
		loops.SetThreads(o.Threads)
	}
	if m.net, err = NewEmbedder(m.info.Net, m.params, Batch, m.dev, views); err != nil {
		return nil, errors.Wrapf(err, "model: %s", name)
	}
	m.net.wait = o.Wait
	if err := f.restore(m.params); err != nil {
		return nil, fileError(name, errors.WithMessage(err, name))
	}
	if m.fingerprint, err = fingerprint(m.info, m.params); err != nil {
		return nil, err
	}
	m.dev.Wrote(graph.Tensors(m.params)...)
	m.fix()
	return m, nil
}

// fix tells the CPU's kernels that the weights never change: they bring them into the order in which they read them once
// for all pictures, at the first. That lasts until Close, or until nobody has the model any more. Nobody but the model can reach
// the weights, unless somebody else's backbone was given them to build on.
func (m *Model) fix() {
	if m.dev != nil || !m.info.Net.BuiltIn() {
		return
	}
	m.release = device.Fix(graph.Tensors(m.params)...)
	runtime.AddCleanup(m, func(release func()) { release() }, m.release)
}

// check refuses what no option can be.
func (o Options) check() error {
	switch {
	case o.Threads < 0:
		return errors.Errorf("model: Options.Threads is %d, want 0 or more", o.Threads)
	case o.Wait < 0:
		return errors.Errorf("model: Options.Wait is %v, want 0 or more", o.Wait)
	}
	return nil
}

// withBackbone is the network with a backbone that was given by value, where it was begun with
// one.
func withBackbone(c nets.Config, given nets.Builder) (nets.Config, error) {
	_, described := catalog.GivenText(c.Backbone, "Backbone")
	switch {
	case described && given == nil:
		return c, errors.Errorf("it is of a run that was begun with %s: give that backbone again, as Options.Backbone", c.Backbone)
	case described:
		return c.With(given), nil
	case given != nil:
		return c, errors.Errorf("it has the backbone %s, which has a name: leave out Options.Backbone", cmp.Or(c.Backbone, "cnn"))
	}
	return c, nil
}

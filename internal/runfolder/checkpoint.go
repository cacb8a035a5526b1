package runfolder

import (
	"io"
	"slices"

	"medusa/internal/safetensors"
)

// Checkpoint is what a file of a checkpoint holds.
type Checkpoint struct {
	Config  []byte // the configuration as text
	State   []byte // JSON: where the run stands
	Data    []byte // JSON: what it learns from
	Sampler []byte // the sampler's state
	Tensors []safetensors.Tensor
	Flat    bool // the file is of FlatVersion
}

// samplerTensor is the tensor of bytes that holds the sampler's state.
const samplerTensor = "sampler"

// The keys of metadata of a checkpoint.
const configKey, stateKey, dataKey = "config", "state", "data"

// WriteCheckpoint writes a checkpoint whole or not at all. What LastFile was before becomes
// PreviousFile.
func (f Folder) WriteCheckpoint(name string, c *Checkpoint) error {
	file := &safetensors.File{
		Metadata: map[string]string{
			KindKey: KindCheckpoint, VersionKey: Version,
			configKey: string(c.Config), stateKey: string(c.State), dataKey: string(c.Data),
		},
		Tensors: append(slices.Clone(c.Tensors), safetensors.Tensor{
			Name: samplerTensor, Shape: []int{len(c.Sampler)}, U8: append([]byte{}, c.Sampler...),
		}),
	}
	content := func(w io.Writer) error { return safetensors.Write(w, file) }
	if name == LastFile {
		return f.rotate(name, PreviousFile, content)
	}
	return f.Write(name, content)
}

// ReadCheckpoint reads a checkpoint, as OpenTensors does.
func ReadCheckpoint(path string) (*Checkpoint, error) {
	file, err := OpenTensors(path, KindCheckpoint)
	if err != nil {
		return nil, err
	}
	c := &Checkpoint{
		Config: []byte(file.Metadata[configKey]), State: []byte(file.Metadata[stateKey]), Data: []byte(file.Metadata[dataKey]),
		Flat: file.Metadata[VersionKey] == FlatVersion,
	}
	for _, t := range file.Tensors {
		if t.Name == samplerTensor {
			c.Sampler = t.U8
			continue
		}
		c.Tensors = append(c.Tensors, t)
	}
	return c, nil
}

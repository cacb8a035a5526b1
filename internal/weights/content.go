package weights

import (
	"bytes"
	"encoding/binary"
	"io"

	"github.com/pkg/errors"
)

// reading adds what a file holds to f.
type reading func(f *File, s source) error

// foreign are first bytes of files that are often taken for weights, and what to do about each.
var foreign = []struct {
	at     int
	begins string
	advice string
}{
	{0, "version https://git-lfs", "it is a pointer of Git LFS, not the file itself: fetch that with git lfs pull, or download it"},
	{0, "\x89HDF\r\n\x1a\n", "it is an HDF5 file, as Keras writes: save the weights as safetensors, or export the model to ONNX (tf2onnx)"},
	{4, "TFL3", "it is a TensorFlow Lite model, which is nearly always quantised: take the model that it was made of, as safetensors or ONNX (tf2onnx)"},
	{0, "GGUF", "it is a GGUF file, of llama.cpp: take the safetensors files that it was made of"},
	{0, "\x93NUMPY", "it is one NumPy array: save all weights by their names as safetensors"},
	{0, "\x1f\x8b", "it is compressed (gzip): unpack it first"},
	{0, "\xfd7zXZ", "it is compressed (xz): unpack it first"},
	{0, "\x28\xb5\x2f\xfd", "it is compressed (zstd): unpack it first"},
	{0, "BZh", "it is compressed (bzip2): unpack it first"},
	{257, "ustar", "it is a tar archive: unpack it, and name the file of weights in it (PyTorch before 0.1.10 wrote tar itself: load and save that with a newer one)"},
	{0, "%PDF", "it is a PDF document"},
	{0, "\x89PNG", "it is a picture"},
	{0, "\xff\xd8\xff", "it is a picture"},
}

// formatOf tells by the first bytes of which format a file of size bytes is, and how it is read.
func formatOf(r io.ReaderAt, size int64) (format string, read reading, err error) {
	if size == 0 {
		return "", nil, errors.New("it is empty: download or save it again")
	}
	head := make([]byte, min(size, 512))
	if _, err := r.ReadAt(head, 0); err != nil {
		return "", nil, errors.WithStack(err)
	}
	for _, k := range foreign {
		if len(head) >= k.at && bytes.HasPrefix(head[k.at:], []byte(k.begins)) {
			return "", nil, errors.Errorf("it is no file of weights that can be read: %s", k.advice)
		}
	}
	text := bytes.ToLower(bytes.TrimLeft(head, " \t\r\n\ufeff"))
	switch {
	case bytes.HasPrefix(text, []byte("<!doctype")), bytes.HasPrefix(text, []byte("<html")), bytes.HasPrefix(text, []byte("<?xml")):
		return "", nil, errors.New("it is a page of the web, not a file of weights: a link led to the page about the file, or to a login; download the file itself")
	case bytes.HasPrefix(head, []byte("PK\x03\x04")), bytes.HasPrefix(head, []byte("PK\x05\x06")):
		return PyTorch, (*File).readZip, nil
	case isSafetensors(head, size):
		return Safetensors, (*File).readSafetensors, nil
	case head[0] == 0x80 && len(head) > 1 && head[1] <= 5:
		return PyTorch, (*File).readLegacy, nil
	case bytes.HasPrefix(text, []byte("{")):
		return Safetensors, (*File).readShards, nil
	case head[0] == 0x08: // the field ir_version, a number
		return ONNX, (*File).readONNX, nil
	}
	return "", nil, errors.New("its content is none of safetensors, a file of torch.save, and ONNX: it is damaged, or of another kind")
}

// isSafetensors reports whether the first bytes are a length, of a header that begins as JSON does.
func isSafetensors(head []byte, size int64) bool {
	return len(head) > 8 && head[8] == '{' && binary.LittleEndian.Uint64(head) <= uint64(size)<<8
}

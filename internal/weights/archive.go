package weights

import (
	"archive/zip"
	"io"
	"path"
	"slices"
	"strings"

	"github.com/pkg/errors"
)

// archive is the container that torch.save writes since PyTorch 1.6: a zip archive of a folder, in which data.pkl
// is the pickle and data/KEY the numbers of a storage.
type archive struct {
	source
	folder string
	files  map[string]*zip.File
}

func (f *File) readZip(s source) error {
	z, err := zip.NewReader(s, s.size)
	if err != nil {
		return errors.New("it begins as a zip archive, as torch.save writes, and its end is missing: it is truncated; download or save it again")
	}
	a := archive{source: s, files: map[string]*zip.File{}}
	for _, file := range z.File {
		a.files[file.Name] = file
	}
	if err := a.find(z.File); err != nil {
		return err
	}
	at, size, err := a.entry("data.pkl")
	if err != nil {
		return err
	}
	if order, err := a.text("byteorder"); err == nil && order == "big" {
		return errors.New("its numbers are big endian: save it on a machine of the usual byte order, or as safetensors")
	}
	inner := s
	inner.size = at + size
	c := checkpoint{size: s.size, storage: a.storage}
	root, err := c.decoder(inner, at).Decode()
	if err != nil {
		return errors.WithMessage(err, "data.pkl")
	}
	return f.collect(root)
}

// find finds the folder, and refuses other archives.
func (a *archive) find(files []*zip.File) error {
	i := slices.IndexFunc(files, func(f *zip.File) bool { return path.Base(f.Name) == "data.pkl" })
	if i < 0 {
		return errors.Errorf("it is a zip archive, but none of torch.save: %s", otherArchive(files))
	}
	a.folder = path.Dir(files[i].Name)
	if a.files[path.Join(a.folder, "constants.pkl")] != nil {
		return errors.New("it is a program of TorchScript with its weights, which is not executed: in Python, torch.save(torch.jit.load(FILE).state_dict(), \"weights.pth\")")
	}
	return nil
}

// otherArchive says what else a zip archive may be.
func otherArchive(files []*zip.File) string {
	has := func(suffix string) bool {
		return slices.ContainsFunc(files, func(f *zip.File) bool { return strings.HasSuffix(f.Name, suffix) })
	}
	switch {
	case has(".npy"):
		return "it holds NumPy arrays (.npz); save the weights as safetensors"
	case has("model.weights.h5"):
		return "it is a model of Keras; save the weights as safetensors, or export the model to ONNX"
	case has(".safetensors"), has(".pth"), has(".pt"), has(".onnx"):
		return "unpack it, and name the file of weights in it"
	}
	return "save the weights with torch.save(model.state_dict(), \"weights.pth\")"
}

// entry is where the bytes of an entry of the folder lie in the file.
func (a *archive) entry(name string) (at, size int64, err error) {
	file := a.files[path.Join(a.folder, name)]
	if file == nil {
		return 0, 0, errors.Errorf("the archive has no %s: it is damaged", name)
	}
	if file.Method != zip.Store {
		return 0, 0, errors.Errorf("%s is compressed, as torch.save does not: the archive was packed anew; load and save it in Python", name)
	}
	if at, err = file.DataOffset(); err != nil {
		return 0, 0, errors.Wrapf(err, "%s", name)
	}
	if file.UncompressedSize64 > uint64(a.source.size-min(at, a.source.size)) {
		return 0, 0, errors.Errorf("%s reaches beyond the end of the file: it is truncated or damaged", name)
	}
	return at, int64(file.UncompressedSize64), nil
}

// text is a short entry of the folder.
func (a *archive) text(name string) (string, error) {
	at, size, err := a.entry(name)
	if err != nil {
		return "", err
	}
	b := make([]byte, min(size, 100))
	_, err = io.ReadFull(a.section(at), b)
	return string(b), errors.WithStack(err)
}

// storage is where the numbers of a storage lie.
func (a *archive) storage(key string, dtype Dtype, count int64) (span, error) {
	at, size, err := a.entry("data/" + key)
	if err != nil {
		return span{}, err
	}
	if count > size/max(storedWidth(dtype), 1) {
		return span{}, errors.Errorf("the storage data/%s has %d bytes, too few for %d numbers of type %s: the file is damaged", key, size, count, dtype)
	}
	return span{file: a.source, at: at, bytes: size, dtype: dtype}, nil
}

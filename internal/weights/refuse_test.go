package weights_test

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/encoding/protowire"

	"medusa/internal/weights"
)

func sample(t testing.TB, name string) []byte {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("testdata", name))
	require.NoError(t, err)
	return raw
}

// zipOf is an archive of stored entries.
func zipOf(t *testing.T, entries ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for i := 0; i < len(entries); i += 2 {
		w, err := z.CreateHeader(&zip.FileHeader{Name: entries[i], Method: zip.Store})
		require.NoError(t, err)
		_, err = w.Write([]byte(entries[i+1]))
		require.NoError(t, err)
	}
	require.NoError(t, z.Close())
	return b.Bytes()
}

// replaced is a sample with some bytes changed.
func replaced(t *testing.T, name, from, to string) []byte {
	t.Helper()
	raw := sample(t, name)
	require.Contains(t, string(raw), from)
	return bytes.ReplaceAll(raw, []byte(from), []byte(to))
}

// Whatever else people take for weights gets a sentence that says what it is, and how to go on.
func TestRefuses(t *testing.T) {
	large := binary.LittleEndian.AppendUint64(nil, 1<<60)
	for name, c := range map[string]struct {
		file []byte
		want []string
	}{
		"an empty file":          {nil, []string{"it is empty", "download or save it again"}},
		"a pointer of LFS":       {[]byte("version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 3\n"), []string{"pointer of Git LFS", "git lfs pull"}},
		"a page":                 {[]byte("\n<!DOCTYPE html><html><body>Sign in</body></html>"), []string{"page of the web", "download the file itself"}},
		"a page without type":    {[]byte("<html>"), []string{"page of the web"}},
		"an answer":              {[]byte(`{"error":"Repository not found"}`), []string{`an answer of a server, "Repository not found"`}},
		"other JSON":             {[]byte(`{"a":1}`), []string{"JSON without a weight_map", "model.safetensors.index.json"}},
		"no JSON":                {[]byte(`{"a"`), []string{"none that can be read"}},
		"HDF5":                   {[]byte("\x89HDF\r\n\x1a\n\x00\x00"), []string{"HDF5", "as safetensors", "tf2onnx"}},
		"TensorFlow Lite":        {[]byte("\x20\x00\x00\x00TFL3\x00"), []string{"TensorFlow Lite", "tf2onnx"}},
		"GGUF":                   {[]byte("GGUF\x03\x00"), []string{"GGUF"}},
		"gzip":                   {[]byte("\x1f\x8b\x08\x00"), []string{"gzip", "unpack it first"}},
		"a tar archive":          {append(make([]byte, 257), "ustar\x00"...), []string{"tar archive"}},
		"a picture":              {[]byte("\xff\xd8\xff\xe0"), []string{"a picture"}},
		"text":                   {[]byte("conv1.weight 1 2 3"), []string{"none of safetensors, a file of torch.save, and ONNX"}},
		"a truncated zip":        {sample(t, "views.pth")[:1500], []string{"its end is missing", "truncated"}},
		"a truncated legacy":     {sample(t, "legacyviews.pth")[:1200], []string{"ends before its numbers do", "truncated"}},
		"a cut legacy pickle":    {sample(t, "legacyviews.pth")[:500], []string{"bytes are announced and", "truncated"}},
		"truncated safetensors":  {sample(t, "mixed.safetensors")[:1300], []string{"truncated"}},
		"truncated ONNX":         {sample(t, "raw.onnx")[:400], []string{"ends in the middle", "truncated"}},
		"NumPy arrays":           {zipOf(t, "a.npy", "x"), []string{"NumPy arrays (.npz)"}},
		"a model of Keras":       {zipOf(t, "config.json", "{}", "model.weights.h5", "x"), []string{"a model of Keras"}},
		"weights in a zip":       {zipOf(t, "m/model.safetensors", "x"), []string{"unpack it"}},
		"some zip":               {zipOf(t, "a.txt", "x"), []string{"a zip archive, but none of torch.save"}},
		"a whole model":          {sample(t, "whole.pth"), []string{"whole object (torch.nn.modules.container.Sequential)", "torch.save(model.state_dict()"}},
		"a program":              {sample(t, "script.pt"), []string{"TorchScript", "torch.save(torch.jit.load(FILE).state_dict()"}},
		"a call of the system":   {sample(t, "evilroot.pth"), []string{"whole object (posix.system)"}},
		"packed anew":            {sample(t, "repacked.pth"), []string{"is compressed, as torch.save does not"}},
		"another pickle":         {[]byte("\x80\x02}."), []string{"a pickle, but none of torch.save"}},
		"old protocols":          {zipOf(t, "a/data.pkl", "(dp0\n."), []string{"protocol 0 or 1", "pickle_protocol=2"}},
		"no tensors":             {zipOf(t, "a/data.pkl", "\x80\x02}."), []string{"it holds no tensors", "model.state_dict()"}},
		"a number":               {zipOf(t, "a/data.pkl", "\x80\x02K\x07."), []string{"holds a value (7), want tensors by their names"}},
		"big endian":             {zipOf(t, "a/data.pkl", "\x80\x02}.", "a/byteorder", "big"), []string{"big endian"}},
		"a storage is missing":   {replaced(t, "one.pth", "one/data/0", "one/data/9"), []string{"has no data/0", "damaged"}},
		"more numbers than file": {replaced(t, "one.pth", "K<tq", "K\xfftq"), []string{"too few for 255 numbers"}},
		"a view beyond":          {replaced(t, "one.pth", "K\x0f\x85q", "K=\x85q"), []string{"reaches beyond its storage of 60 numbers"}},
		"a quantised model":      {sample(t, "quantised.onnx"), []string{"quantised model (DequantizeLinear)", "before its quantisation"}},
		"no initializers":        {[]byte("\x08\x08\x3a\x03\x12\x01g"), []string{"no initializers"}},
		"no graph":               {[]byte("\x08\x01\x12\x02\x0a\x00"), []string{"holds no graph", "tf2onnx"}},
		"too long a header":      {append(large, '{'), []string{"none of safetensors"}},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "model.pth")
			require.NoError(t, os.WriteFile(path, c.file, 0o644))
			_, err := weights.Open(path)
			for _, want := range append(c.want, "weights: "+path) {
				require.ErrorContains(t, err, want)
			}
		})
	}
}

// What lies elsewhere is read from beside the file alone.
func TestRefusesWhatLiesElsewhere(t *testing.T) {
	dir := t.TempDir()
	for _, c := range []struct {
		file string
		raw  []byte
		want string
	}{
		{"outside.onnx", sample(t, "outside.onnx"), `the file outside.data, which is not beside the model: download both into one folder`},
		{"climbing.onnx", replaced(t, "outside.onnx", "outside.data", "../ide.dataa"), `its numbers lie in "../ide.dataa", which is not in the model's folder`},
		{"list.json", sample(t, "model.safetensors.index.json"), "the shard model-00001-of-00002.safetensors does not lie beside the list"},
		{"climb.json", []byte(`{"weight_map":{"a":"../x.safetensors"}}`), `the shard "../x.safetensors" is not the name of a file beside the list`},
		{"root.json", []byte(`{"weight_map":{"a":"/etc/passwd"}}`), `is not the name of a file beside the list`},
		{"windows.json", []byte(`{"weight_map":{"a":"..\\x"}}`), `is not the name of a file beside the list`},
		{"self.json", []byte(`{"weight_map":{"a":"self.json"}}`), "it is a list of shards itself"},
	} {
		path := filepath.Join(dir, c.file)
		require.NoError(t, os.WriteFile(path, c.raw, 0o644))
		_, err := weights.Open(path)
		require.ErrorContains(t, err, c.want)
	}
	require.NoError(t, os.WriteFile(filepath.Join(dir, "outside.data"), make([]byte, 90), 0o644))
	_, err := weights.Open(filepath.Join(dir, "outside.onnx"))
	require.ErrorContains(t, err, "do not lie in outside.data, which has 90: the files are not of one model, or truncated")

	other := filepath.Join(dir, "model-00001-of-00002.safetensors")
	require.NoError(t, os.WriteFile(other, sample(t, "mixed.safetensors"), 0o644))
	_, err = weights.Open(filepath.Join(dir, "list.json"))
	require.ErrorContains(t, err, "has no tensor a.weight, which the list says it has")

	_, err = weights.Open(dir)
	require.ErrorContains(t, err, "it is a folder, want a file of it: "+filepath.Join(dir, "climbing.onnx")+", "+other)
	_, err = weights.Open(filepath.Join(dir, "absent.pth"))
	require.ErrorIs(t, err, os.ErrNotExist)
}

// A link in the model's folder does not lead out of it.
func TestLinksDoNotLeadOut(t *testing.T) {
	dir, elsewhere := t.TempDir(), t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(elsewhere, "secret"), sample(t, "outside.data"), 0o644))
	if err := os.Symlink(filepath.Join(elsewhere, "secret"), filepath.Join(dir, "outside.data")); err != nil {
		t.Skip(err)
	}
	path := filepath.Join(dir, "outside.onnx")
	require.NoError(t, os.WriteFile(path, sample(t, "outside.onnx"), 0o644))
	_, err := weights.Open(path)
	require.ErrorContains(t, err, "path escapes from parent")
}

// Types that are no weights' are listed, and refused when their numbers are asked for.
func TestTypesThatAreNotRead(t *testing.T) {
	f := opened(t, "testdata/complex.pth")
	_, err := f.Lookup("w").Float32s()
	require.ErrorContains(t, err, `weights: tensor "w": elements of type ComplexFloatStorage are not read`)

	header := `{"x":{"dtype":"F8_E4M3","shape":[2],"data_offsets":[0,2]}}`
	path := filepath.Join(t.TempDir(), "x.safetensors")
	require.NoError(t, os.WriteFile(path, append(binary.LittleEndian.AppendUint64(nil, uint64(len(header))), header+"12"...), 0o644))
	_, err = opened(t, path).Lookup("x").Float32s()
	require.ErrorContains(t, err, "elements of type F8_E4M3 are not read")
}

// onnxOf is a model of one initializer of these fields.
func onnxOf(fields ...byte) []byte {
	message := func(number protowire.Number, b []byte) []byte {
		return protowire.AppendBytes(protowire.AppendTag(nil, number, protowire.BytesType), b)
	}
	return append([]byte{8, 8}, message(7, message(5, fields))...)
}

// Sizes that a file claims and does not have take no memory.
func TestForgedSizes(t *testing.T) {
	huge := protowire.AppendVarint([]byte{8}, 1<<31-1) // dims
	f32 := []byte{16, 1}
	for name, c := range map[string]struct {
		file []byte
		want string
	}{
		"no numbers":       {onnxOf(append(append(huge, huge...), f32...)...), "in a file of"},
		"overflow":         {onnxOf(append(bytes.Repeat(huge, 3), f32...)...), "more numbers than the file has bytes"},
		"too few bytes":    {onnxOf(append(append(huge, f32...), 0x4a, 4, 0, 0, 0, 0)...), "has 4 bytes: the file is damaged"},
		"too many axes":    {onnxOf(bytes.Repeat([]byte{8, 1}, 65)...), "a shape is no shape"},
		"a long text":      {zipOf(t, "a/data.pkl", "\x80\x02X\xff\xff\xff\x7fab."), "2147483647 bytes are announced and 3 are left"},
		"a long number":    {zipOf(t, "a/data.pkl", "\x80\x02\x8b\xff\xff\xff\x7fab."), "2147483647 bytes are announced and 3 are left"},
		"lists in lists":   {zipOf(t, "a/data.pkl", "\x80\x02"+strings.Repeat("]", 100)+strings.Repeat("a", 99)+"."), "lists in lists without end"},
		"a list in itself": {zipOf(t, "a/data.pkl", "\x80\x02]q\x00h\x00a."), "lists in lists without end"},
		// Forty lists that each hold the one before twice would be 2⁴⁰ entries.
		"laughs": {zipOf(t, "a/data.pkl", "\x80\x02]q\x00"+strings.Repeat("(h\x00h\x00tq\x00", 40)+"."), "more entries than any checkpoint"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "x")
			require.NoError(t, os.WriteFile(path, c.file, 0o644))
			_, err := weights.Open(path)
			require.ErrorContains(t, err, c.want)
		})
	}
}

// FuzzOpen opens any bytes, and reads every tensor that they seem to hold.
func FuzzOpen(f *testing.F) {
	entries, err := os.ReadDir("testdata")
	require.NoError(f, err)
	for _, e := range entries {
		if e.Name() != "expected.json" && filepath.Ext(e.Name()) != ".py" && e.Type().IsRegular() {
			f.Add(sample(f, e.Name()))
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		path := filepath.Join(t.TempDir(), "x")
		require.NoError(t, os.WriteFile(path, b, 0o644))
		file, err := weights.Open(path)
		if err != nil {
			require.ErrorContains(t, err, "weights: ")
			return
		}
		defer file.Close()
		for _, tensor := range file.Tensors {
			v, err := tensor.Float32s()
			if err == nil {
				require.Len(t, v, tensor.Len())
			}
		}
	})
}

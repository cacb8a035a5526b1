package pickle

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/big"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// python writes a value nearly as Python does.
func python(v any) string {
	switch v := v.(type) {
	case nil:
		return "None"
	case bool:
		return strings.ToUpper(fmt.Sprint(v)[:1]) + fmt.Sprint(v)[1:]
	case string:
		return "'" + v + "'"
	case []byte:
		return "b'" + string(v) + "'"
	case Tuple:
		return "(" + list(v) + ")"
	case *List:
		return "[" + list(v.Items) + "]"
	case *Dict:
		var items []string
		for _, item := range v.Items {
			items = append(items, python(item.Key)+": "+python(item.Value))
		}
		return "{" + strings.Join(items, ", ") + "}"
	case *Object:
		return fmt.Sprint(v.Callable) + "(" + python(v.Args) + ")"
	}
	return fmt.Sprint(v)
}

func list(values []any) string {
	var out []string
	for _, v := range values {
		out = append(out, python(v))
	}
	return strings.Join(out, " ")
}

func decode(b []byte) (any, error) { return NewDecoder(bytes.NewReader(b), int64(len(b))).Decode() }

// What Python pickled, in every protocol, is read as it was.
func TestReadsWhatPythonPickled(t *testing.T) {
	raw, err := os.ReadFile("testdata/pickles.json")
	require.NoError(t, err)
	var file struct {
		Pickles []struct {
			Want     string
			Protocol int
			Pickle   []byte
		}
	}
	require.NoError(t, json.Unmarshal(raw, &file))
	require.Greater(t, len(file.Pickles), 90)
	for _, p := range file.Pickles {
		v, err := decode(p.Pickle)
		require.NoError(t, err, "%s by protocol %d", p.Want, p.Protocol)
		if o, ok := v.(*Object); ok && p.Protocol == 2 && p.Want == "b'ab'" { // a call of encode, there
			require.Equal(t, "_codecs.encode", o.String())
			continue
		}
		got := python(v)
		require.Equal(t, p.Want, strings.Replace(got, "set(([7]))", "[7]", 1) /* a call, before protocol 4 */, "by protocol %d", p.Protocol)
	}
}

// A value that stands in two places is one.
func TestSharedValues(t *testing.T) {
	v, err := decode([]byte("\x80\x02]q\x00(]q\x01h\x01e."))
	require.NoError(t, err)
	items := v.(*List).Items
	require.Same(t, items[0], items[1])
}

// Known constructors are applied, and what stands outside of the pickle is asked for.
func TestHooks(t *testing.T) {
	b := []byte("\x80\x02ccollections\nOrderedDict\n)R(U\x01aU\x01xQu.K\x07.")
	d := NewDecoder(bytes.NewReader(b), int64(len(b)))
	d.Call = func(g Global, args Tuple) (any, bool, error) {
		return &Dict{}, g == Global{"collections", "OrderedDict"} && len(args) == 0, nil
	}
	d.Persistent = func(id any) (any, error) { return fmt.Sprint("outside ", id), nil }
	v, err := d.Decode()
	require.NoError(t, err)
	got, ok := v.(*Dict).Lookup("a")
	require.True(t, ok)
	require.Equal(t, "outside x", got)
	_, ok = v.(*Dict).Lookup("b")
	require.False(t, ok)
	v, err = d.Decode()
	require.NoError(t, err, "the next pickle of the source")
	require.Equal(t, int64(7), v)
	require.Equal(t, int64(len(b)), d.Consumed())
}

func TestLong(t *testing.T) {
	for want, b := range map[string][]byte{
		"0": {}, "-1": {0xff}, "255": {0xff, 0}, "-256": {0, 0xff}, "-9223372036854775808": {0, 0, 0, 0, 0, 0, 0, 0x80}, "9223372036854775808": {0, 0, 0, 0, 0, 0, 0, 0x80, 0},
	} {
		require.Equal(t, want, fmt.Sprint(long(b)))
	}
	require.IsType(t, int64(0), long([]byte{1}))
	require.IsType(t, &big.Int{}, long(bytes.Repeat([]byte{1}, 9)))
}

func TestBadPickles(t *testing.T) {
	for b, want := range map[string]string{
		"":                           "pickle: at byte 0: 1 bytes are announced and 0 are left",
		"\x80\x02":                   "are left: the file is truncated",
		"\x80\x09":                   "of protocol 9, want 2 to 5",
		"\x80\x02.":                  "the stack is empty",
		"\x80\x020":                  "the stack is empty",
		"\x80\x02(0":                 "the stack is empty",
		"\x80\x02t.":                 "the stack is empty",
		"\x80\x02\xff":               "the opcode 0xff is unknown",
		"\x80\x02h\x07.":             "no entry 7",
		"\x80\x02X\xff\xff\xff\x7f.": "2147483647 bytes are announced and 1 are left",
		"\x80\x02\x8d\xff\xff\xff\xff\xff\xff\xff\xff.": "are left: the file is truncated or damaged",
		"\x80\x02}(K\x01u.":                             "a key has no value",
		"\x80\x02K\x01Q.":                               "refers to something that stands outside",
		"\x80\x04NN\x93.":                               "is no text",
		"\x80\x02\x82\x01.":                             "copyreg",
		"(lp0\n.":                                       "protocol 0 or 1",
	} {
		_, err := decode([]byte(b))
		require.ErrorContains(t, err, want, "%q", b)
	}
}

// FuzzDecode decodes any bytes.
func FuzzDecode(f *testing.F) {
	f.Add([]byte("\x80\x02ccollections\nOrderedDict\n)R(U\x01aU\x01xQu."))
	f.Add([]byte("\x80\x04\x95\x05\x00\x00\x00\x00\x00\x00\x00]\x94(K\x01K\x02e."))
	f.Fuzz(func(t *testing.T, b []byte) {
		d := NewDecoder(bytes.NewReader(b), int64(len(b)))
		d.Persistent = func(id any) (any, error) { return id, nil }
		if _, err := d.Decode(); err != nil {
			require.ErrorContains(t, err, "pickle: at byte ")
		}
		require.LessOrEqual(t, d.Consumed(), int64(len(b)))
	})
}

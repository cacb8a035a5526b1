package redis_test

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/alicebob/miniredis/v2"
	"github.com/alicebob/miniredis/v2/server"
	"github.com/stretchr/testify/require"
)

// module answers FT.CREATE and FT.SEARCH as the documentation of Redis says, in the forms that this package uses, by
// comparing with all hashes. What has another form is an error.
type module struct {
	*miniredis.Miniredis
	mu      sync.Mutex
	indexes map[string]index
}

type index struct {
	prefix, metric string
	dim            int
}

// serve starts a server with the module, and returns host and port.
func serve(t *testing.T) string {
	m := &module{Miniredis: miniredis.RunT(t), indexes: map[string]index{}}
	require.NoError(t, m.Server().Register("FT.CREATE", m.answer(m.create)))
	require.NoError(t, m.Server().Register("FT.SEARCH", m.answer(m.search)))
	return m.Addr()
}

func (m *module) answer(do func(args []string) (any, error)) server.Cmd {
	return func(c *server.Peer, _ string, args []string) {
		m.mu.Lock()
		defer m.mu.Unlock()
		v, err := do(args)
		if err != nil {
			c.WriteError(err.Error())
			return
		}
		write(c, v)
	}
}

func write(c *server.Peer, v any) {
	switch v := v.(type) {
	case []any:
		c.WriteLen(len(v))
		for _, x := range v {
			write(c, x)
		}
	case int:
		c.WriteInt(v)
	case string:
		c.WriteBulk(v)
	}
}

// take reads args by a form in which words stand for themselves and % for what is returned.
func take(args []string, form string) (out []string, err error) {
	words := strings.Split(form, " ")
	if len(words) != len(args) {
		return nil, fmt.Errorf("ERR %d arguments, want %d: %q", len(args), len(words), args)
	}
	for i, word := range words {
		switch {
		case word == "%":
			out = append(out, args[i])
		case word != args[i]:
			return nil, fmt.Errorf("ERR argument %d is %q, want %q", i, args[i], word)
		}
	}
	return out, nil
}

func (m *module) create(args []string) (any, error) {
	v, err := take(args, "% ON HASH PREFIX 1 % SCHEMA id TAG SEPARATOR \x1f label TAG SEPARATOR \x1f CASESENSITIVE path TAG SEPARATOR \x1f CASESENSITIVE embedding VECTOR % 6 TYPE FLOAT32 DIM % DISTANCE_METRIC %")
	if err != nil {
		return nil, err
	}
	dim, err := strconv.Atoi(v[3])
	switch {
	case err != nil || dim < 1 || dim > 32768:
		return nil, fmt.Errorf("ERR DIM %s", v[3])
	case !slices.Contains([]string{"HNSW", "FLAT"}, v[2]) || !slices.Contains([]string{"L2", "COSINE", "IP"}, v[4]):
		return nil, fmt.Errorf("ERR %s %s", v[2], v[4])
	}
	if _, ok := m.indexes[v[0]]; ok {
		return nil, fmt.Errorf("Index already exists")
	}
	m.indexes[v[0]] = index{v[1], v[4], dim}
	return "OK", nil
}

func (m *module) search(args []string) (any, error) {
	if len(args) < 2 {
		return nil, fmt.Errorf("ERR wrong number of arguments")
	}
	args[1] = strings.ReplaceAll(args[1], " ", "_")
	v, err := take(args, "% *=>[KNN_10_@embedding_$v_AS_distance] PARAMS 2 v % SORTBY distance RETURN 4 distance id label path DIALECT 2")
	if err != nil {
		return nil, err
	}
	x, ok := m.indexes[v[0]]
	if !ok {
		return nil, fmt.Errorf("%s: no such index", v[0])
	}
	if len(v[1]) != 4*x.dim {
		return nil, fmt.Errorf("Error parsing vector similarity query: query vector blob size (%d) does not match index's expected size (%d).", len(v[1]), 4*x.dim)
	}
	type hit struct {
		key      string
		distance float64
	}
	var hits []hit
	for _, key := range m.Keys() {
		if blob := m.HGet(key, "embedding"); strings.HasPrefix(key, x.prefix) && len(blob) == 4*x.dim {
			hits = append(hits, hit{key, distance(x.metric, floats(v[1]), floats(blob))})
		}
	}
	slices.SortFunc(hits, func(a, b hit) int { return int(math.Copysign(1, a.distance-b.distance)) })
	hits = hits[:min(10, len(hits))]
	out := []any{len(hits)}
	for _, h := range hits {
		out = append(out, h.key, []any{"distance", fmt.Sprint(h.distance), "id", m.HGet(h.key, "id"), "label", m.HGet(h.key, "label"), "path", m.HGet(h.key, "path")})
	}
	return out, nil
}

func floats(blob string) (v []float64) {
	for b := []byte(blob); len(b) > 0; b = b[4:] {
		v = append(v, float64(math.Float32frombits(binary.LittleEndian.Uint32(b))))
	}
	return v
}

// distance is what Redis reports: the square for L2, 1 less the product for IP.
func distance(metric string, a, b []float64) float64 {
	var square, product, aa, bb float64
	for i := range a {
		square += (a[i] - b[i]) * (a[i] - b[i])
		product, aa, bb = product+a[i]*b[i], aa+a[i]*a[i], bb+b[i]*b[i]
	}
	switch metric {
	case "L2":
		return square
	case "COSINE":
		return 1 - product/math.Sqrt(aa*bb)
	}
	return 1 - product
}

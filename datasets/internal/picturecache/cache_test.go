package picturecache

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

func key(i int) Key       { return sha256.Sum256(fmt.Append(nil, i)) }
func pixels(i int) []byte { return bytes.Repeat([]byte{byte(i), byte(i >> 8), 3, 4}, 25) }

func open(t testing.TB, path string) *Cache {
	t.Helper()
	c, err := Open(path, 100, nil)
	require.NoError(t, err)
	return c
}

// holds checks that picture i is there, or is not.
func holds(t testing.TB, c *Cache, i int, want bool) {
	t.Helper()
	at, note, ok := c.Lookup(key(i))
	require.Equal(t, want, ok, i)
	if !want {
		return
	}
	require.Equal(t, fmt.Sprint("note ", i), note)
	b := make([]byte, 100)
	require.NoError(t, c.ReadAt(b, at, 0))
	require.Equal(t, pixels(i), b)
	require.NoError(t, c.ReadAt(b[:50], at, 50))
	require.Equal(t, pixels(i)[50:], b[:50])
}

func TestKeptAndFound(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pictures.cache")
	c := open(t, path)
	var wg sync.WaitGroup
	for g := range 4 {
		wg.Go(func() {
			for i := g; i < 1000; i += 4 {
				_, err := c.Add(key(i), fmt.Sprint("note ", i), pixels(i))
				if err != nil {
					panic(err)
				}
			}
		})
	}
	wg.Wait()
	for i := range 1000 {
		holds(t, c, i, true)
	}
	holds(t, c, 1000, false)
	require.NoError(t, c.Close())

	var told [][2]int
	c, err := Open(path, 100, func(done, total int) { told = append(told, [2]int{done, total}) })
	require.NoError(t, err)
	require.Equal(t, 1000, c.Len())
	require.Equal(t, [2]int{1000, 1000}, told[len(told)-1])
	for i := range 1000 {
		holds(t, c, i, true)
	}
	require.NoError(t, c.Close())
	require.ErrorIs(t, c.Close(), os.ErrClosed)
}

// Whatever a killed process or a bad disk leaves is taken for nothing, and used again.
func TestDamagedSlots(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pictures.cache")
	c := open(t, path)
	for i := range 10 {
		_, err := c.Add(key(i), fmt.Sprint("note ", i), pixels(i))
		require.NoError(t, err)
	}
	require.NoError(t, c.Close())
	whole, err := os.ReadFile(path)
	require.NoError(t, err)
	const slotSize = slotHead + 100
	for cut := headBytes; cut < len(whole); cut += 37 {
		require.NoError(t, os.WriteFile(path, whole[:cut], 0o666))
		c := open(t, path)
		n := (cut - headBytes) / slotSize
		require.Equal(t, n, c.Len(), cut)
		_, err := c.Add(key(77), "note 77", pixels(77))
		require.NoError(t, err)
		holds(t, c, 77, true)
		require.NoError(t, c.Close())
		c = open(t, path)
		for i := range n {
			holds(t, c, i, true)
		}
		holds(t, c, 77, true)
		require.NoError(t, c.Close())
	}
	for at := headBytes; at < len(whole); at += 13 { // every part of a slot comes up
		damaged := bytes.Clone(whole)
		damaged[at] ^= 0x10
		require.NoError(t, os.WriteFile(path, damaged, 0o666))
		c := open(t, path)
		for i := range 10 {
			holds(t, c, i, i != (at-headBytes)/slotSize)
		}
		require.NoError(t, c.Close())
	}
	require.NoError(t, os.WriteFile(path, append(whole[:headBytes:headBytes], make([]byte, 3*slotSize)...), 0o666))
	c = open(t, path)
	require.Zero(t, c.Len(), "zeros, as a sparse file has them, are no pictures")
	require.NoError(t, c.Close())
}

func TestOpenErrors(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pictures.cache")
	c := open(t, path)
	_, err := Open(path, 100, nil)
	require.ErrorIs(t, err, ErrInUse)
	_, err = c.Add(key(1), string(make([]byte, MaxNote+1)), pixels(1))
	require.ErrorContains(t, err, "a note of")
	_, err = c.Add(key(1), "", pixels(1)[1:])
	require.ErrorContains(t, err, "pixels of 99")
	require.NoError(t, c.Close())
	_, err = Open(path, 101, nil)
	require.ErrorContains(t, err, "was not made by this program for pictures of this size")
	require.NoError(t, os.WriteFile(path, []byte("my letters"), 0o666))
	_, err = Open(path, 100, nil)
	require.ErrorContains(t, err, "was not made by this program")
	content, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, "my letters", string(content))
	_, err = Open(filepath.Join(path, "below a file"), 100, nil)
	require.Error(t, err)
}

func FuzzOpen(f *testing.F) {
	path := filepath.Join(f.TempDir(), "seed")
	c, err := Open(path, 4, nil)
	require.NoError(f, err)
	for i := range 3 {
		_, err := c.Add(key(i), "note", []byte{1, 2, 3, byte(i)})
		require.NoError(f, err)
	}
	require.NoError(f, c.Close())
	whole, err := os.ReadFile(path)
	require.NoError(f, err)
	f.Add(whole)
	f.Add(whole[:headBytes+600])
	f.Fuzz(func(t *testing.T, b []byte) {
		path := filepath.Join(t.TempDir(), "pictures.cache")
		require.NoError(t, os.WriteFile(path, b, 0o666))
		c, err := Open(path, 4, nil)
		if err != nil {
			return
		}
		defer c.Close()
		_, err = c.Add(key(9), "new", []byte{9, 9, 9, 9})
		require.NoError(t, err)
		at, note, ok := c.Lookup(key(9))
		got := make([]byte, 4)
		require.True(t, ok)
		require.Equal(t, "new", note)
		require.NoError(t, c.ReadAt(got, at, 0))
		require.Equal(t, []byte{9, 9, 9, 9}, got)
	})
}

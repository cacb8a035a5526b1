//go:build ignore

// Embed makes the files of ../omniglot from omniglot.tar.gz, whose pictures are those
// of github.com/brendenlake/omniglot:
//
//	go run internal/embed.go -from omniglot.tar.gz -to omniglot
package main

import (
	"archive/tar"
	"compress/gzip"
	"flag"
	"fmt"
	"image"
	"image/png"
	"io"
	"log"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"medusa/datasets/internal/bilevel"
)

// The alphabets that are embedded: of very different scripts, those of test/ from the
// part of Omniglot that is kept for evaluation.
var chosen = []string{
	"train/Armenian", "train/Bengali", "train/Cyrillic", "train/Futurama", "train/Greek", "train/Hebrew",
	"train/Japanese_(katakana)", "train/Korean", "train/Latin", "train/N_Ko", "train/Tifinagh",
	"test/Angelic", "test/Atlantean", "test/Ge_ez", "test/Glagolitic", "test/Tengwar", "test/ULOG",
}

const (
	side  = 105
	drawn = 20 // drawings of each character
)

func main() {
	log.SetFlags(0)
	from := flag.String("from", "", "omniglot.tar.gz")
	to := flag.String("to", "omniglot", "folder to write")
	flag.Parse()
	drawings, licence, err := read(*from)
	if err == nil {
		err = write(*to, drawings, licence)
	}
	if err != nil {
		log.Fatalf("embed: %v", err)
	}
}

// read returns the drawings of the chosen alphabets by path, and the licence.
func read(name string) (drawings map[string][]byte, licence []byte, err error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		return nil, nil, err
	}
	drawings = make(map[string][]byte)
	for t := tar.NewReader(z); ; {
		h, err := t.Next()
		if err == io.EOF {
			return drawings, licence, nil
		}
		if err != nil {
			return nil, nil, err
		}
		path := strings.Split(h.Name, "/") // omniglot/train/Latin/character01/0684_01.png
		switch {
		case len(path) == 2 && path[1] == "LICENSE":
			if licence, err = io.ReadAll(t); err != nil {
				return nil, nil, err
			}
		case len(path) == 5 && slices.Contains(chosen, path[1]+"/"+path[2]) && strings.HasSuffix(h.Name, ".png"):
			if drawings[strings.Join(path[1:], "/")], err = ink(t); err != nil {
				return nil, nil, fmt.Errorf("%s: %w", h.Name, err)
			}
		}
	}
}

// ink returns the pixels of a picture, 1 where it is dark.
func ink(r io.Reader) ([]byte, error) {
	img, err := png.Decode(r)
	if err != nil {
		return nil, err
	}
	grey, ok := img.(*image.Gray)
	if !ok || grey.Bounds() != image.Rect(0, 0, side, side) {
		return nil, fmt.Errorf("%T of %v, want a grey picture of %d×%d", img, img.Bounds(), side, side)
	}
	pixels := make([]byte, side*side)
	for i, v := range grey.Pix {
		switch v {
		case 0:
			pixels[i] = 1
		case 255:
		default:
			return nil, fmt.Errorf("value %d, want black and white", v)
		}
	}
	return pixels, nil
}

// write makes one file an alphabet, its characters in order, 20 drawings of each.
func write(to string, drawings map[string][]byte, licence []byte) error {
	var paths []string
	for p := range drawings {
		paths = append(paths, p)
	}
	slices.Sort(paths)
	total := 0
	for _, alphabet := range chosen {
		var list [][]byte
		for _, p := range paths {
			if !strings.HasPrefix(p, alphabet+"/") {
				continue
			}
			want := fmt.Sprintf("%s/character%02d/", alphabet, len(list)/drawn+1)
			if !strings.HasPrefix(p, want) || !strings.HasSuffix(p, fmt.Sprintf("_%02d.png", len(list)%drawn+1)) {
				return fmt.Errorf("%s comes where drawing %d of %s was due", p, len(list)%drawn+1, want)
			}
			list = append(list, drawings[p])
		}
		code, err := bilevel.Encode(side, side, list)
		if err != nil {
			return err
		}
		name := filepath.Join(to, filepath.FromSlash(alphabet)+".bilevel")
		if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
			return err
		}
		if err := os.WriteFile(name, code, 0o666); err != nil {
			return err
		}
		log.Printf("%-28s %5d drawings %7d bytes, %.1f each", alphabet, len(list), len(code), float64(len(code))/float64(len(list)))
		total += len(code)
	}
	log.Printf("together %d bytes", total)
	return os.WriteFile(filepath.Join(to, "LICENSE"), licence, 0o666)
}

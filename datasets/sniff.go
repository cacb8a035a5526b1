package datasets

import (
	"bytes"
	"encoding/binary"
	"path"
	"strings"
	"unicode/utf8"

	"medusa/datasets/internal/ico"
	"medusa/datasets/internal/netpbm"
	"medusa/datasets/internal/tga"
)

// Names of the formats that are read, as Summary.Formats gives them.
const (
	formatJPEG   = "JPEG"
	formatPNG    = "PNG"
	formatGIF    = "GIF"
	formatBMP    = "BMP"
	formatTIFF   = "TIFF"
	formatWebP   = "WebP"
	formatNetpbm = "Netpbm"
	formatICO    = "ICO"
	formatTGA    = "TGA"
)

// sniff tells a file's format by its first bytes: names lie. For what is no picture
// that can be read, problem says so.
func sniff(name string, data []byte) (format string, err error) {
	if len(data) == 0 {
		return "", &problem{reason: reasonEmpty, picture: hasPictureName(name)}
	}
	has := func(at int, magic string) bool {
		return len(data) >= at+len(magic) && string(data[at:at+len(magic)]) == magic
	}
	switch {
	case has(0, "\xff\xd8\xff"):
		return formatJPEG, nil
	case has(0, "\x89PNG\r\n\x1a\n"):
		return formatPNG, nil
	case has(0, "GIF87a"), has(0, "GIF89a"):
		return formatGIF, nil
	case has(0, "II*\x00"), has(0, "MM\x00*"), has(0, "II+\x00"), has(0, "MM\x00+"):
		return formatTIFF, nil
	case has(0, "RIFF") && has(8, "WEBP"):
		return formatWebP, nil
	case has(0, "BM") && len(data) >= 26 && has(6, "\x00\x00\x00\x00"):
		return formatBMP, nil
	case netpbm.Match(data):
		return formatNetpbm, nil
	case ico.Match(data):
		return formatICO, nil
	case tga.HasFooter(data) && tga.Plausible(data):
		return formatTGA, nil
	}
	if other := sniffOther(has, data); other != "" {
		return "", &problem{reason: reasonUnsupported, detail: other, picture: true}
	}
	if oldTargaNames[extension(name)] && tga.Plausible(data) {
		return formatTGA, nil // nothing in such a file says what it is
	}
	return "", &problem{reason: reasonNoPicture, detail: describe(data), picture: hasPictureName(name)}
}

// sniffOther names picture formats that are known but not read, and the way out.
func sniffOther(has func(int, string) bool, data []byte) string {
	switch {
	case has(4, "ftyp"):
		return sniffBoxes(data)
	case has(0, "\xff\x0a"), has(0, "\x00\x00\x00\x0cJXL "):
		return "JPEG XL" + adviceToConvert + ": djxl IN.jxl OUT.png"
	case has(0, "\x00\x00\x00\x0cjP  "), has(0, "\xff\x4f\xff\x51"):
		return "JPEG 2000" + adviceToConvert
	case has(0, "8BPS"):
		return "Photoshop" + adviceToConvert
	case has(0, "v/1\x01"):
		return "OpenEXR" + adviceToConvert + ", or to a TIFF of floating point"
	case has(0, "DDS "):
		return "DirectDraw surface" + adviceToConvert
	}
	return ""
}

// sniffBoxes looks at the brands of an ISO base media file (ISO/IEC 14496-12, section
// 4.3), the first of which often says no more than that it is a picture.
func sniffBoxes(data []byte) string {
	end := min(int64(binary.BigEndian.Uint32(data)), int64(len(data)), 512)
	for at := int64(8); at+4 <= end; at += 4 {
		switch string(data[at : at+4]) {
		case "avif", "avis":
			return "AVIF" + adviceToConvert + ": avifdec IN.avif OUT.png"
		case "heic", "heix", "heim", "heis", "hevc", "hevx", "hevm", "hevs":
			return "HEIC" + adviceToConvert + ": heif-convert IN.heic OUT.jpg, on a Mac sips -s format jpeg IN.heic --out OUT.jpg"
		}
	}
	return ""
}

// describe says what a file that is no picture looks like.
func describe(data []byte) string {
	head := data[:min(len(data), 512)]
	lower := bytes.ToLower(bytes.TrimSpace(head))
	switch {
	case bytes.HasPrefix(data, []byte("version https://git-lfs")):
		return "a git-LFS pointer: fetch the files with git lfs pull"
	case bytes.HasPrefix(lower, []byte("<!doctype html")), bytes.HasPrefix(lower, []byte("<html")):
		return "an HTML page"
	case bytes.HasPrefix(data, []byte("\x00\x05\x16\x07")):
		return "an AppleDouble resource fork"
	case bytes.HasPrefix(data, []byte("\xff\xd8")):
		return "cut off after the first bytes of a JPEG"
	case isText(head):
		return "text"
	}
	return "unknown bytes"
}

// isText allows for a rune cut at the end of head.
func isText(head []byte) bool {
	if bytes.IndexByte(head, 0) >= 0 {
		return false
	}
	for cut := 0; cut < utf8.UTFMax && cut < len(head); cut++ {
		if utf8.Valid(head[:len(head)-cut]) {
			return true
		}
	}
	return false
}

// pictureNames are the endings by which a file claims to be a picture. They decide
// only whether it is an error under Options.Strict that it is none.
var pictureNames = map[string]bool{
	".jpg": true, ".jpeg": true, ".jpe": true, ".jfif": true, ".png": true, ".gif": true, ".bmp": true, ".dib": true,
	".tif": true, ".tiff": true, ".webp": true, ".pbm": true, ".pgm": true, ".ppm": true, ".pnm": true, ".pam": true, ".pfm": true,
	".ico": true, ".cur": true, ".tga": true, ".heic": true, ".heif": true, ".avif": true, ".jxl": true, ".jp2": true,
}

// oldTargaNames are the endings of TGA files.
var oldTargaNames = map[string]bool{".tga": true, ".targa": true, ".icb": true, ".vda": true, ".vst": true}

func hasPictureName(name string) bool { return pictureNames[extension(name)] }

func extension(name string) string { return strings.ToLower(path.Ext(strings.TrimSpace(name))) }

// problem is why a file was left out.
type problem struct {
	reason, detail string
	picture        bool // it is or claims to be a picture: an error under Options.Strict
}

func (p *problem) Error() string {
	if p.detail == "" {
		return p.reason
	}
	return p.reason + ": " + p.detail
}

// The reasons for which a file is left out.
const (
	reasonHidden      = "hidden file or folder"
	reasonSystem      = "file or folder of an operating system"
	reasonNoPicture   = "not a picture"
	reasonEmpty       = "empty file"
	reasonBroken      = "broken picture"
	reasonUnsupported = "format not supported"
	reasonPixels      = "too many pixels"
	reasonBytes       = "file too large"
	reasonLink        = "broken link"
	reasonSeen        = "another name of what is read already"
	reasonNoClass     = "in no class folder"
	reasonNoFile      = "cannot be read"
	reasonNoFolder    = "folder that cannot be read"
	reasonSpecial     = "not an ordinary file"
	reasonBox         = "box outside of the picture"
	reasonLandmarks   = "face that cannot be aligned"
	reasonDuplicate   = "duplicate"
	reasonBeside      = "beside the train and test folders"
)

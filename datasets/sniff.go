package datasets

import (
	"bytes"
	"path"
	"strings"
	"unicode/utf8"
)

// Names of the formats that are read, as Summary.Formats gives them.
const (
	formatJPEG = "JPEG"
	formatPNG  = "PNG"
	formatGIF  = "GIF"
	formatBMP  = "BMP"
	formatTIFF = "TIFF"
	formatWebP = "WebP"
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
	case has(0, "II*\x00"), has(0, "MM\x00*"):
		return formatTIFF, nil
	case has(0, "RIFF") && has(8, "WEBP"):
		return formatWebP, nil
	case has(0, "BM") && len(data) >= 26 && has(6, "\x00\x00\x00\x00"):
		return formatBMP, nil
	}
	if other := sniffOther(has, data); other != "" {
		return "", &problem{reason: reasonUnsupported, detail: other + "; convert it to PNG or JPEG", picture: true}
	}
	return "", &problem{reason: reasonNoPicture, detail: describe(data), picture: hasPictureName(name)}
}

// sniffOther names picture formats that are known but not read.
func sniffOther(has func(int, string) bool, data []byte) string {
	netpbm := len(data) > 3 && data[0] == 'P' && data[1] >= '1' && data[1] <= '7' && bytes.IndexByte([]byte(" \t\r\n"), data[2]) >= 0
	switch {
	case netpbm:
		return "Netpbm"
	case has(4, "ftypheic"), has(4, "ftypheix"), has(4, "ftypmif1"), has(4, "ftyphevc"):
		return "HEIC"
	case has(4, "ftypavif"), has(4, "ftypavis"):
		return "AVIF"
	case has(0, "\xff\x0a"), has(0, "\x00\x00\x00\x0cJXL "):
		return "JPEG XL"
	case has(0, "\x00\x00\x00\x0cjP  "), has(0, "\xff\x4f\xff\x51"):
		return "JPEG 2000"
	case has(0, "II+\x00"), has(0, "MM\x00+"):
		return "BigTIFF"
	case has(0, "8BPS"):
		return "Photoshop"
	case has(0, "\x00\x00\x01\x00"):
		return "icon"
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
	".tif": true, ".tiff": true, ".webp": true,
}

func hasPictureName(name string) bool {
	return pictureNames[strings.ToLower(path.Ext(strings.TrimSpace(name)))]
}

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
	reasonSpecial     = "not an ordinary file"
	reasonBox         = "box outside of the picture"
	reasonDuplicate   = "duplicate"
	reasonBeside      = "beside the train and test folders"
)

package datasets

import (
	"bytes"
	"encoding/binary"
)

// orientation returns the EXIF orientation of a file: 1 … 8, and 1 where there is none
// or it makes no sense. TIFF has a field of its own for it.
func orientation(format string, data []byte) int {
	var block []byte
	switch format {
	case formatJPEG:
		block = exifOfJPEG(data)
	case formatPNG:
		block = exifOfPNG(data)
	case formatWebP:
		block = bytes.TrimPrefix(chunkOfWebP(data, "EXIF"), []byte(exifHeader))
	}
	return tiffOrientation(block)
}

// exifHeader stands before the TIFF structure in JPEG, and by mistake in some others.
const exifHeader = "Exif\x00\x00"

// eachSegment calls visit for the segments of a JPEG before the scan until it returns
// false.
func eachSegment(data []byte, visit func(marker byte, body []byte) bool) {
	const startOfScan, endOfImage = 0xda, 0xd9
	for data = data[min(2, len(data)):]; len(data) >= 4; {
		marker := data[1]
		switch {
		case data[0] != 0xff || marker == startOfScan || marker == endOfImage:
			return
		case marker == 0xff: // fill byte
			data = data[1:]
			continue
		case marker == 0x01 || marker >= 0xd0 && marker <= 0xd8: // no length follows
			data = data[2:]
			continue
		}
		n := int(binary.BigEndian.Uint16(data[2:]))
		if n < 2 || n+2 > len(data) || !visit(marker, data[4:n+2]) {
			return
		}
		data = data[n+2:]
	}
}

// exifOfJPEG returns the TIFF structure of the first EXIF segment before the scan.
func exifOfJPEG(data []byte) (block []byte) {
	const app1 = 0xe1
	eachSegment(data, func(marker byte, body []byte) bool {
		if marker == app1 && bytes.HasPrefix(body, []byte(exifHeader)) {
			block = body[len(exifHeader):]
		}
		return block == nil
	})
	return block
}

// exifOfPNG returns the body of the eXIf chunk, which may stand behind the pixels.
func exifOfPNG(data []byte) []byte {
	for data = data[min(8, len(data)):]; len(data) >= 12; {
		n := int64(binary.BigEndian.Uint32(data))
		if n > int64(len(data)-12) {
			return nil
		}
		if string(data[4:8]) == "eXIf" {
			return data[8 : 8+n]
		}
		data = data[12+n:]
	}
	return nil
}

// chunkOfWebP returns the body of the first chunk of a name.
func chunkOfWebP(data []byte, wanted string) (found []byte) {
	// What is cut off behind the chunk does not matter here.
	_ = eachChunk(data[min(12, len(data)):], func(name string, body []byte) error {
		if name == wanted && found == nil {
			found = body
		}
		return nil
	})
	return found
}

// tiffOrientation looks tag 0x0112 up in the first directory of a TIFF structure
// (Exif 2.32, section 4.6.4).
func tiffOrientation(block []byte) int {
	if len(block) < 8 {
		return 1
	}
	var order binary.ByteOrder
	switch string(block[:4]) {
	case "II*\x00":
		order = binary.LittleEndian
	case "MM\x00*":
		order = binary.BigEndian
	default:
		return 1
	}
	const tagOrientation, typeShort, entrySize = 0x0112, 3, 12
	at := int64(order.Uint32(block[4:]))
	if at > int64(len(block))-2 {
		return 1
	}
	count := int(order.Uint16(block[at:]))
	for entries := block[at+2:]; count > 0 && len(entries) >= entrySize; count-- {
		if order.Uint16(entries) == tagOrientation {
			value := int(order.Uint16(entries[8:]))
			if order.Uint16(entries[2:]) != typeShort || value < 1 || value > 8 {
				return 1
			}
			return value
		}
		entries = entries[entrySize:]
	}
	return 1
}

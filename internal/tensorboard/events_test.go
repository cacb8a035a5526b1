package tensorboard

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// The record that tf.io.TFRecordWriter makes of the empty string: a length of 0, the
// masked checksum of eight zero bytes (CRC-32C 0x8c28b28a), and that of no bytes (0).
func TestFraming(t *testing.T) {
	var b bytes.Buffer
	w := &Writer{w: &b}
	require.NoError(t, w.write())
	require.Equal(t, "000000000000000029039807d8ea82a2", hex.EncodeToString(b.Bytes()))
}

// Every byte of an event, by the rules of protocol buffers.
func TestEvent(t *testing.T) {
	var b bytes.Buffer
	w := &Writer{w: &b}
	require.NoError(t, w.Write(300, time.Unix(2, 500_000_000), []Scalar{{"loss", 0.5}, {"lr", -2}}))
	event := b.Bytes()[12 : b.Len()-4]
	require.Equal(t, "09"+"0000000000000440"+ // wall_time 2.5
		"10"+"ac02"+ // step 300
		"2a"+"18"+ // summary, 24 bytes
		"0a"+"0b"+"0a04"+"6c6f7373"+"15"+"0000003f"+ // loss 0.5
		"0a"+"09"+"0a02"+"6c72"+"15"+"000000c0", // lr −2
		hex.EncodeToString(event))
	require.Equal(t, uint64(len(event)), binary.LittleEndian.Uint64(b.Bytes()))
}

func TestFileBeginsWithVersionAndSession(t *testing.T) {
	var b bytes.Buffer
	_, err := NewWriter(&b, 7, time.Unix(0, 0))
	require.NoError(t, err)
	file := b.Bytes()
	var events [][]byte
	for len(file) > 0 {
		n := int(binary.LittleEndian.Uint64(file))
		require.Equal(t, masked(file[:8]), binary.LittleEndian.Uint32(file[8:]))
		events = append(events, file[12:12+n])
		require.Equal(t, masked(file[12:12+n]), binary.LittleEndian.Uint32(file[12+n:]))
		file = file[16+n:]
	}
	require.Len(t, events, 2)
	require.Contains(t, string(events[0]), "brain.Event:2")
	require.Equal(t, []byte{0x10, 7, 0x3a, 2, 8, 1}, events[1][9:])
}

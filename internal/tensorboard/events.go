// Package tensorboard writes scalars as TensorBoard reads them: a file of records, each
// framed by its length and two checksums (TFRecord), that hold Event messages of protocol
// buffers (tensorflow/core/util/event.proto, framework/summary.proto), encoded by hand
// since five fields are all that is needed.
package tensorboard

import (
	"encoding/binary"
	"hash/crc32"
	"io"
	"math"
	"time"

	"github.com/pkg/errors"
)

// Scalar is a named value; a tag with a slash groups plots, as in train/loss.
type Scalar struct {
	Tag   string
	Value float64
}

// Writer writes events. It is not safe for concurrent use.
type Writer struct {
	w             io.Writer
	event, record []byte
}

// Field numbers of Event, Summary, Summary.Value and SessionLog, with their wire types.
const (
	eventTime    = 1<<3 | 1 // double
	eventStep    = 2 << 3   // int64
	eventVersion = 3<<3 | 2 // string
	eventSummary = 5<<3 | 2 // Summary
	eventSession = 7<<3 | 2 // SessionLog
	summaryValue = 1<<3 | 2 // Value
	valueTag     = 1<<3 | 2 // string
	valueScalar  = 2<<3 | 5 // float
	sessionState = 1 << 3   // enum

	sessionStart = 1
)

// NewWriter begins a file at a step; TensorBoard then drops what earlier files of the
// folder say about later steps.
func NewWriter(w io.Writer, step int, now time.Time) (*Writer, error) {
	t := &Writer{w: w}
	t.begin(0, now)
	t.event = appendBytes(t.event, eventVersion, []byte("brain.Event:2"))
	if err := t.write(); err != nil {
		return nil, err
	}
	t.begin(step, now)
	t.event = appendBytes(t.event, eventSession, []byte{sessionState, sessionStart})
	return t, t.write()
}

// Write writes the scalars of a step.
func (t *Writer) Write(step int, now time.Time, scalars []Scalar) error {
	t.begin(step, now)
	var summary, value []byte
	for _, s := range scalars {
		value = appendBytes(value[:0], valueTag, []byte(s.Tag))
		value = append(value, valueScalar)
		value = binary.LittleEndian.AppendUint32(value, math.Float32bits(float32(s.Value)))
		summary = appendBytes(summary, summaryValue, value)
	}
	t.event = appendBytes(t.event, eventSummary, summary)
	return t.write()
}

func (t *Writer) begin(step int, now time.Time) {
	t.event = append(t.event[:0], eventTime)
	t.event = binary.LittleEndian.AppendUint64(t.event, math.Float64bits(float64(now.UnixNano())/1e9))
	t.event = append(t.event, eventStep)
	t.event = binary.AppendUvarint(t.event, uint64(step))
}

func appendBytes(to []byte, field byte, content []byte) []byte {
	to = append(to, field)
	to = binary.AppendUvarint(to, uint64(len(content)))
	return append(to, content...)
}

// write frames the event as one record.
func (t *Writer) write() error {
	t.record = binary.LittleEndian.AppendUint64(t.record[:0], uint64(len(t.event)))
	t.record = binary.LittleEndian.AppendUint32(t.record, masked(t.record))
	t.record = append(t.record, t.event...)
	t.record = binary.LittleEndian.AppendUint32(t.record, masked(t.event))
	_, err := t.w.Write(t.record)
	return errors.Wrap(err, "tensorboard")
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// masked is the checksum as TFRecord stores it, so that checksums of data that hold
// checksums are none.
func masked(b []byte) uint32 {
	c := crc32.Checksum(b, castagnoli)
	return (c>>15 | c<<17) + 0xa282ead8
}

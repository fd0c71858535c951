package control

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

// Heard is the samples of one target, which its fingerprint names.
type Heard struct {
	Target  uint64
	Samples []site.Sample
}

// A row is what one server heard in one period, as it goes into the store: a
// version, the texts of failures, and by target its samples, with their ages. It is small,
// because every server writes one each second: about 18 octets a sample.
const (
	rowVersion = 1
	maxDetails = 64 << 10 // octets of texts in a row; of further failures there is no text
)

// Numbers of signals and failures in a row: their places in these lists, to which
// others may only be added at the end.
var (
	rowSignals  = site.Signals()
	rowFailures = append([]site.Failure{""}, site.Failures()...)
)

// EncodeRow writes a row of what was heard up to now.
func EncodeRow(now time.Time, all []Heard) []byte {
	texts := newTexts(all)
	row := make([]byte, 0, 64+18*len(all))
	row = append(row, rowVersion)
	row = texts.append(row)
	for _, h := range all {
		row = binary.BigEndian.AppendUint64(row, h.Target)
		row = binary.AppendUvarint(row, uint64(len(h.Samples)))
		for _, s := range h.Samples {
			row = appendSample(row, now, s, texts.places[s.Detail])
		}
	}
	return row
}

func appendSample(row []byte, now time.Time, s site.Sample, text uint64) []byte {
	row = binary.AppendVarint(row, now.Sub(s.At).Milliseconds())
	row = append(row, byte(slices.Index(rowSignals, s.Signal)), byte(slices.Index(rowFailures, s.Failure)))
	row = binary.BigEndian.AppendUint32(row, math.Float32bits(float32(s.Value)))
	if s.Failure != "" {
		row = binary.AppendUvarint(row, text)
	}
	return row
}

// texts are what failed, each once; place 0 is that nobody knows.
type texts struct {
	list   []string
	places map[string]uint64
}

func newTexts(all []Heard) *texts {
	t, size := &texts{places: make(map[string]uint64)}, 0
	for _, h := range all {
		for _, s := range h.Samples {
			if s.Detail == "" || t.places[s.Detail] > 0 || size+len(s.Detail) > maxDetails {
				continue
			}
			size += len(s.Detail)
			t.list = append(t.list, s.Detail)
			t.places[s.Detail] = uint64(len(t.list))
		}
	}
	return t
}

func (t *texts) append(row []byte) []byte {
	row = binary.AppendUvarint(row, uint64(len(t.list)))
	for _, text := range t.list {
		row = binary.AppendUvarint(row, uint64(len(text)))
		row = append(row, text...)
	}
	return row
}

// DecodeRow reads a row, which was written some time ago by the clock of the store:
// so the clocks of servers need not agree.
func DecodeRow(row []byte, now time.Time, age time.Duration) ([]Heard, error) {
	d := &rowReader{rest: row}
	if version := d.octet(); version != rowVersion {
		return nil, fmt.Errorf("reading a row of samples: version %d is not %d", version, rowVersion)
	}
	list := d.texts()
	written := now.Add(-age)
	var all []Heard
	for len(d.rest) > 0 && d.err == nil {
		all = append(all, d.heard(written, list))
	}
	if d.err != nil {
		return nil, fmt.Errorf("reading a row of samples: %w", d.err)
	}
	return all, nil
}

// rowReader takes a row apart. After an error it returns zeroes.
type rowReader struct {
	rest []byte
	err  error
}

var errShort = errors.New("it ends too soon")

// take returns the next n octets.
func (d *rowReader) take(n uint64) []byte {
	if n > uint64(len(d.rest)) {
		d.err, d.rest = errShort, nil
		return make([]byte, min(n, 8))
	}
	taken := d.rest[:n]
	d.rest = d.rest[n:]
	return taken
}

func (d *rowReader) octet() byte    { return d.take(1)[0] }
func (d *rowReader) uint64() uint64 { return binary.BigEndian.Uint64(d.take(8)) }
func (d *rowReader) float() float64 {
	return float64(math.Float32frombits(binary.BigEndian.Uint32(d.take(4))))
}
func (d *rowReader) uvarint() uint64 { n, size := binary.Uvarint(d.rest); d.skip(size); return n }
func (d *rowReader) varint() int64   { n, size := binary.Varint(d.rest); d.skip(size); return n }

func (d *rowReader) skip(size int) {
	if size <= 0 {
		d.err, d.rest = errShort, nil
		return
	}
	d.rest = d.rest[size:]
}

func (d *rowReader) texts() []string {
	list := []string{""}
	for n := d.uvarint(); n > 0 && d.err == nil; n-- {
		list = append(list, string(d.take(d.uvarint())))
	}
	return list
}

func (d *rowReader) heard(written time.Time, list []string) Heard {
	h := Heard{Target: d.uint64()}
	for n := d.uvarint(); n > 0 && d.err == nil; n-- {
		h.Samples = append(h.Samples, d.sample(written, list))
	}
	return h
}

func (d *rowReader) sample(written time.Time, list []string) (s site.Sample) {
	s.At = written.Add(-time.Duration(d.varint()) * time.Millisecond)
	signal, failure := d.octet(), d.octet()
	s.Value = d.float()
	if int(signal) >= len(rowSignals) || int(failure) >= len(rowFailures) {
		d.err = fmt.Errorf("signal %d or failure %d is not known", signal, failure)
		return s
	}
	s.Signal, s.Failure = rowSignals[signal], rowFailures[failure]
	if s.Failure != "" {
		if text := d.uvarint(); text < uint64(len(list)) {
			s.Detail = list[text]
		}
	}
	return s
}

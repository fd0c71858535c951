package store

import (
	"bufio"
	"bytes"
	"cmp"
	"compress/gzip"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"reflect"
	"time"
)

// A state file is a header and a body. The header's layout, in big endian, is
// that of every version, so that a newer file can be told from a damaged one:
//
//	 0  "cdnstate"
//	 8  version of the body's format
//	16  time of writing, in ns since 1970
//	24  octets of the body
//	32  SHA-256 of the body and of the header's octets before this
//
// The body of version 1 is JSON, packed by gzip: a value, or several.
const (
	stateMagic      = "cdnstate"
	stateVersion    = 1
	stateHeaderSize = 32 + sha256.Size
)

// stateBuffer is how many octets are written or read at once.
const stateBuffer = 256 << 10

// A StateEncoder is a payload that is written as a sequence of values, since it
// would be long in one piece.
type StateEncoder interface {
	EncodeState(encode func(value any) error) error
}

// A StateDecoder reads what a StateEncoder wrote; after the last value decode
// returns io.EOF. It is called with a checksum that is right, on a new value.
type StateDecoder interface {
	DecodeState(decode func(into any) error) error
}

// newerStateError says that a file is whole, but of a format of the future.
type newerStateError struct{ version uint64 }

func (e *newerStateError) Error() string {
	return fmt.Sprintf("its format is version %d, and this program knows version %d at most", e.version, stateVersion)
}

// stateHeader is what stands before the checksum.
type stateHeader struct {
	Magic                    [8]byte
	Version, Written, Length uint64
}

func (h stateHeader) bytes() []byte {
	b, _ := binary.Append(nil, binary.BigEndian, h) // its size is fixed
	return b
}

// seal returns the header's octets with the checksum behind them, of a body that
// sum has had.
func (h stateHeader) seal(sum hash.Hash) []byte {
	b := h.bytes()
	sum.Write(b)
	return sum.Sum(b)
}

// writeState makes a state file and puts it on the disk.
func writeState(path string, payload any) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	err = fillState(f, payload)
	if err == nil {
		err = f.Sync()
	}
	return cmp.Or(err, f.Close())
}

// fillState writes the body, and then the header, which needs to know it.
func fillState(f *os.File, payload any) error {
	if _, err := f.Seek(stateHeaderSize, io.SeekStart); err != nil {
		return err
	}
	sum := sha256.New()
	out := bufio.NewWriterSize(io.MultiWriter(f, sum), stateBuffer)
	zip, _ := gzip.NewWriterLevel(out, gzip.BestSpeed) // it knows that level
	if err := cmp.Or(encodeState(zip, payload), zip.Close(), out.Flush()); err != nil {
		return err
	}
	end, err := f.Seek(0, io.SeekCurrent)
	if err != nil {
		return err
	}
	h := stateHeader{[8]byte([]byte(stateMagic)), stateVersion, uint64(time.Now().UnixNano()), uint64(end - stateHeaderSize)}
	_, err = f.WriteAt(h.seal(sum), 0)
	return err
}

func encodeState(w io.Writer, payload any) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	if p, ok := payload.(StateEncoder); ok {
		return p.EncodeState(enc.Encode)
	}
	return enc.Encode(payload)
}

// checkState says what is wrong with a file.
func checkState(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = verifyState(f)
	return err
}

// readState reads a state file into what into points to.
func readState(path string, into any) (written time.Time, err error) {
	f, err := os.Open(path)
	if err != nil {
		return time.Time{}, err
	}
	defer f.Close()
	if written, err = verifyState(f); err == nil {
		err = decodeWhole(f, into)
	}
	if err != nil {
		return time.Time{}, fmt.Errorf("file '%s' cannot be used: %w", path, err)
	}
	return written, nil
}

// verifyState reads all of a file and says what is wrong with it, or when it was written.
func verifyState(f *os.File) (written time.Time, err error) {
	head := make([]byte, stateHeaderSize)
	n, err := io.ReadFull(f, head)
	switch {
	case errors.Is(err, io.EOF):
		return written, errors.New("it is empty")
	case errors.Is(err, io.ErrUnexpectedEOF):
		return written, fmt.Errorf("it ends after %d octets, within its header", n)
	case err != nil:
		return written, err
	}
	var h stateHeader
	binary.Decode(head, binary.BigEndian, &h) // there are enough octets
	if string(h.Magic[:]) != stateMagic {
		return written, fmt.Errorf("it begins with %q, as no state file does", h.Magic)
	}
	if err := h.checkBody(f, head); err != nil {
		return written, err
	}
	if h.Version > stateVersion {
		return written, &newerStateError{h.Version}
	}
	return time.Unix(0, int64(h.Written)), nil
}

// checkBody compares the body with the header, whose octets are head.
func (h stateHeader) checkBody(f io.Reader, head []byte) error {
	sum := sha256.New()
	length, err := io.Copy(sum, f)
	switch {
	case err != nil:
		return err
	case uint64(length) != h.Length:
		return fmt.Errorf("it has %d octets behind its header, which speaks of %d", length, h.Length)
	case !bytes.Equal(h.seal(sum), head):
		return errors.New("its checksum is wrong")
	}
	return nil
}

// decodeWhole reads the body into a new value, and hands that on when all of it
// is there.
func decodeWhole(f *os.File, into any) error {
	if _, err := f.Seek(stateHeaderSize, io.SeekStart); err != nil {
		return err
	}
	target := reflect.ValueOf(into).Elem()
	value := reflect.New(target.Type())
	if err := decodeState(bufio.NewReaderSize(f, stateBuffer), value.Interface()); err != nil {
		return err
	}
	target.Set(value.Elem())
	return nil
}

// decodeState reads to the end, where gzip has a checksum of its own.
func decodeState(r io.Reader, into any) error {
	zip, err := gzip.NewReader(r)
	if err != nil {
		return err
	}
	dec := json.NewDecoder(zip)
	if p, ok := into.(StateDecoder); ok {
		err = p.DecodeState(dec.Decode)
	} else {
		err = dec.Decode(into)
	}
	if err != nil {
		return err
	}
	if err := dec.Decode(new(json.RawMessage)); !errors.Is(err, io.EOF) {
		return cmp.Or(err, errors.New("there is more in it than was expected"))
	}
	return nil
}

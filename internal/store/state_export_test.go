package store

import (
	"crypto/sha256"
	"encoding/binary"
	"os"
)

// CheckFile says what is wrong with a state file.
var CheckFile = checkState

// WriteVersion writes a state file and says that it is of a version.
func WriteVersion(path string, version uint64, payload any) error {
	if err := writeState(path, payload); err != nil {
		return err
	}
	file, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	var h stateHeader
	binary.Decode(file, binary.BigEndian, &h)
	h.Version = version
	sum := sha256.New()
	sum.Write(file[stateHeaderSize:])
	return os.WriteFile(path, append(h.seal(sum), file[stateHeaderSize:]...), 0o600)
}

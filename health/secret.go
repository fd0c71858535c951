package health

import (
	"fmt"
	"os"
	"strings"
)

// maxSecret is how large a file with a secret may be, in bytes.
const maxSecret = 64 << 10

// Secret is secret for whoever keeps one in the configuration.
func Secret(value string) (string, error) { return secret(value) }

// KeepsSecret reports whether a value stands for one that is kept elsewhere.
func KeepsSecret(value string) bool {
	value = strings.TrimSpace(value) // as the values of headers are
	return strings.HasPrefix(value, "env:") || strings.HasPrefix(value, "file:")
}

// secret returns what a value of the configuration stands for: "env:NAME" the
// variable of the environment, "file:PATH" what the file holds at the moment,
// without the newline at its end; anything else is itself. Its error says where
// it looked, never what it found.
func secret(value string) (string, error) {
	if name, found := strings.CutPrefix(value, "env:"); found {
		content, set := os.LookupEnv(name)
		if !set {
			return "", fmt.Errorf("%w: the environment has no variable '%s'", errLocal, name)
		}
		return content, nil
	}
	if path, found := strings.CutPrefix(value, "file:"); found {
		content, _, err := readRegular(path, maxSecret)
		if err != nil {
			return "", fmt.Errorf("%w: reading a secret: %w", errLocal, err)
		}
		return strings.TrimSuffix(strings.TrimSuffix(string(content), "\n"), "\r"), nil
	}
	return value, nil
}

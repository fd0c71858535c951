package health

import (
	"fmt"
	"os"
	"strings"
)

// secret returns the value that env:NAME or file:PATH stands for; any other
// text stands for itself.
func secret(value string) (string, error) {
	if name, ok := strings.CutPrefix(value, "env:"); ok {
		text, found := os.LookupEnv(name)
		if !found {
			return "", fmt.Errorf("environment variable '%s' is not set", name)
		}
		return text, nil
	}
	if path, ok := strings.CutPrefix(value, "file:"); ok {
		text, err := os.ReadFile(path)
		if err != nil {
			return "", fmt.Errorf("reading a secret: %w", err)
		}
		return strings.TrimSpace(string(text)), nil
	}
	return value, nil
}

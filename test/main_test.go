//go:build linux

package test

import (
	"flag"
	"fmt"
	"os"
	"testing"
)

func TestMain(m *testing.M) {
	if socket := os.Getenv(agentSocket); socket != "" {
		runAgent(socket)
		return
	}
	os.Exit(run(m))
}

func run(m *testing.M) int {
	flag.Parse()
	if err := widen(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	code := m.Run()
	os.RemoveAll(scratch.dir)
	return code
}

// widen lets more tests run side by side than there are cores: nearly all of
// their time is spent waiting for the next probe.
func widen() error {
	given := false
	flag.Visit(func(f *flag.Flag) { given = given || f.Name == "test.parallel" })
	if given {
		return nil
	}
	return flag.Set("test.parallel", "8")
}

//go:build linux

package test

import (
	"net"
	"sync"
	"testing"
)

// given holds the ports that were handed out: none is handed out twice.
var given sync.Map

// freePort returns a port of 127.0.0.1 that is free for UDP and for TCP. It may
// be taken before it is used; then try another one.
func freePort(t testing.TB) string {
	t.Helper()
	for range 100 {
		port, err := probePort()
		if _, again := given.LoadOrStore(port, true); err == nil && !again {
			return port
		}
	}
	t.Fatal("Expected a free port among 100")
	return ""
}

// probePort has the system pick a port for TCP, and sees whether UDP has it too.
func probePort() (string, error) {
	stream, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer stream.Close()
	packets, err := net.ListenPacket("udp", stream.Addr().String())
	if err != nil {
		return "", err
	}
	defer packets.Close()
	_, port, err := net.SplitHostPort(stream.Addr().String())
	return port, err
}

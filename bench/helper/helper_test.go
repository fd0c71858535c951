package main

import (
	"math"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/miekg/dns"
)

func write(t *testing.T, text string) (file string) {
	t.Helper()
	file = filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// TestRatiosAreOfOneRound has a machine that gets twice as slow.
func TestRatiosAreOfOneRound(t *testing.T) {
	r, err := read(write(t, `1 null 100 8.0 50 1024
1 ours 90 8.8 Inf 2048
2 null 50 16 60 1024
2 ours 45 17.6 70 2048
3 null 50 16 60 1024
3 ours 45 17.6 80 2048
`))
	if err != nil {
		t.Fatal(err)
	}
	cpu := func(l line) float64 { return l.cpu }
	if got, want := r.ratio("ours", "null", cpu).format("%.3f"), "1.100 (1.100..1.100)"; got != want {
		t.Errorf("Expected %s, got %s", want, got)
	}
	if got, want := r.column("ours", cpu).format("%.1f"), "17.6 (8.8..17.6)"; got != want {
		t.Errorf("Expected %s, got %s", want, got)
	}
	if got := r.column("ours", func(l line) float64 { return l.p99 }).format("%.0f"); got != "80 (70..-)" {
		t.Errorf("Expected the round without enough answers to be the slowest, got %s", got)
	}
	if got := r.ratio("left out", "null", cpu).median(); !math.IsNaN(got) {
		t.Errorf("Expected no ratio of a row that was left out, got %v", got)
	}
}

func TestReadRefusesWhatIsNoResult(t *testing.T) {
	for _, text := range []string{"1 null 100\n", "1 null 100 x 50 1024\n"} {
		if _, err := read(write(t, text)); err == nil {
			t.Errorf("Expected an error for %q", text)
		}
	}
}

// TestSampler has a server that answers 9 questions of 10, each after 2 ms at least.
func TestSampler(t *testing.T) {
	socket, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	up := make(chan struct{})
	server := &dns.Server{PacketConn: socket, NotifyStartedFunc: func() { close(up) },
		Handler: dns.HandlerFunc(func(w dns.ResponseWriter, r *dns.Msg) {
			if r.Id%10 != 0 {
				time.Sleep(2 * time.Millisecond)
				w.WriteMsg(new(dns.Msg).SetReply(r))
			}
		})}
	go server.ActivateAndServe()
	<-up
	defer server.Shutdown()

	questions, err := packed(write(t, "a.example.org A\nb.example.org A\n"))
	if err != nil {
		t.Fatal(err)
	}
	s, err := newSampler(socket.LocalAddr().String(), questions)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.run(100, time.Millisecond); err != nil {
		t.Fatal(err)
	}
	if got := len(s.times); got == 0 || got > 90 {
		t.Errorf("Expected times of the 90 answers, or of some if the machine is slow, got %d", got)
	}
	for _, got := range s.times {
		if got < 2*time.Millisecond {
			t.Fatalf("Expected at least 2ms, got %s", got)
		}
	}
}

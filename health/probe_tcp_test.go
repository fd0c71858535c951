package health_test

import (
	"bufio"
	"context"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

// speaking sends each text, one after the other, then closes.
func speaking(t *testing.T, texts ...string) string {
	t.Helper()
	return serve(t, "127.0.0.1:0", func(_ context.Context, conn net.Conn) {
		for _, text := range texts {
			io.WriteString(conn, text)
			time.Sleep(10 * time.Millisecond) // so that they arrive as two pieces; nothing depends on it
		}
	})
}

func TestTCPExpect(t *testing.T) {
	filler := strings.Repeat("filler, ", 64<<10/8-1) // 8 bytes short of what is read
	tests := []struct {
		name   string
		answer []string
		expect string
		want   site.Failure
		bytes  int64
		says   string
	}{
		{"NothingAwaited", nil, "", "", 0, ""},
		{"Whole", []string{"220 ready\r\n"}, "220 ", "", 11, ""},
		{"InPieces", []string{"22", "0 ready"}, "220 ready", "", 9, ""},
		{"AtTheVeryEnd", []string{filler, "expected"}, "expected", "", 64 << 10, ""},
		{"TooLate", []string{filler, " expected"}, "expected", site.FailureContent, 64 << 10, "not in the answer's 65536 bytes"},
		{"Other", []string{"550 secret"}, "220 ", site.FailureContent, 10, `waiting for "220 ": not in the answer's 10 bytes`},
		{"Half", []string{"expect"}, "expected", site.FailureContent, 6, "not in the answer's 6 bytes"},
		{"Nothing", nil, "220 ", site.FailureContent, 0, "not in the answer's 0 bytes"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			url := "tcp://" + speaking(t, tt.answer...)
			r := ask(t, probing(t, "tcp"), asked(url, site.Ask{Expect: tt.expect}))
			if tt.want == "" {
				wantGood(t, r)
			} else {
				wantFailure(t, r, tt.want, "probing '"+url+"': ", tt.says)
			}
			if r.Err != nil && (strings.Contains(r.Err.Error(), "secret") || strings.Contains(r.Err.Error(), "filler")) {
				t.Errorf("got error %q, which quotes the answer", r.Err)
			}
			if r.Bytes != tt.bytes {
				t.Errorf("got %d bytes, want %d", r.Bytes, tt.bytes)
			}
			if p := r.Phases; p.Connect <= 0 || (p.FirstByte > 0) != (tt.expect != "") || (p.Transfer > 0) != (tt.bytes > 0) {
				t.Errorf("got phases %+v", p)
			}
		})
	}
}

func TestTCPSend(t *testing.T) {
	address := serve(t, "127.0.0.1:0", func(_ context.Context, conn net.Conn) {
		line, _ := bufio.NewReader(conn).ReadString('\n')
		io.WriteString(conn, "you said "+line)
	})
	to := asked("tcp://"+address, site.Ask{Send: "PING\r\n", Expect: "said PING\r\n"})
	wantGood(t, ask(t, probing(t, "tcp"), to))
}

func TestTCPReset(t *testing.T) {
	address := serve(t, "127.0.0.1:0", func(_ context.Context, conn net.Conn) {
		conn.Read(make([]byte, 1))
		conn.(*net.TCPConn).SetLinger(0)
	})
	to := asked("tcp://"+address, site.Ask{Send: "PING\r\n", Expect: "PONG"})
	wantFailure(t, ask(t, probing(t, "tcp"), to), site.FailureConnect, `waiting for "PONG" after 0 bytes: `, "reset")
}

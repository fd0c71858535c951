package api_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/api"
	"github.com/cdnredirect/cdnredirect/test/bubble"
)

func (unsettled) Check(_ context.Context, texts api.DraftTexts, _ api.Caller) (api.Checked, error) {
	return api.Checked{Changes: len(texts.Sources[0].Text)}, nil
}

// TestF33ALargeBodyHasToCome with some speed: who trickles one holds its room for ten
// seconds.
func TestF33ALargeBodyHasToCome(t *testing.T) {
	const size = 8 << 20
	for speed, want := range map[int]struct { // octets a second
		status int
		took   time.Duration
	}{
		1:         {408, 10 * time.Second},
		512 << 10: {200, 16 * time.Second},
	} {
		bubble.Test(t, func(t *testing.T) {
			l := newPipes()
			c := api.New(api.Config{Engine: oneSite("a."), Log: new(journal), Tokens: everybody, Store: unsettled{}}).ConsoleOver(l)
			conn := l.connect()
			body := `{"sources": [{"name": "x", "text": "` + strings.Repeat("x", size) + `"}]}`
			began := time.Now()
			var sent sync.WaitGroup
			sent.Go(func() {
				fmt.Fprintf(conn, "POST /v1/check HTTP/1.1\r\nHost: a\r\nConnection: close\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n", tokenOf("acme"), len(body))
				for rest := []byte(body); len(rest) > 0; time.Sleep(time.Second) {
					n := min(speed, len(rest))
					if _, err := io.Copy(conn, bytes.NewReader(rest[:n])); err != nil {
						return
					}
					rest = rest[n:]
				}
			})
			resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
			if err != nil {
				t.Fatal(err)
			}
			if took := time.Since(began).Round(time.Second); resp.StatusCode != want.status || want.took > 0 && took != want.took {
				t.Errorf("%d octets a second: Expected %d after %s, got %d after %s", speed, want.status, want.took, resp.StatusCode, took)
			}
			conn.Close()
			sent.Wait()
			c.Close()
		})
	}
}

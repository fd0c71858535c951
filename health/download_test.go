package health_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"testing"
	"time"
	"unique"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

// file serves so many bytes at /, without heed of ranges at /whole, slowly at
// /slow and never to an end at /endless.
func file(t *testing.T, size int) string {
	content := make([]byte, size)
	return web(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/":
			http.ServeContent(w, r, "file.bin", time.Time{}, bytes.NewReader(content))
		case "/whole":
			w.Write(content)
		case "/half":
			w.Header().Set("Content-Length", fmt.Sprint(2*size))
			w.Write(content)
		case "/slow":
			w.Write(content[:80<<10])
			http.NewResponseController(w).Flush()
			time.Sleep(200 * time.Millisecond)
			w.Write(content[80<<10:])
		case "/mute":
			w.Write(content[:80<<10])
			http.NewResponseController(w).Flush()
			<-r.Context().Done()
		case "/endless":
			for err := error(nil); err == nil; {
				_, err = w.Write(content)
			}
		default:
			http.NotFound(w, r)
		}
	})
}

func TestDownload(t *testing.T) {
	const kib = 1 << 10
	url := file(t, 512*kib)
	tests := []struct {
		path   string
		size   int64
		want   site.Failure
		status int
		bytes  int64
	}{
		{"/", 256 * kib, "", 206, 256 * kib},
		{"/", 1024 * kib, "", 206, 512 * kib},
		{"/whole", 256 * kib, "", 200, 256 * kib},
		{"/endless", 1024 * kib, "", 200, 1024 * kib},
		{"/", 128*kib - 1, site.FailureContent, 206, 128*kib - 1},
		{"/", 128 * kib, "", 206, 128 * kib},
		{"/half", 2048 * kib, site.FailureProtocol, 200, 512 * kib},
		{"/none", 256 * kib, site.FailureStatus, 404, 0},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprint(tt.path, tt.size), func(t *testing.T) {
			to := target(url + tt.path)
			to.Kind, to.Ask = "download", unique.Make(site.Ask{Size: tt.size})
			r := ask(t, network(t).Probes()["download"], to)
			if r.Failure != tt.want || r.Status != tt.status || r.Bytes != tt.bytes || (r.Goodput > 0) != (tt.want == "") {
				t.Errorf("got failure %q (%v), status %d, %d bytes, %g bit/s", r.Failure, r.Err, r.Status, r.Bytes, r.Goodput)
			}
		})
	}
}

// 448 KiB in at least 0.2 s are at most 18.4 Mbit/s; generously late they are
// still some.
func TestDownloadMeasuresTheTime(t *testing.T) {
	to := target(file(t, 512<<10) + "/slow")
	to.Ask = unique.Make(site.Ask{Size: 512 << 10})
	r := ask(t, network(t).Probes()["download"], to)
	wantGood(t, r)
	if most, least := 448*1024*8/0.2, 448*1024*8/generous.Seconds(); r.Goodput > most || r.Goodput < least {
		t.Errorf("got %g bit/s, want %g to %g", r.Goodput, least, most)
	}
}

func TestDownloadTimeout(t *testing.T) {
	to := target(file(t, 512<<10) + "/mute")
	to.Ask, to.Timeout = unique.Make(site.Ask{Size: 512 << 10}), 300*time.Millisecond
	r := ask(t, network(t).Probes()["download"], to)
	wantFailure(t, r, site.FailureTimeout, "reading the body after ")
	if r.Goodput != 0 {
		t.Errorf("got %g bit/s of a download that failed", r.Goodput)
	}
}

func TestDownloadAsksForARange(t *testing.T) {
	var got string
	url := web(t, func(w http.ResponseWriter, r *http.Request) {
		got = r.Header.Get("Range")
		io.CopyN(w, zeros{}, 200<<10)
	})
	to := target(url)
	to.Ask = unique.Make(site.Ask{Size: 200 << 10})
	wantGood(t, ask(t, network(t).Probes()["download"], to))
	if want := "bytes=0-204799"; got != want {
		t.Errorf("got range %q, want %q", got, want)
	}
}

// zeros is an endless file of them.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

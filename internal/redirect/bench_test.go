package redirect_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

// nowhere takes an answer and forgets it.
type nowhere struct{ header http.Header }

func (n *nowhere) Header() http.Header         { return n.header }
func (n *nowhere) Write(p []byte) (int, error) { return len(p), nil }
func (n *nowhere) WriteHeader(int)             { clear(n.header) }

// BenchmarkServeHTTP is what an answer costs besides net/http.
func BenchmarkServeHTTP(b *testing.B) {
	for name, share := range map[string]float64{"all": 1, "shared": 0.5} {
		b.Run(name, func(b *testing.B) {
			bed := newBed()
			bed.decide(www+".", share)
			r := httptest.NewRequest("GET", "/a/b?c=d", nil)
			r.Host = www
			w := &nowhere{http.Header{}}
			b.ReportAllocs()
			for b.Loop() {
				bed.ServeHTTP(w, r)
			}
		})
	}
}

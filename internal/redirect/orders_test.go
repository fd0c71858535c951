package redirect_test

import (
	"crypto/tls"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/redirect"
	"github.com/cdnredirect/cdnredirect/test/bubble"
)

// TestAHandshakeWaitsForACertificateForAWhile and what has failed is not asked for
// again at once.
func TestAHandshakeWaitsForACertificateForAWhile(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		var asked atomic.Int32
		issue := make(chan error)
		get := redirect.Orders(func(host string) bool { return host == www }, func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			asked.Add(1)
			return new(tls.Certificate), <-issue
		})
		hello := &tls.ClientHelloInfo{ServerName: www}
		began := time.Now()
		for range 3 {
			if _, err := get(hello); err == nil || err.Error() != "there is no certificate for 'www.example.org' yet" {
				t.Errorf("Expected to be told that there is none yet, got %v", err)
			}
		}
		if took := time.Since(began); took != 30*time.Second || asked.Load() != 1 {
			t.Errorf("Expected three times 10 s and one order, got %s and %d", took, asked.Load())
		}
		if _, err := get(&tls.ClientHelloInfo{ServerName: "evil.example"}); err == nil || asked.Load() != 1 {
			t.Errorf("Expected a name that nobody knows to be refused, got %v", err)
		}
		failed := errors.New("no")
		issue <- failed
		for range 14 {
			if _, err := get(hello); !errors.Is(err, failed) || asked.Load() != 1 {
				t.Errorf("Expected the failure and no further order, got %v and %d", err, asked.Load())
			}
			time.Sleep(time.Minute)
		}
		time.Sleep(2 * time.Minute)
		go func() { issue <- nil }()
		if _, err := get(hello); err != nil || asked.Load() != 2 {
			t.Errorf("Expected a certificate in the end, got %v and %d orders", err, asked.Load())
		}
	})
}

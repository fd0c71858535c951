package redirect

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"fmt"
	"os"
	"sync/atomic"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

// lookEvery is how often the files of certificates are looked at.
const lookEvery = 10 * time.Second

// Files are certificates that lie in files, and are read again when these change.
type Files struct {
	pairs  []site.KeyPair
	log    Logger
	config atomic.Pointer[tls.Config]
	seen   [sha256.Size]byte // what was read last, good or bad
}

// NewFiles reads the certificates.
func NewFiles(pairs []site.KeyPair, log Logger) (*Files, error) {
	f := &Files{pairs: pairs, log: log}
	_, err := f.read()
	return f, err
}

// Config is what is spoken with them now.
func (f *Files) Config() *tls.Config { return f.config.Load() }

// read takes over what is in the files, if that is new.
func (f *Files) read() (changed bool, err error) {
	certificates := make([]tls.Certificate, len(f.pairs))
	sum := sha256.New()
	for i, pair := range f.pairs {
		cert, certErr := os.ReadFile(pair.Cert)
		key, keyErr := os.ReadFile(pair.Key)
		fmt.Fprintf(sum, "%q %v %q %v", cert, certErr, key, keyErr)
		if certificates[i], err = pairOf(cert, key, certErr, keyErr); err != nil {
			err = fmt.Errorf("reading certificate '%s' with key '%s': %w", pair.Cert, pair.Key, err)
			break
		}
	}
	seen := [sha256.Size]byte(sum.Sum(nil))
	changed, f.seen = seen != f.seen, seen
	if changed && err == nil {
		f.config.Store(newTLS(certificates))
	}
	return changed, err
}

func pairOf(cert, key []byte, failures ...error) (tls.Certificate, error) {
	for _, err := range failures {
		if err != nil {
			return tls.Certificate{}, err
		}
	}
	return tls.X509KeyPair(cert, key)
}

// newTLS returns what is spoken with certificates: the first that is good for
// the name that is asked for, or the first.
func newTLS(certificates []tls.Certificate) *tls.Config {
	return &tls.Config{MinVersion: tls.VersionTLS12, Certificates: certificates, NextProtos: []string{"h2", "http/1.1"}}
}

// Watch looks at the files until ctx ends. While they are wrong the certificates
// from before stay: a renewal may be half way.
func (f *Files) Watch(ctx context.Context) {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			f.look()
		}
	}
}

func (f *Files) look() {
	switch changed, err := f.read(); {
	case !changed:
	case err != nil:
		f.log.Warningf("the certificates from before stay: %v", err)
	default:
		f.log.Infof("certificate '%s' and what stands beside it has been read again", f.pairs[0].Cert)
	}
}

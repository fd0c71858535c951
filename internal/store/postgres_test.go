package store_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/cdnredirect/cdnredirect/internal/site"
	"github.com/cdnredirect/cdnredirect/internal/store"
	"github.com/cdnredirect/cdnredirect/test/pg"
)

// TestF20KilledServerLeavesAllOrNothing has the server crash at different
// moments of the publication of many objects.
func TestF20KilledServerLeavesAllOrNothing(t *testing.T) {
	t.Parallel()
	server := pg.Start(t)
	s := open(t, postgresConfig(t, server))
	objects := manySites(2000)
	begun := time.Now()
	told := publish(t, operator(s), 0, objects...) // the last revision that was confirmed
	usual := time.Since(begun)
	for round := range time.Duration(4) {
		told = publishInto(t, s, told, objects, usual*(round+1)/4, server.Kill)
		must(t, server.Start())
		revision, found, err := s.Changes(t.Context(), 0)
		must(t, err)
		if revision != told && revision != told+1 { // what was under way may have been done
			t.Errorf("Expected revision %d or the one after it, got %d", told, revision)
		}
		if len(found) != len(objects) {
			t.Errorf("Expected all of %d objects, got %d", len(objects), len(found))
		}
		for _, o := range found {
			if o.Revision != revision {
				t.Fatalf("Expected all objects of revision %d, got %s of %d", revision, o.Name, o.Revision)
			}
		}
		told = revision
	}
}

// publishInto publishes again and again until a crash has come about, and
// returns the last revision that was confirmed.
func publishInto(t *testing.T, s *store.Store, base int64, objects []site.Object, after time.Duration, crash func()) int64 {
	t.Helper()
	crashed := make(chan struct{})
	go func() {
		defer close(crashed)
		time.Sleep(after)
		crash()
	}()
	defer func() { <-crashed }()
	for {
		revision, err := operator(s).Publish(t.Context(), store.Publication{Base: base, Objects: objects})
		if err != nil {
			return base
		}
		base = revision
	}
}

// TestF20StoreGoesAndComesBack stops the server and starts it again.
func TestF20StoreGoesAndComesBack(t *testing.T) {
	t.Parallel()
	server := pg.Start(t)
	cfg := postgresConfig(t, server)
	said := new(journal)
	cfg.Log = said
	s := open(t, cfg)
	woken := waken(t, s)
	wakes(t, "itself", woken, func() { publish(t, operator(s), last(t, s), siteOf("www.example.org", "")) })
	server.Stop()
	if _, err := s.Revision(t.Context()); err == nil || !strings.HasPrefix(err.Error(), "reading the revision: ") {
		t.Errorf("Expected an error that says what was being done, got %v", err)
	}
	if _, err := store.Open(t.Context(), cfg); err == nil || !strings.HasPrefix(err.Error(), "opening the store: ") {
		t.Errorf("Expected a store that is away not to open, got %v", err)
	}
	eventually(t, "the listener to complain", func() bool { return strings.Contains(said.String(), "warning: waiting for changes of the store: ") })
	must(t, server.Start())
	publish(t, operator(s), last(t, s), siteOf("www.example.org", "", "after"))
	wakes(t, "itself", woken, func() { publish(t, operator(s), last(t, s), siteOf("www.example.org", "")) })
}

// TestTheLogSaysOnceThatNothingIsHeard of changes, and once more the next time.
func TestTheLogSaysOnceThatNothingIsHeard(t *testing.T) {
	t.Parallel()
	server := pg.Start(t)
	cfg := postgresConfig(t, server)
	said := new(journal)
	cfg.Log = said
	s := open(t, cfg)
	woken := waken(t, s)
	complaints := func() int { return strings.Count(said.String(), "warning: waiting for changes of the store: ") }
	for times := 1; times <= 2; times++ {
		wakes(t, "itself", woken, func() { publish(t, operator(s), last(t, s), siteOf("www.example.org", "", fmt.Sprint(times))) })
		server.Stop()
		eventually(t, "the listener to complain", func() bool { return complaints() == times })
		time.Sleep(2500 * time.Millisecond) // it tries each second
		equal(t, "Complaints", complaints(), times)
		must(t, server.Start())
	}
}

func last(t *testing.T, s *store.Store) int64 {
	t.Helper()
	revision, err := s.Revision(t.Context())
	must(t, err)
	return revision
}

// TestF21ServerThatDoesNotAnswer: calls end with their contexts, or by
// themselves, and work again afterwards.
func TestF21ServerThatDoesNotAnswer(t *testing.T) {
	t.Parallel()
	server := pg.Start(t)
	s := open(t, postgresConfig(t, server))
	publish(t, operator(s), 0, siteOf("www.example.org", ""))
	server.Pause()
	defer server.Resume()
	for name, call := range map[string]func(ctx context.Context) error{
		"Revision": func(ctx context.Context) error { _, err := s.Revision(ctx); return err },
		"Publish": func(ctx context.Context) error {
			_, err := operator(s).Publish(ctx, store.Publication{Base: 1, Objects: []site.Object{siteOf("www.example.org", "", "late")}})
			return err
		},
		"Lease": func(ctx context.Context) error { _, err := s.Lease(ctx, "ns1", time.Second); return err },
	} {
		ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
		begun := time.Now()
		if err := call(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s: expected the deadline to end it, got %v", name, err)
		}
		if took := time.Since(begun); took > generous/2 {
			t.Errorf("%s: expected it to end with its context, it took %v", name, took)
		}
		cancel()
	}
	begun := time.Now()
	if _, err := s.Revision(context.Background()); err == nil {
		t.Error("Expected a call without a deadline to end by itself, too")
	}
	if took := time.Since(begun); took > generous {
		t.Errorf("Expected a call without a deadline to take seconds, it took %v", took)
	}
	server.Resume()
	equal(t, "The revision", last(t, s), 1)
	publish(t, operator(s), 1, siteOf("www.example.org", "", "after"))
}

// middle stands between the store and the server, and may break connections.
type middle struct {
	net.Listener
	to    string
	trips atomic.Int64 // how often a client has asked after an answer
	mu    sync.Mutex
	conns []*net.TCPConn
	hold  bool // nothing goes through any more
}

func between(t *testing.T, to string) *middle {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	m := &middle{Listener: l, to: to}
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			serving.Go(func() { m.serve(conn.(*net.TCPConn)) })
		}
	})
	t.Cleanup(func() {
		l.Close()
		m.reset()
		serving.Wait()
	})
	return m
}

func (m *middle) serve(client *net.TCPConn) {
	server, err := net.Dial("tcp", m.to)
	if err != nil {
		client.Close()
		return
	}
	m.mu.Lock()
	m.conns = append(m.conns, client, server.(*net.TCPConn))
	m.mu.Unlock()
	var both sync.WaitGroup
	var answered atomic.Bool
	answered.Store(true)
	both.Go(func() {
		m.pass(server, client, func() {
			if answered.Swap(false) {
				m.trips.Add(1)
			}
		})
	})
	both.Go(func() { m.pass(client, server, func() { answered.Store(true) }) })
	both.Wait()
}

func (m *middle) pass(to, from net.Conn, heard func()) {
	defer to.Close()
	buffer := make([]byte, 32<<10)
	for {
		n, err := from.Read(buffer)
		if n > 0 {
			heard()
		}
		if m.held() {
			io.Copy(io.Discard, from) // half open: it reads, but nobody gets it
			return
		}
		if _, failed := to.Write(buffer[:n]); failed != nil || err != nil {
			return
		}
	}
}

func (m *middle) held() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.hold
}

// reset breaks all connections as a firewall or a crash does.
func (m *middle) reset() {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, c := range m.conns {
		c.SetLinger(0)
		c.Close()
	}
	m.conns, m.hold = nil, false
}

func (m *middle) holdAll() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.hold = true
}

// through is a store whose connections go through the middle.
func through(t *testing.T) (*middle, *store.Store) {
	t.Helper()
	server := postgresServer(t)
	cfg := postgresConfig(t, server)
	m := between(t, server.Address())
	dsn, err := url.Parse(cfg.Source)
	must(t, err)
	dsn.Host = m.Addr().String()
	cfg.Source = dsn.String()
	return m, open(t, cfg)
}

// busy has all connections of a store in use at once, so that all are there.
func busy(t *testing.T, s *store.Store) {
	t.Helper()
	var all sync.WaitGroup
	for range 40 {
		all.Go(func() { last(t, s) })
	}
	all.Wait()
}

func TestF21ResetConnectionsDoNotReachCallers(t *testing.T) {
	t.Parallel()
	m, s := through(t)
	for base := range int64(5) {
		busy(t, s)
		m.reset()
		publish(t, operator(s), base, siteOf("www.example.org", "", fmt.Sprint(base)))
		m.reset()
		equal(t, "The revision", last(t, s), base+1)
		busy(t, s)
		m.reset()
		take(t, s, "ns1", time.Hour)
		busy(t, s)
		m.reset()
		_, _, err := s.ReadDecisions(t.Context(), 0)
		must(t, err)
	}
}

func TestF21ResetInATransaction(t *testing.T) {
	t.Parallel()
	m, s := through(t)
	objects := manySites(3000)
	told, failed := int64(0), 0
	for round := 0; failed < 3 && round < 50; round++ {
		cut := time.AfterFunc(time.Duration(20+7*round%60)*time.Millisecond, m.reset)
		if revision, err := operator(s).Publish(t.Context(), store.Publication{Base: told, Objects: objects}); err == nil {
			told = revision
		} else {
			failed++
		}
		cut.Stop()
		revision, found, err := s.Changes(t.Context(), 0)
		must(t, err)
		if revision != told && revision != told+1 || revision > 0 && len(found) != len(objects) {
			t.Fatalf("Expected revision %d or the next with %d objects, got %d with %d", told, len(objects), revision, len(found))
		}
		told = revision
	}
	if failed == 0 {
		t.Error("Expected a reset to meet a transaction")
	}
}

func TestF21HalfOpenConnections(t *testing.T) {
	t.Parallel()
	m, s := through(t)
	busy(t, s)
	m.holdAll()
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if _, err := s.Revision(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Expected the deadline to end it, got %v", err)
	}
	m.mu.Lock()
	m.hold = false // new connections go through, the old ones are dead without a word
	m.mu.Unlock()
	publish(t, operator(s), 0, siteOf("www.example.org", ""))
	equal(t, "The revision", last(t, s), 1)
}

func TestDeadlocksAreTriedAgain(t *testing.T) {
	s := open(t, postgresConfig(t, postgresServer(t)))
	for _, code := range []string{"40001", "40P01"} {
		times := 0
		must(t, s.Twice(t.Context(), &pgconn.PgError{Code: code}, func() { times++ }))
		equal(t, "Tries after "+code, times, 2)
	}
	times := 0
	if err := s.Twice(t.Context(), &pgconn.PgError{Code: "23505"}, func() { times++ }); err == nil || times != 1 {
		t.Errorf("Expected any other failure to be the caller's, got %v after %d tries", err, times)
	}
}

// TestConnectionsAreBounded has more callers than there may be connections.
func TestConnectionsAreBounded(t *testing.T) {
	s := open(t, postgresConfig(t, postgresServer(t)))
	busy(t, s)
	var open int64
	must(t, s.Ask(t.Context(), &open, "SELECT COUNT(*) FROM pg_stat_activity WHERE application_name = 'cdnredirect ns1' AND datname = current_database()"))
	if open < 1 || open > 8 {
		t.Errorf("Expected 8 connections at most, got %d", open)
	}
}

func TestPasswordsStayInside(t *testing.T) {
	const secret = "s3cr3t"
	for _, dsn := range []string{
		"postgres://ann:s3cr3t@127.0.0.1:port/db",
		"postgres://ann:s3cr3t@127.0.0.1:1/db?connect_timeout=x",
		"postgres://ann:s3cr3t@127.0.0.1:1/db?sslmode=disable",
		"postgres://127.0.0.1:1/db?user=ann&password=s3cr3t&sslmode=odd",
		"postgres://ann:s3cr3t@[::1/db",
		"postgres://ann:%73%33cr3t%zz@127.0.0.1:1/db",
		"host=127.0.0.1 port=1 user=ann password=s3cr3t sslmode=disable",
		"host=127.0.0.1 port=1 user=ann password='s3cr3t more' sslmode=odd",
		"host=127.0.0.1 port=1 user=ann password = 's3cr3t",
		"ann:s3cr3t@127.0.0.1/db",
	} {
		said := new(journal)
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		_, err := store.Open(ctx, store.Config{Driver: "postgres", Source: dsn, Log: said})
		cancel()
		if err == nil || strings.Contains(err.Error()+said.String(), secret) {
			t.Errorf("Expected an error without the password, got %v %s", err, said)
		}
	}
	_, err := store.Open(t.Context(), store.Config{Driver: "postgres", Source: "postgres://ann:s3cr3t@127.0.0.1:1/db?sslmode=odd"})
	expect(t, err, store.ErrInvalid, "reading the DSN of the store: cannot parse `postgres://ann:xxxxx@127.0.0.1:1/db?sslmode=odd`: failed to configure TLS (sslmode is invalid)")
}

// certificate makes one for 127.0.0.1, and files that the server can read.
func certificate(t *testing.T, owner string) (certFile, keyFile string, pool *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	must(t, err)
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	must(t, err)
	certFile, keyFile = filepath.Join(owner, "cert.pem"), filepath.Join(owner, "key.pem")
	info, err := os.Stat(owner)
	must(t, err)
	of := info.Sys().(*syscall.Stat_t)
	for file, block := range map[string]*pem.Block{certFile: {Type: "CERTIFICATE", Bytes: der}, keyFile: {Type: "PRIVATE KEY", Bytes: secret}} {
		must(t, os.WriteFile(file, pem.EncodeToMemory(block), 0o600))
		must(t, os.Chown(file, int(of.Uid), int(of.Gid)))
	}
	cert, err := x509.ParseCertificate(der)
	must(t, err)
	pool = x509.NewCertPool()
	pool.AddCert(cert)
	return certFile, keyFile, pool
}

func TestTLS(t *testing.T) {
	t.Parallel()
	server := pg.Start(t)
	certFile, keyFile, pool := certificate(t, server.Folder())
	server.Stop()
	server.Set("ssl=on", "ssl_cert_file="+certFile, "ssl_key_file="+keyFile)
	must(t, server.Start())
	encrypted := func(cfg store.Config) bool {
		var is bool
		must(t, open(t, cfg).Ask(t.Context(), &is, "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()"))
		return is
	}
	cfg := postgresConfig(t, server)
	equal(t, "As the DSN says", encrypted(cfg), false)
	cfg.TLS = &tls.Config{RootCAs: pool}
	equal(t, "With TLS", encrypted(cfg), true)
	cfg.TLS = &tls.Config{RootCAs: x509.NewCertPool()}
	if _, err := store.Open(t.Context(), cfg); err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("Expected an unknown certificate to be refused, got %v", err)
	}
	cfg.TLS = &tls.Config{RootCAs: pool, ServerName: "db.example.org"}
	if _, err := store.Open(t.Context(), cfg); err == nil || !strings.Contains(err.Error(), "db.example.org") {
		t.Errorf("Expected a certificate of another name to be refused, got %v", err)
	}
	server.Stop()
	server.Set("ssl=off")
	must(t, server.Start())
	cfg.TLS = &tls.Config{RootCAs: pool}
	if _, err := store.Open(t.Context(), cfg); err == nil {
		t.Error("Expected a server without TLS to be refused")
	}
	cfg.Source = strings.Replace(cfg.Source, server.Address(), "", 1) + "&host=" + server.Socket() + "&port=" + strings.Split(server.Address(), ":")[1]
	equal(t, "Over the unix socket", encrypted(cfg), false)
}

// TestServersExchangeInOneRoundTripEach after a second in which nothing was said, too:
// one of them may be far from the database.
func TestServersExchangeInOneRoundTripEach(t *testing.T) {
	t.Parallel()
	m, s := through(t)
	decisions := []store.Decided{{Site: "a", Epoch: 1, Payload: []byte("x")}, {Site: "b", Epoch: 1}, {Site: "c"}}
	calls := []struct {
		name string
		call func() error
	}{
		{"Lease", func() error { _, err := s.Lease(t.Context(), "ns1", time.Hour); return err }},
		{"WriteSamples", func() error { return s.WriteSamples(t.Context(), "ns1", []byte{1}) }},
		{"ReadSamples", func() error { _, err := s.ReadSamples(t.Context(), 0); return err }},
		{"WriteDecisions", func() error { return s.WriteDecisions(t.Context(), "ns1", 1, decisions) }},
		{"ReadDecisions", func() error { _, _, err := s.ReadDecisions(t.Context(), 0); return err }},
	}
	must(t, calls[0].call()) // it connects
	for _, pause := range []time.Duration{0, 1100 * time.Millisecond} {
		time.Sleep(pause)
		for _, c := range calls {
			before := m.trips.Load()
			must(t, c.call())
			equal(t, fmt.Sprint("Round trips of ", c.name, " after ", pause), m.trips.Load()-before, 1)
		}
	}
}

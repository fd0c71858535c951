package store

import (
	"context"
	"crypto/tls"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"net"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
)

const (
	connections    = 8               // to PostgreSQL, at most
	connectTimeout = 5 * time.Second // unless the DSN has another
	pingAfter      = 5 * time.Second // without use a connection is tried before it is used, which is a round trip: not for what is done each second
)

// channel is where changes are announced.
const channel = "cdnredirect_store"

// session is what a connection is told first. A server that is cut off in the
// middle of a transaction must not hold the others up for long.
const session = `SET idle_in_transaction_session_timeout = '15s'; SET statement_timeout = '150s'`

// postgres is the dialect of PostgreSQL.
type postgres struct {
	db     *sql.DB
	config *pgx.ConnConfig
	log    Logger
}

func openPostgres(_ context.Context, cfg Config) (*Store, error) {
	config, err := postgresConfig(cfg)
	if err != nil {
		return nil, err
	}
	db := stdlib.OpenDB(*config, stdlib.OptionAfterConnect(func(ctx context.Context, c *pgx.Conn) error {
		return c.PgConn().Exec(ctx, session).Close()
	}), stdlib.OptionShouldPing(func(_ context.Context, p stdlib.ShouldPingParams) bool { return p.IdleDuration > pingAfter }))
	db.SetMaxOpenConns(connections)
	db.SetMaxIdleConns(connections)
	db.SetConnMaxIdleTime(5 * time.Minute)
	return &Store{cfg: cfg, dialect: &postgres{db, config, cfg.Log}, writer: db, reader: db, close: func() error { return nil }}, nil
}

func postgresConfig(cfg Config) (*pgx.ConnConfig, error) {
	config, err := pgx.ParseConfig(cfg.Source)
	if err != nil {
		return nil, fail(ErrInvalid, "reading the DSN of the store: %s", withoutSecrets(err.Error(), cfg.Source))
	}
	if config.ConnectTimeout == 0 {
		config.ConnectTimeout = connectTimeout
	}
	if config.RuntimeParams["application_name"] == "" {
		config.RuntimeParams["application_name"] = "cdnredirect " + cfg.Server
	}
	// Statements without names: they work behind every pooler.
	config.DefaultQueryExecMode = pgx.QueryExecModeExec
	if cfg.TLS != nil {
		encrypt(config, cfg.TLS)
	}
	return config, nil
}

// encrypt makes all connections use TLS, but for those over unix sockets.
func encrypt(config *pgx.ConnConfig, settings *tls.Config) {
	all := append([]*pgconn.FallbackConfig{{Host: config.Host, Port: config.Port}}, config.Fallbacks...)
	var kept []*pgconn.FallbackConfig
	seen := map[pgconn.FallbackConfig]bool{}
	for _, f := range all {
		place := pgconn.FallbackConfig{Host: f.Host, Port: f.Port}
		if seen[place] {
			continue // the same place without TLS, as the DSN would have it
		}
		seen[place] = true
		if !strings.HasPrefix(f.Host, "/") {
			place.TLSConfig = forHost(settings, f.Host)
		}
		kept = append(kept, &place)
	}
	config.Host, config.Port, config.TLSConfig = kept[0].Host, kept[0].Port, kept[0].TLSConfig
	config.Fallbacks = kept[1:]
}

func forHost(settings *tls.Config, host string) *tls.Config {
	settings = settings.Clone()
	if settings.ServerName == "" {
		settings.ServerName = host
	}
	return settings
}

func (*postgres) name() string { return "postgres" }
func (*postgres) now() string {
	return "CAST(floor(extract(epoch FROM clock_timestamp()) * 1000000) AS BIGINT)"
}
func (*postgres) numbered() bool { return true }
func (*postgres) tables() string {
	return "SELECT name FROM (SELECT tablename AS name FROM pg_tables WHERE schemaname = current_schema()) AS t"
}
func (*postgres) suffix() string { return ".sql.gz" }
func (*postgres) notify() string { return "SELECT pg_notify('" + channel + "', '')" }

func (*postgres) snapshot() *sql.TxOptions {
	return &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true}
}

// unhurried: who reads a table slowly, or sends what goes into one, is waited for.
func (*postgres) unhurried() string {
	return "SELECT set_config('statement_timeout', '0', TRUE), set_config('idle_in_transaction_session_timeout', '0', TRUE)"
}

// again: a serialization failure, or a deadlock.
func (*postgres) again(err error) bool {
	var of *pgconn.PgError
	return errors.As(err, &of) && (of.Code == "40001" || of.Code == "40P01")
}

// lost: anything that is no answer of the server's to a statement, and the
// answers by which it ends a connection.
func (*postgres) lost(err error) bool {
	var of *pgconn.PgError
	if errors.As(err, &of) {
		return strings.HasPrefix(of.Code, "57P") || strings.HasPrefix(of.Code, "08")
	}
	var network net.Error
	return errors.As(err, &network) || errors.Is(err, driver.ErrBadConn) || errors.Is(err, io.EOF) ||
		errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) || pgconn.SafeToRetry(err)
}

// forgetIdle closes the connections that nobody uses.
func (s *Store) forgetIdle() {
	if s.reader != s.writer {
		return
	}
	s.writer.SetMaxIdleConns(0)
	s.writer.SetMaxIdleConns(connections)
}

// domains makes the type blob, for which the databases have no common name.
func (*postgres) domains(ctx context.Context, db *sql.DB) error {
	_, err := db.ExecContext(ctx, makeBlob)
	return err
}

const makeBlob = `DO $$ BEGIN
IF NOT EXISTS (SELECT FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace WHERE t.typname = 'blob' AND n.nspname = current_schema()) THEN
CREATE DOMAIN blob AS bytea;
END IF; END $$`

// migrationLock is the number of the advisory lock that who migrates holds.
const migrationLock = 0x63646e72

// lock waits until nobody else migrates. The lock goes with the connection.
func (p *postgres) lock(ctx context.Context) (func(), error) {
	conn, err := p.db.Conn(ctx)
	if err != nil {
		return nil, err
	}
	if _, err := conn.ExecContext(ctx, "SELECT pg_advisory_lock($1)", int64(migrationLock)); err != nil {
		conn.Close()
		return nil, err
	}
	return func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
		defer cancel()
		if _, err := conn.ExecContext(ctx, "SELECT pg_advisory_unlock($1)", int64(migrationLock)); err != nil {
			conn.Raw(func(any) error { return driver.ErrBadConn }) // it is closed, and the lock with it
		}
		conn.Close()
	}, nil
}

// listen asks the server to tell of changes, on a connection of its own, and
// connects again after a while when that is gone. The log says so once, until it works
// again.
func (p *postgres) listen(ctx context.Context, _ *Store, wake func()) {
	heard := true
	for ctx.Err() == nil {
		err := p.hear(ctx, func() {
			heard = true
			wake()
		})
		if ctx.Err() != nil {
			return
		}
		if heard {
			p.log.Warningf("waiting for changes of the store: %v; trying again every %v", err, listenPause)
		}
		heard = false
		select {
		case <-time.After(listenPause):
		case <-ctx.Done():
		}
	}
}

const (
	listenPause = time.Second
	listenCheck = 10 * time.Second // without news for so long, the server is asked whether it is there
)

func (p *postgres) hear(ctx context.Context, wake func()) error {
	conn, err := pgx.ConnectConfig(ctx, p.config.Copy())
	if err != nil {
		return err
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		conn.Close(ctx)
	}()
	if _, err := conn.Exec(ctx, "LISTEN "+channel); err != nil {
		return err
	}
	for {
		wake() // at first, too: something may have changed while nobody listened
		if err := await(ctx, conn); err != nil {
			return err
		}
	}
}

// await returns at the next news.
func await(ctx context.Context, conn *pgx.Conn) error {
	for {
		waiting, cancel := context.WithTimeout(ctx, listenCheck)
		_, err := conn.WaitForNotification(waiting)
		quiet := waiting.Err() != nil && ctx.Err() == nil
		cancel()
		if err == nil || !quiet {
			return err
		}
		checking, cancel := context.WithTimeout(ctx, listenCheck)
		err = conn.Ping(checking)
		cancel()
		if err != nil {
			return err
		}
	}
}

package store

import (
	"context"
	"time"
)

// GoneAfter is after how long a server that says nothing counts as gone.
const GoneAfter = 10 * time.Second

// Server is what a server says of itself.
type Server struct {
	Name     string
	Version  string
	Schema   int64 // that it makes
	Revision int64 // that it serves
	Held     int64 // the revision that it holds back, if it does
	Refused  int   // objects that it does not take
	Alone    bool  // it decides alone, without the others
	Decides  bool  // it decides for all
	Seen     time.Time
	Ago      time.Duration // since then, by the database's clock
}

// Report says what a server does. It is seen by that.
func (s *Store) Report(ctx context.Context, r Server) error {
	err := s.write(ctx, func(t *tx) error {
		_, err := t.exec(`INSERT INTO servers (name, version, schema_number, revision, held, refused, alone, decides, seen) VALUES (?, ?, ?, ?, ?, ?, ?, ?, {now})
			ON CONFLICT (name) DO UPDATE SET version = excluded.version, schema_number = excluded.schema_number, revision = excluded.revision,
				held = excluded.held, refused = excluded.refused, alone = excluded.alone, decides = excluded.decides, seen = excluded.seen`,
			clean(r.Name), clean(r.Version), r.Schema, r.Revision, r.Held, int64(r.Refused), truth(r.Alone), truth(r.Decides))
		return err
	})
	return doing(err, "reporting server '%s'", r.Name)
}

// Servers lists all that have ever reported.
func (s *Store) Servers(ctx context.Context) (servers []Server, err error) {
	err = s.read(ctx, func(t *tx) error {
		servers = nil
		return t.each("SELECT name, version, schema_number, revision, held, refused, alone, decides, seen, {now} - seen FROM servers ORDER BY name", nil,
			func(scan func(...any) error) error {
				var r Server
				var alone, decides, seen, ago int64
				err := scan(&r.Name, &r.Version, &r.Schema, &r.Revision, &r.Held, &r.Refused, &alone, &decides, &seen, &ago)
				r.Alone, r.Decides, r.Seen, r.Ago = alone != 0, decides != 0, moment(seen), time.Duration(ago)*time.Microsecond
				servers = append(servers, r)
				return err
			})
	})
	return servers, doing(err, "listing the servers")
}

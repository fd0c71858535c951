package store

import (
	"context"
	"time"
)

// Samples are kept for sampleAge, and a little longer: they are swept out with every
// tenth write, which would take longer for each of them.
const (
	sampleAge    = 30 * time.Second
	sweepSamples = 10
)

// Samples are what a server has measured in one period.
type Samples struct {
	Seq     int64
	Server  string
	Payload []byte
	Age     time.Duration // by the database's clock
}

// WriteSamples hands a server's samples to the others, and removes old ones.
func (s *Store) WriteSamples(ctx context.Context, server string, payload []byte) error {
	b := new(batch)
	b.add("UPDATE counters SET value = value + 1 WHERE name = 'samples'")
	b.add("DELETE FROM samples WHERE at < {now} - ? AND (SELECT value FROM counters WHERE name = 'samples') % ? = 0", sampleAge.Microseconds(), int64(sweepSamples))
	b.add("INSERT INTO samples (number, server, at, payload) SELECT value, ?, {now}, ? FROM counters WHERE name = 'samples'", server, blob(payload))
	err := s.together(ctx, patience, b)
	return doing(err, "writing samples of server '%s'", server)
}

// blob makes of nothing an empty payload.
func blob(payload []byte) []byte {
	if payload == nil {
		return []byte{}
	}
	return payload
}

// ReadSamples returns what all servers have measured, in the order in which it
// was written, from behind a sequence number on.
func (s *Store) ReadSamples(ctx context.Context, after int64) (samples []Samples, err error) {
	err = s.glance(ctx, func(t *tx) error {
		samples = nil
		return t.each("SELECT number, server, payload, {now} - at FROM samples WHERE number > ? ORDER BY number", []any{after},
			func(scan func(...any) error) error {
				var one Samples
				var age int64
				err := scan(&one.Seq, &one.Server, &one.Payload, &age)
				one.Age = time.Duration(age) * time.Microsecond
				samples = append(samples, one)
				return err
			})
	})
	return samples, doing(err, "reading samples after number %d", after)
}

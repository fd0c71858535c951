package store

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

const setupColumns = "site, cdn, customer, state, asked, has, wants, ttl, revision, since, tries, words, next, mark, kept, version"

// DueSetups returns those of which something is to be done at a time: of each CDN those
// that have waited longest, so that none has to wait for another.
func (s *Store) DueSetups(ctx context.Context, now time.Time, limit int) (due []site.Setup, err error) {
	err = s.read(ctx, func(t *tx) error {
		cdns, err := t.texts("SELECT DISTINCT cdn FROM setups WHERE next > 0 ORDER BY cdn")
		for _, cdn := range cdns {
			some, failed := t.setups("next > 0 AND cdn = ? AND next <= ? ORDER BY next, site LIMIT ?", cdn, micros(now), bounded(limit))
			if failed != nil {
				return failed
			}
			due = append(due, some...)
		}
		return err
	})
	return due, doing(err, "looking for setups")
}

// SetupSites returns the sites that have some behind a name, in the order of names.
func (s *Store) SetupSites(ctx context.Context, after string, limit int) (names []string, err error) {
	err = s.read(ctx, func(t *tx) error {
		names, err = t.texts("SELECT DISTINCT site FROM setups WHERE site > ? ORDER BY site LIMIT ?", after, bounded(limit))
		return err
	})
	return names, doing(err, "listing the sites with setups")
}

// SetupsOf returns all of some sites, as many as fit into a statement.
func (s *Store) SetupsOf(ctx context.Context, sites []string) (found []site.Setup, err error) {
	err = s.read(ctx, func(t *tx) error {
		found, err = t.setups("site IN "+marks(1, len(sites))+" ORDER BY site, cdn", anys(sites)...)
		return err
	})
	return found, doing(err, "reading setups")
}

// SetupSite is what is known of a site that has setups.
type SetupSite struct {
	Stored bool // it is in the store
	Busy   bool // an onboarding or an offboarding of it is under way, which has its setups
}

// busySites are the sites of onboardings that have their setups: those of the customer
// whose these are, and those that a CDN was told of. Somebody who begins one of a name that
// was another customer's, and proves nothing, keeps no node from forgetting that.
const busySites = `SELECT site FROM onboardings AS o WHERE next > 0
	AND (EXISTS (SELECT 1 FROM setups AS s WHERE s.site = o.site AND s.customer = o.customer)
		OR EXISTS (SELECT 1 FROM onboarding_steps AS p WHERE p.onboarding = o.id AND p.cdn <> '' AND p.state NOT IN ('pending', 'undone')))`

// StandingOf returns what is known of some sites, as many as fit into a statement.
func (s *Store) StandingOf(ctx context.Context, sites []string) (map[string]SetupSite, error) {
	found := make(map[string]SetupSite, len(sites))
	err := s.read(ctx, func(t *tx) error {
		stored, err := t.texts("SELECT name FROM objects WHERE kind = 'site' AND until = {forever} AND text <> '' AND name IN "+marks(1, len(sites)), anys(sites)...)
		if err != nil {
			return err
		}
		busy, err := t.texts(busySites+" AND site IN "+marks(1, len(sites)), anys(sites)...)
		for _, name := range stored {
			found[name] = SetupSite{Stored: true}
		}
		for _, name := range busy {
			found[name] = SetupSite{Stored: found[name].Stored, Busy: true}
		}
		return err
	})
	return found, doing(err, "looking at sites with setups")
}

// PutSetups writes some: new ones, of version 0, and those that are as they were read. One
// that somebody else has changed meanwhile is left as it is: whoever has done so looks at
// it again. It is refused with ErrFenced if the lease is not the server's any more.
func (s *Store) PutSetups(ctx context.Context, fence Fence, all []site.Setup) (written int, err error) {
	err = s.write(ctx, func(t *tx) error {
		written = 0
		if err := t.hold(fence); err != nil {
			return err
		}
		for _, one := range all {
			n, err := t.putSetup(one)
			if err != nil {
				return err
			}
			written += int(n)
		}
		return nil
	})
	return written, doing(err, "writing setups")
}

func (t *tx) putSetup(s site.Setup) (int64, error) {
	values := []any{s.Customer, string(s.State), s.Asked, s.Has, s.Wants, s.TTL.Microseconds(), s.Revision, micros(s.Since), int64(s.Tries), clean(s.Words),
		micros(s.Next), micros(s.Mark), micros(s.Kept)}
	if s.Version == 0 {
		return t.exec("INSERT INTO setups ("+setupColumns+") VALUES "+marks(1, 16)+" ON CONFLICT (site, cdn) DO NOTHING",
			append(append([]any{s.Site, s.CDN}, values...), int64(1))...)
	}
	return t.exec(`UPDATE setups SET customer = ?, state = ?, asked = ?, has = ?, wants = ?, ttl = ?, revision = ?, since = ?, tries = ?, words = ?, next = ?, mark = ?, kept = ?,
		version = version + 1 WHERE site = ? AND cdn = ? AND version = ?`, append(values, s.Site, s.CDN, s.Version)...)
}

// DropSetups deletes some, unless somebody has changed them since they were read.
func (s *Store) DropSetups(ctx context.Context, fence Fence, all []site.Setup) error {
	err := s.write(ctx, func(t *tx) error {
		if err := t.hold(fence); err != nil {
			return err
		}
		for _, one := range all {
			if _, err := t.exec("DELETE FROM setups WHERE site = ? AND cdn = ? AND version = ?", one.Site, one.CDN, one.Version); err != nil {
				return err
			}
		}
		return nil
	})
	return doing(err, "deleting setups")
}

// CountSetups returns how many there are in each state.
func (s *Store) CountSetups(ctx context.Context) (map[site.SetupState]int, error) {
	counts := make(map[site.SetupState]int)
	err := s.read(ctx, func(t *tx) error {
		return t.each("SELECT state, COUNT(*) FROM setups GROUP BY state", nil, func(scan func(...any) error) error {
			var state string
			var n int
			err := scan(&state, &n)
			counts[site.SetupState(state)] = n
			return err
		})
	})
	return counts, doing(err, "counting setups")
}

// SetupQuery says which setups are wanted.
type SetupQuery struct {
	Site      string // empty: of all sites
	State     site.SetupState
	AfterSite string // they are behind this one, in the order of sites and CDNs
	AfterCDN  string
	Limit     int
}

// Setups lists those that the viewer may see.
func (v *View) Setups(ctx context.Context, q SetupQuery) (found []site.Setup, err error) {
	if err := v.known(); err != nil {
		return nil, doing(err, "listing setups")
	}
	where, args := v.mine("customer")
	where, args = where+" AND (site > ? OR site = ? AND cdn > ?)", append(args, q.AfterSite, q.AfterSite, q.AfterCDN)
	if q.Site != "" {
		where, args = where+" AND site = ?", append(args, q.Site)
	}
	if q.State != "" {
		where, args = where+" AND state = ?", append(args, string(q.State))
	}
	err = v.s.read(ctx, func(t *tx) error {
		found, err = t.setups(where+" ORDER BY site, cdn LIMIT ?", append(args, bounded(q.Limit))...)
		return err
	})
	return found, doing(err, "listing setups")
}

// RetrySetups has what a provider has refused, or what waits, of a site, or of all if that
// is empty, be tried anew: at one CDN, or at all if that is empty. It returns how many that
// are.
func (v *View) RetrySetups(ctx context.Context, name, cdn string) (n int64, err error) {
	whose := fmt.Sprintf("site '%s'", name)
	if name == "" {
		whose = "all sites"
	}
	what := "retrying the setups of " + whose
	if err := v.operates(what); err != nil {
		return 0, err
	}
	err = v.s.write(ctx, func(t *tx) error {
		const which = "(site = ? OR ? = '') AND (cdn = ? OR ? = '')"
		there, err := t.one("SELECT site FROM setups WHERE "+which+" LIMIT 1", []any{name, name, cdn, cdn}, new(string))
		if err == nil && !there && name+cdn != "" {
			err = fail(ErrNotFound, "there is no such setup")
		}
		if err != nil {
			return err
		}
		// Since is new, and with it the key: some providers answer an old one as before.
		n, err = t.exec(`UPDATE setups SET state = CASE WHEN wants = '' THEN ? ELSE ? END, since = {now}, tries = 0, next = {now}, version = version + 1
			WHERE `+which+` AND (state = ? OR next > 0)`,
			string(site.SetupLeaving), string(site.SetupChanging), name, name, cdn, cdn, string(site.SetupRefused))
		if err != nil {
			return err
		}
		t.wake()
		return v.audit(t, fmt.Sprintf("retry the setups of %s at %s", whose, cmp.Or(cdn, "all CDNs")), 0, 0)
	})
	return n, doing(err, "%s", what)
}

func (t *tx) setups(where string, args ...any) (found []site.Setup, err error) {
	err = t.each("SELECT "+setupColumns+" FROM setups WHERE "+where, args, func(scan func(...any) error) error {
		var s site.Setup
		var ttl, since, next, mark, kept int64
		err := scan(&s.Site, &s.CDN, &s.Customer, &s.State, &s.Asked, &s.Has, &s.Wants, &ttl, &s.Revision, &since, &s.Tries, &s.Words, &next, &mark, &kept, &s.Version)
		s.TTL, s.Since, s.Next, s.Mark, s.Kept = time.Duration(ttl)*time.Microsecond, moment(since), moment(next), moment(mark), moment(kept)
		found = append(found, s)
		return err
	})
	return found, err
}

// texts reads rows of one text each.
func (t *tx) texts(query string, args ...any) (found []string, err error) {
	err = t.each(query, args, func(scan func(...any) error) error {
		var one string
		err := scan(&one)
		found = append(found, one)
		return err
	})
	return found, err
}

package onboard

import (
	"context"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

// aimed is a setup that is to become what has the digest; empty: nothing. One that is
// that, is on its way there, or was refused just that stays as it is.
func aimed(s site.Setup, digest string, revision int64, now time.Time) site.Setup {
	rests := s.State == site.SetupDone || s.State == site.SetupRemoved || s.State == site.SetupRefused
	if s.State != "" && s.Wants == digest && (rests || !s.Next.IsZero()) {
		return s
	}
	s.Wants, s.Revision, s.Since, s.Next = digest, revision, now, now
	s.Tries, s.Words, s.Mark = 0, "", time.Time{}
	switch {
	case digest == "":
		s.State = site.SetupLeaving
	case digest == s.Has: // it has not been told anything else
		s.State, s.Next = site.SetupDone, time.Time{}
	default:
		s.State = site.SetupChanging
	}
	return s
}

// tried is a setup after a try, and what came of that.
func tried(s site.Setup, err error, words string, now time.Time) site.Setup {
	out := outcomeOf(err)
	s.Words, s.Next = words, time.Time{}
	if !out.mark.IsZero() {
		s.Mark = out.mark
	}
	switch {
	case out.waits && !out.until.IsZero():
		s.Next = out.until
	case out.waits:
		s.Tries++
		s.Next = now.Add(pause(s.Tries))
	case err != nil:
		s.State = site.SetupRefused
	case s.Wants == "":
		s.State = site.SetupRemoved
	default:
		s.State, s.Has = site.SetupDone, s.Wants
	}
	return s
}

// pause is how long to wait after so many tries.
func pause(tries int) time.Duration { return min(firstPause<<min(tries-1, 10), lastPause) }

// compared returns those setups of a site that are to be others, and those that nobody
// needs any more. s is nil if the site is not in force. A site without any was never set
// up by an onboarding, and stays so.
func compared(all []site.Setup, s *site.Site, by func(cdn string) site.Provision, revision int64, now time.Time) (puts, drops []site.Setup) {
	left := make(map[string]site.Setup, len(all))
	for _, one := range all {
		left[one.CDN] = one
	}
	put := func(was, is site.Setup) {
		if was != is {
			puts = append(puts, is)
		}
	}
	for _, c := range cdnsOf(s) {
		was := left[c.Name]
		delete(left, c.Name)
		is := aimed(was, contentOf(s, c, by(c.Name)).digest(by(c.Name)), revision, now)
		is.Site, is.CDN, is.Customer = all[0].Site, c.Name, s.Customer
		put(was, lasting(is, keptFor(s), now))
	}
	for _, was := range all {
		if _, gone := left[was.CDN]; !gone {
			continue
		}
		if s == nil && was.State == site.SetupRemoved {
			drops = append(drops, was)
			continue
		}
		put(was, aimed(was, "", revision, now))
	}
	return puts, drops
}

func cdnsOf(s *site.Site) []site.CDN {
	if s == nil {
		return nil
	}
	return s.CDNs
}

// lasting is a setup of a site whose answers resolvers keep for another time from now on.
// Where that is shorter, some have answers with the time before.
func lasting(s site.Setup, ttl time.Duration, now time.Time) site.Setup {
	if until := now.Add(s.TTL); ttl < s.TTL && until.After(s.Kept) {
		s.Kept = until
	}
	s.TTL = ttl
	return s
}

// forgotten is when resolvers have forgotten answers that no server has given since a
// moment.
func forgotten(s site.Setup, from time.Time) time.Time {
	if until := from.Add(s.TTL); until.After(s.Kept) {
		return until
	}
	return s.Kept
}

// Forgotten returns when resolvers have forgotten the answers of a site that no server has
// given since a moment; zero: nothing is known of it.
func (f *Follower) Forgotten(ctx context.Context, name string, from time.Time) (until time.Time, err error) {
	of, err := f.setupsOf(ctx, []string{name})
	for _, s := range of[name] {
		if one := forgotten(s, from); one.After(until) {
			until = one
		}
	}
	return until, err
}

// keptFor is for how long resolvers keep the answers of a site.
func keptFor(s *site.Site) time.Duration { return max(s.TTL.Full, s.TTL.Diverted, leastCached) }

package site

import "time"

// Setup is the side of a site at one CDN, as a provider has set it up for an onboarding,
// and how that follows later changes. It is a value: what is done next follows from it
// and from what is in force.
type Setup struct {
	Site     string // name of the object
	CDN      string
	Customer string // whose the site is; empty: the operator's

	State SetupState
	Asked string        // what the provider was asked for last, as package onboard writes it
	Has   string        // digest of what the provider has; empty: it is not known
	Wants string        // digest of what it is to have; empty: nothing
	TTL   time.Duration // so long resolvers keep the site's answers

	Revision int64     // in force when that was first wanted
	Since    time.Time // when it was
	Tries    int       // since then
	Words    string    // what came of the last one, for operators
	Next     time.Time // when the next one is due; zero: never
	Mark     time.Time // from when on no server leads anybody there; zero: some may
	Kept     time.Time // until then resolvers have answers with a longer TTL, which the site had before; zero: none have
	Version  int64     // counts its writes
}

// SetupState is how a setup is.
type SetupState string

// The states of a setup.
const (
	SetupDone     SetupState = "done"     // the CDN has the site as it is in force
	SetupChanging SetupState = "changing" // it is being told
	SetupLeaving  SetupState = "leaving"  // the site is no longer there, or will not be
	SetupRemoved  SetupState = "removed"  // it was taken away; the site is in force without this CDN
	SetupRefused  SetupState = "refused"  // the provider will have none of it
)

// SetupStates lists them.
func SetupStates() []SetupState {
	return []SetupState{SetupDone, SetupChanging, SetupLeaving, SetupRemoved, SetupRefused}
}

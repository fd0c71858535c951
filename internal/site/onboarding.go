package site

import "time"

// Onboarding is one operation that takes a site from a text to visitors, or out of
// service again. It is a value: what is done next follows from it alone.
type Onboarding struct {
	ID       string
	Kind     OnboardingKind
	Site     string   // name of the object
	Customer string   // whose it is; empty: the operator's
	Text     string   // of the object: that which comes into force, or goes
	Names    []string // all names and hosts of the site, without final dots
	Base     int64    // revision of the object that goes
	Proof    ProofKind
	Token    string // that TXT records have to show
	By       string // who asked for it
	Operator bool   // that is an operator
	Why      string
	Began    time.Time

	State     OnboardingState
	Cancelled string    // who wants it undone; empty: nobody
	Failure   string    // why it is undone, or was
	Inside    bool      // the failure is in words of a step that are for operators
	Left      bool      // something that was to go could not be taken away
	Changed   time.Time // when it was written last
	Next      time.Time // when something is to be done; zero: never again
	Published int64     // the revision that it has made; 0: none
	Withdrawn int64     // the revision that has taken that back; 0: none
	Version   int64     // counts its writes
	Steps     []OnboardingStep
}

// OnboardingStep is one step of it.
type OnboardingStep struct {
	Name   string // such as "proof"
	CDN    string // that the step is about; empty: none by itself
	State  StepState
	Words  string    // what is to be done, what went wrong, or what came of it
	Inside bool      // the words are of the operator's programs, and for operators
	Tries  int       // since it is in that state, or waits in it
	Since  time.Time // when it was first tried, or first undone
	Next   time.Time // when it is tried again
	Mark   time.Time // from when on something is waited for; zero: nothing yet
}

// OnboardingKind says which way it goes.
type OnboardingKind string

// The kinds.
const (
	Onboard  OnboardingKind = "onboard"  // the site comes into force
	Offboard OnboardingKind = "offboard" // it goes
)

// ProofKind is how a customer shows that names are his.
type ProofKind string

// The kinds of proof.
const (
	ProofTXT      ProofKind = "txt"      // by a token in DNS
	ProofOperator ProofKind = "operator" // by an operator's word
)

// OnboardingState is how an onboarding is.
type OnboardingState string

// The states.
const (
	OnboardingRuns   OnboardingState = "running"
	OnboardingUndoes OnboardingState = "undoing"
	OnboardingDone   OnboardingState = "done"
	OnboardingUndone OnboardingState = "undone"
	OnboardingLeft   OnboardingState = "left" // it is not done, and something of it is left
)

// Over reports whether nothing more is done.
func (o *Onboarding) Over() bool { return o.State != OnboardingRuns && o.State != OnboardingUndoes }

// StepState is how a step is.
type StepState string

// The states of a step.
const (
	StepPending StepState = "pending" // nothing was done
	StepBegun   StepState = "begun"   // it is under way, or was when the server ended
	StepWaiting StepState = "waiting" // for somebody, or for what does not answer
	StepDone    StepState = "done"
	StepFailed  StepState = "failed"
	StepUndoing StepState = "undoing"
	StepUndone  StepState = "undone"
	StepLeft    StepState = "left" // it could not be done, or undone: something is left
)

// Touched reports whether something may have come of the step that is to be undone.
func (s StepState) Touched() bool {
	return s == StepBegun || s == StepWaiting || s == StepDone || s == StepFailed || s == StepUndoing
}

package onboard

import (
	"fmt"
	"slices"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

// Pauses between two tries of a step that waits. Each is twice the one before.
const (
	firstPause = time.Second
	lastPause  = time.Minute
)

// Limit is how long a step may wait, unless something else is said.
const Limit = 7 * 24 * time.Hour

// action is what is to be done next: a step, or its undoing.
type action struct {
	step int
	undo bool
}

// next returns what is to be done next. There is something, unless it is over.
func next(o site.Onboarding) (a action, more bool) {
	switch o.State {
	case site.OnboardingRuns:
		for i, s := range o.Steps {
			if s.State != site.StepDone && s.State != site.StepLeft {
				return action{step: i}, true
			}
		}
	case site.OnboardingUndoes:
		for i, s := range slices.Backward(o.Steps) {
			if s.State.Touched() {
				return action{step: i, undo: true}, true
			}
		}
	}
	return a, false
}

// settled is an onboarding with all that follows from what is known of it: it is
// cancelled, it is done, it is undone.
func settled(o site.Onboarding, now time.Time) site.Onboarding {
	if o.State == site.OnboardingRuns && o.Cancelled != "" {
		o = undone(o, fmt.Sprintf("cancelled by %s", o.Cancelled))
		o.Changed, o.Next = now, now
	}
	_, more := next(o)
	switch {
	case more || o.Over():
		return o
	case o.State == site.OnboardingRuns:
		o.State = site.OnboardingDone
	case o.Left:
		o.State = site.OnboardingLeft
	default:
		o.State = site.OnboardingUndone
	}
	o.Changed, o.Next = now, time.Time{}
	return o
}

// undone has an onboarding be undone from now on.
func undone(o site.Onboarding, why string) site.Onboarding {
	o.State, o.Failure = site.OnboardingUndoes, why
	return o
}

// due is from when on the next action may be tried. One that is cancelled waits for
// nothing, and what was begun is gone on with at once.
func due(o site.Onboarding, a action) time.Time {
	s := o.Steps[a.step]
	if a.undo != (s.State == site.StepUndoing) {
		return time.Time{}
	}
	return s.Next
}

// begun is an onboarding that tries an action.
func begun(o site.Onboarding, a action, now time.Time) site.Onboarding {
	o.Steps = slices.Clone(o.Steps)
	s, to := &o.Steps[a.step], site.StepBegun
	if a.undo {
		to = site.StepUndoing
	}
	if s.State == site.StepPending || a.undo && s.State != to {
		s.Since, s.Tries, s.Mark = now, 0, time.Time{}
	}
	s.State, s.Next = to, time.Time{}
	s.Tries++
	o.Changed, o.Next = now, now
	return o
}

// took is an onboarding after a try, and what came of that.
func took(o site.Onboarding, a action, err error, words string, now time.Time, limit time.Duration) site.Onboarding {
	o.Steps = slices.Clone(o.Steps)
	s, out := &o.Steps[a.step], outcomeOf(err)
	o.Changed, o.Next = now, now
	s.Words, s.Inside = words, isInside(err)
	if !out.mark.IsZero() {
		s.Mark = out.mark
	}
	if out.waits {
		if now.Sub(s.Since) < limit {
			return waits(o, a, out, now)
		}
		s.Words = fmt.Sprintf("given up after %s: %s", age(limit), words)
	}
	switch {
	case a.undo:
		o = undid(o, a.step, err, out)
	case err == nil:
		s.State = site.StepDone
	case goesOn(o, a.step):
		s.State, o.Left = site.StepLeft, true
	default:
		s.State = site.StepFailed
		o = undone(o, fmt.Sprintf("%s: %s", nameOf(*s), s.Words))
		o.Inside = s.Inside
	}
	return settled(o, now)
}

// waits is an onboarding whose step is to be tried again.
func waits(o site.Onboarding, a action, out outcome, now time.Time) site.Onboarding {
	s := &o.Steps[a.step]
	s.Next = out.until
	if s.Next.IsZero() {
		s.Next = now.Add(pause(s.Tries))
	}
	if !a.undo {
		s.State = site.StepWaiting
	}
	o.Next = s.Next
	return settled(o, now)
}

// undid is an onboarding that has undone a step, or could not. Where a step stays, all
// before it do.
func undid(o site.Onboarding, step int, err error, out outcome) site.Onboarding {
	s := &o.Steps[step]
	s.State = site.StepUndone
	if err == nil {
		return o
	}
	s.State, o.Left = site.StepLeft, true
	for i := 0; out.stays && i < step; i++ {
		if o.Steps[i].State.Touched() {
			o.Steps[i].State = site.StepLeft
		}
	}
	return o
}

// goesOn reports whether an onboarding goes on when a step has failed: a site that is
// out of force does not come back because something of it could not be removed.
func goesOn(o site.Onboarding, step int) bool {
	left := slices.IndexFunc(o.Steps, func(s site.OnboardingStep) bool { return s.Name == stepPublish })
	return o.Kind == site.Offboard && left >= 0 && step > left
}

// nameOf is what people call a step.
func nameOf(s site.OnboardingStep) string {
	if s.CDN == "" {
		return s.Name
	}
	return s.Name + " " + s.CDN
}

// age says a time as people do who wait for days.
func age(d time.Duration) string {
	if day := 24 * time.Hour; d >= day && d%day == 0 {
		return fmt.Sprintf("%d days", d/day)
	}
	return d.String()
}

package engine

import "time"

// Times of long work that can wait.
const (
	stretch  = time.Millisecond      // of work, at least, before it rests
	restsFor = 9                     // times as long
	longest  = 10 * time.Millisecond // of a stretch that counts: what seems longer has waited for a processor or a disk
)

// pace keeps long work from taking a processor for itself: answers would have to wait
// for it, where there is only one.
type pace struct {
	hurry func() bool // somebody waits for the work
	began time.Time   // when the stretch did
}

// rest is called between small parts of the work.
func (p *pace) rest() {
	worked := time.Since(p.began)
	if worked < stretch {
		return
	}
	if !p.hurry() {
		time.Sleep(restsFor * min(worked, longest))
	}
	p.began = time.Now()
}

// Package health observes: it asks targets how they are, on time, and keeps
// the samples that come of it. What a sample means for a site is decided
// elsewhere (internal/control); this package judges nothing but one probe.
//
// A Probe is a function without state. The Scheduler runs one per target on a
// fixed grid of times and hands on a site.Sample for each. A Window keeps the
// newest samples of one source.
package health

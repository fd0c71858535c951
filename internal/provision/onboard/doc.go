// Package onboard takes a site from a text to visitors in one operation, and out of
// service again: checks, proofs, the CDN's side, publication.
//
// An onboarding is a value (site.Onboarding) with steps. What is to be done next, and
// what becomes of it by what was found, are pure functions (machine.go). It is written
// before each try of a step, and after it: so a server that ends anywhere leaves one
// that the next server goes on with. A step may be tried again although it was done
// already, and does then what is left of it: every step is idempotent, and providers
// get a key that is the same each time.
//
// A step that waits for somebody is tried again, and given up after a time. One that
// fails has those before it undone, the last one first.
//
// What the steps need of the world is asked through small interfaces, which
// internal/engine implements.
package onboard

// Package provision holds the rules by which what the store says becomes what a
// server serves: revisions go up only, and one that would take most sites away
// waits for an operator.
//
// It asks nobody and keeps no clock: internal/engine brings revisions, and says
// what became of them.
package provision

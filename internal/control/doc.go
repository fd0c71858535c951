// Package control takes the decision: windows of samples go in, a performance
// value comes of them, and of that a decision.
//
// It does no I/O, reads no clock and keeps nothing: what it must remember
// between two samples is a State, which its caller keeps.
package control

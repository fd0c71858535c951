// Package site holds the words of the product as types: what a customer has
// (sites, origins, CDNs), what an operator asks for (thresholds, times,
// TTLs), what the monitor yields (samples) and what comes out (decisions).
//
// It imports nothing of ours, so every other package may speak its language.
package site

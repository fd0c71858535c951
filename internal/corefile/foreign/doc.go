// Package foreign reads the configuration of other products and writes blocks of
// ours: gdnsd (vscf.go, gdnsd*.go), coredns-gslb (gslb*.go, yaml.go), and zone files
// (zone*.go).
//
// What ours cannot say is never changed in silence. Every line that was not taken,
// or not as it was meant, is a Note with its place; what is none of ours, and stays
// where it is, is one too, which is no fault. What is written is a text that
// corefile.Objects takes; whether it is good in a server's Corefile, that server says.
package foreign

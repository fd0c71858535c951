package site

import "net/netip"

// Console is where the API is answered over HTTP, as the Corefile says.
type Console struct {
	Address     netip.AddrPort
	Certificate KeyPair // TLS is spoken with that; empty: none is
}

// Secure reports whether TLS is spoken.
func (c Console) Secure() bool { return c.Certificate != KeyPair{} }

package redirect

import (
	"net/netip"
	"strings"
)

// client returns the address of the visitor: the peer's, or what a trusted peer
// says of it. From the right, each proxy has added whom it was asked by, so the
// first that is not trusted is the last that can be believed.
func (v *View) client(r *request) netip.Addr {
	client := r.peer
	if !contains(v.Trust, client) {
		return client
	}
	lines := r.lines.of("X-Forwarded-For")
	for i := len(lines) - 1; i >= 0; i-- {
		for rest := lines[i]; rest != "" && contains(v.Trust, client); {
			var word string
			rest, word = cutLast(rest)
			addr, ok := forwarded(word)
			if !ok {
				return client
			}
			client = addr
		}
	}
	return client
}

// cutLast cuts the last word off a list with commas.
func cutLast(list string) (rest, word string) {
	i := strings.LastIndexByte(list, ',')
	return list[:max(i, 0)], strings.TrimSpace(list[i+1:])
}

// forwarded reads an address, as some proxies write it with its port.
func forwarded(word string) (netip.Addr, bool) {
	addr, err := netip.ParseAddr(word)
	if err != nil {
		port, wrong := netip.ParseAddrPort(word)
		addr, err = port.Addr(), wrong
	}
	return addr.Unmap().WithZone(""), err == nil
}

// scheme returns how the new URL begins: as the request was made, to us or to a
// proxy that is trusted.
func (v *View) scheme(r *request) string {
	secure := r.secure
	if contains(v.Trust, r.peer) {
		if said := r.lines.of("X-Forwarded-Proto"); said != nil {
			_, last := cutLast(said[len(said)-1])
			secure = secure && last != "http" || last == "https"
		}
	}
	if secure {
		return "https://"
	}
	return "http://"
}

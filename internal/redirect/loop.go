package redirect

import "strings"

// token is what our own CDN's nodes name us by in the requests that they make,
// and maxHops how many a request may have come over.
const (
	token   = "cdnredirect"
	maxHops = 8
)

// way is the way that a request has come.
type way struct {
	cdn   bool // a CDN makes it
	round bool // it has been here before, or goes round among others
}

func wayOf(h headers) way {
	cdns, ours := hops(h.of("Cdn-Loop"), cdnID)
	proxies, also := hops(h.of("Via"), receivedBy)
	return way{cdn: cdns > 0, round: ours || also || cdns > maxHops || proxies > maxHops}
}

// hops counts the elements of a list, and reports whether one is ours.
func hops(lines []string, name func(string) string) (n int, ours bool) {
	for _, line := range lines {
		for element := range strings.SplitSeq(line, ",") {
			if element = strings.TrimSpace(element); element != "" {
				n++
				ours = ours || strings.EqualFold(name(element), token)
			}
		}
	}
	return n, ours
}

// cdnID returns the name in an element of CDN-Loop (RFC 8586, section 2).
func cdnID(element string) string {
	id, _, _ := strings.Cut(element, ";")
	return strings.TrimSpace(id)
}

// receivedBy returns the name in an element of Via (RFC 9110, section 7.6.3).
func receivedBy(element string) string {
	if words := strings.Fields(element); len(words) > 1 {
		return words[1]
	}
	return ""
}

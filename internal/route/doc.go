// Package route holds the table: a name leads to the ready-made answers of the
// present decision. The DNS plugin and the HTTP redirector both read it.
//
// A reader takes no lock: it loads the map once and the answers once. A flip
// is one store of a pointer, and so is a new set of sites.
package route

// Package corefile reads the cdnredirect blocks of a Corefile: tokens become a
// tree of lines, the lines become sites.
//
// The tree (tree.go) knows braces and lines, but no property. The properties
// (properties.go) know their own words, but no braces. In between, a site's
// lines are merged with those of its class (draft.go). So a new property is
// one function and one row of a table.
//
// Every error is in CoreDNS's wording and begins with file and line.
package corefile

// Package corefile reads the cdnredirect blocks of a Corefile: tokens become a
// tree of lines, the lines become sites.
//
// The tree (tree.go) knows braces and lines, but no property. The properties
// (properties.go) know their own words, but no braces. In between, a site's
// lines are merged with those of its class (draft.go). So a new property is
// one function and one row of a table.
//
// The store keeps blocks as texts of the same language (objects.go). An Overlay
// (overlay.go) has the sites of these on top of the Corefile's, and changes with
// each text that comes: it builds what an object is (overlay_form.go), tries what
// goes together (overlay_batch.go), and sees to who is to be tried again
// (overlay_apply.go). Of a text that is not good the last one that was stays.
//
// Every error is in CoreDNS's wording and begins with file and line.
package corefile

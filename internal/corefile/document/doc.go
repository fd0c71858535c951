// Package document holds the objects of the configuration as documents: structs
// that are JSON and YAML, and texts of a Corefile.
//
// The structs (site.go, shared.go, sources.go) say by tags how a field stands on
// its line; grammar.go reads these tags, and one writer (write.go) and one reader
// (read.go) serve all of them. What is wrong with a line says internal/corefile,
// which is asked of as little as shows it (faults.go), so that a fault has the name of
// its field.
//
// Files of documents are read in decode.go and files.go, and written in encode.go.
//
// A struct's tags are:
//
//	json     its name in a document; omitempty: it may be left out
//	doc      what it is, in words
//	example  a good value; of a list, with commas between several
//	enum     all good values
//	line     how it stands on the line:
//	           .      its word stands here
//	           !      so, and which of the other words there are depends on it
//	           ?      so, if it matches the tag match
//	           ...    its words stand here, up to a word that is another field's
//	           WORD   it stands behind WORD, anywhere behind those
//	           +WORD  it is WORD, or nothing
//	for      with which words of ! it stands there
//	empty    that it may be empty
//
// In a struct that is a block, WORD is that of a line.
package document

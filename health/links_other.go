//go:build !unix

package health

// maxLinks is how many connections may be kept.
func maxLinks() int { return 256 }

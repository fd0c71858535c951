// Package test holds what cdnredirect promises to those who run it. Every test
// starts the built binary, asks it over the network as a client does, and never
// looks inside; what a package promises to its neighbours is tested beside it.
//
// The tests run on Linux, all of them on loopback or in network namespaces of
// their own. What needs a program or a right that is missing is skipped with
// what to install, unless CDNREDIRECT_REQUIRE_ALL=1 is set: then it fails.
package test

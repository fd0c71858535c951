// Package steer answers one DNS question: with the origin's addresses or with
// the CNAME into a CDN, as the table says.
//
// The folder is called plugin because that is where a reader of CoreDNS looks;
// the package is not, so that plugin. always means CoreDNS's own package.
package steer

//go:build linux

package test

import (
	"strings"
	"time"
)

// The site that most tests steer, and what is answered for its A record.
const (
	site     = "www.example.org."
	target   = "www-example-org.cdn.example.net."
	atOrigin = "A 127.0.0.1"
	atCDN    = "CNAME " + target
)

// The times of its probe and of its threshold. tooSlow is above the limit and
// below 1.5 times of it, where fewer samples divert.
const (
	period  = time.Second
	timeout = 800 * time.Millisecond
	tooSlow = 380 * time.Millisecond
)

// Promised times (docs/design.md, budgets), counted from the change at the
// origin to the answer.
const (
	promisedDown = 3*period + timeout + 100*time.Millisecond
	promisedSlow = 5*period + timeout
)

// failback is how long the site must be fast before it comes back.
const failback = 2 * time.Second

// promisedBack is failback behind a window that is clear of slow samples.
const promisedBack = failback + 3*period + timeout

// ours is a cdnredirect block with the site on the web server at $origin.
// Lines replace those of the class or come to them.
func ours(lines ...string) string {
	return `    cdnredirect {
        class tested {
            origin 127.0.0.1
            cdn example ` + target + `
            ready none
            probe http http://{origin}:$origin/ every 1s timeout 800ms
            threshold response_time 300ms
            ttl 30s
            failback_delay 2s
            damping off
        }
        site ` + site + ` class tested {
            ` + strings.Join(lines, "\n            ") + `
        }
    }
`
}

// block is a server block of example.org with directives, each with its line
// break.
func block(directives ...string) string {
	return "example.org:$dns {\n    bind 127.0.0.1\n    errors\n" + strings.Join(directives, "") + "}\n"
}

// at gives the origin to a Corefile.
func at(o *origin) map[string]string { return map[string]string{"origin": o.port} }

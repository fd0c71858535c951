// Package redirect answers HTTP requests for sites with a redirect to where the
// decision sends their visitors: the origin or a CDN. It reads the same table
// as the DNS plugin.
//
// Whatever a request says, the redirect leads to a host that the site names.
package redirect

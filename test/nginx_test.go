//go:build linux

package test

import "testing"

// behindNginx is where the agent answers nginx at the far end.
const behindNginx = "127.0.0.1"

// startNginx starts it at the far end. What it has to say comes from the agent
// there, and takes as long as that does.
func (l *link) startNginx(t *testing.T) {
	t.Helper()
	need(t, "nginx", "nginx-light")
	l.them.serveOrigin(t, behindNginx, "8080")
	dir := folder(t)
	launch(t, l.far.command("nginx", "-p", dir, "-c", write(t, dir, "nginx.conf", `
daemon off;
master_process off;
user root;
pid nginx.pid;
error_log stderr;
events {}
http {
    access_log off;
    client_body_temp_path tmp; proxy_temp_path tmp; fastcgi_temp_path tmp; uwsgi_temp_path tmp; scgi_temp_path tmp;
    server {
        listen `+farHost+`:80;
        location / { proxy_pass http://`+behindNginx+`:8080; }
    }
}
`)))
	l.us.awaitPage(t, "http://"+farHost+"/", "This is the origin.")
}

// TestSlowNginxDiverts has two sites at one origin, whose web server waits for
// what is behind it.
func TestSlowNginxDiverts(t *testing.T) {
	t.Parallel()
	l := newLink(t)
	l.startNginx(t)
	l.serve(t, block(talkative, siteBlock([]string{"socket $socket", "origin farm {\n            address " + farHost + "\n        }"},
		[]string{site, "origin farm"}, []string{"shop.example.org", "origin farm"})))
	both := func() string { return l.answers(site, "shop.example.org.") }
	await(t, patience, atFarm, both)

	l.them.slow(t, tooSlow)
	t.Logf("slow: CNAME after %s", await(t, promisedSlow, atCDN, both))
	l.expectReason(t, `threshold: response_time of origin farm [345]\d\d(\.\d)?ms is 1\d\d % of the limit 300ms`)

	l.them.slow(t, 0)
	t.Logf("fast: A after %s", await(t, promisedBack, atFarm, both))
	l.expectReason(t, `recovered: response_time of origin farm \d+(\.\d)?[mµ]s is \d\d? % of the limit 300ms`)
}

package health_test

import (
	"context"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/cdnredirect/cdnredirect/health"
	"github.com/cdnredirect/cdnredirect/internal/site"
)

func TestF7PublicAddresses(t *testing.T) {
	for want, addresses := range map[bool]string{
		true: `1.1.1.1 8.8.8.8 100.63.255.255 100.128.0.0 169.253.255.255 172.15.255.255 172.32.0.0 192.0.1.0
			198.17.255.255 198.20.0.0 223.255.255.255 11.0.0.0 126.255.255.255 128.0.0.0 192.167.255.255
			2001:200:: 2606:4700::1111 2a00:1450::1 2003:: 3ffe::1`,
		false: `0.0.0.0 0.1.2.3 10.0.0.1 10.255.255.255 100.64.0.0 100.127.255.255 127.0.0.1 127.255.255.255
			169.254.0.1 169.254.169.254 172.16.0.0 172.31.255.255 192.0.0.1 192.0.0.170 192.0.2.1 192.88.99.1
			192.168.0.0 192.168.255.255 198.18.0.0 198.19.255.255 198.51.100.1 203.0.113.1 224.0.0.1 239.255.255.255
			240.0.0.1 255.255.255.255
			:: ::1 ::7f00:1 ::ffff:127.0.0.1 ::ffff:8.8.8.8 ::ffff:0:127.0.0.1 64:ff9b::7f00:1 64:ff9b::808:808 64:ff9b:1::1
			100::1 2001::1 2001:0:4136:e378:8000:63bf:3fff:fdd2 2001:2::1 2001:10::1 2001:20::1 2001:1ff::1 2001:db8::1 2002:7f00:1::
			2002:808:808::1 3fff::1 4000::1 5f00::1 fc00::1 fd00:ec2::254 fe80::1 fe80::1%eth0 fec0::1 feff::1 ff02::1 ff0e::1`,
	} {
		for field := range strings.FieldsSeq(addresses) {
			if got := health.Public(netip.MustParseAddr(field)); got != want {
				t.Errorf("%s: got %t, want %t", field, got, want)
			}
		}
	}
	if health.Public(netip.Addr{}) {
		t.Error("no address is none of the public Internet")
	}
}

// public is a public target.
func public(kind, url string) site.Target {
	to := target(url)
	to.Kind, to.Public = kind, true
	return to
}

func TestF7PublicTargetsAreElsewhere(t *testing.T) {
	url, conns := counting(t, nil, func(http.ResponseWriter, *http.Request) {})
	_, port, _ := net.SplitHostPort(strings.TrimPrefix(url, "http://"))
	n := network(t)
	probe := n.Probes()["http"]
	for _, host := range []string{"127.0.0.1", "127.1.2.3", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0", "[::]", "[fe80::1%25lo]", "169.254.169.254"} {
		for _, port := range []string{port, "80"} {
			r := ask(t, probe, public("http", "http://"+host+":"+port+"/"))
			wantFailure(t, r, site.FailureForbidden, "connecting: ", "not allowed for a public target")
		}
	}
	if conns.Load() != 0 {
		t.Errorf("got %d connections, want none", conns.Load())
	}

	n.Allow([]netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")})
	wantGood(t, ask(t, probe, public("http", url)))
	wantGood(t, ask(t, probe, public("http", "http://[::ffff:127.0.0.1]:"+port)))
	n.Allow(nil)
	wantFailure(t, ask(t, probe, public("http", url)), site.FailureForbidden)
}

func TestPublicPorts(t *testing.T) {
	for kind, want := range map[string]string{
		"http": "80 443 8080 8443", "dns": "53 80 443 8080 8443", "prometheus": "80 443 8080 8443 9090 9100 9999", "icmp": "80 443 8080 8443",
	} {
		for _, port := range []string{"22", "25", "53", "80", "443", "6379", "8080", "8443", "9090", "9100", "9999", "10000"} {
			err := health.NewNetwork("").Permit(public(kind, ""), netip.MustParseAddrPort("8.8.8.8:"+port))
			if allowed := strings.Contains(" "+want+" ", " "+port+" "); (err == nil) != allowed {
				t.Errorf("%s at %s: got %v", kind, port, err)
			}
		}
	}
	if err := health.NewNetwork("").Permit(public("icmp", ""), netip.MustParseAddrPort("8.8.8.8:0")); err != nil {
		t.Errorf("got %v for a protocol without ports", err)
	}
}

// A name that leads to an allowed address when it is looked at first, and to
// one of ours afterwards.
func TestF7Rebinding(t *testing.T) {
	var reached atomic.Bool
	url := web(t, func(http.ResponseWriter, *http.Request) { reached.Store(true) })
	_, port, _ := net.SplitHostPort(strings.TrimPrefix(url, "http://"))
	outside := serve(t, "127.0.0.2:"+port, func(_ context.Context, conn net.Conn) {
		conn.Read(make([]byte, 4096))
		conn.Write([]byte(empty))
	})
	_, port, _ = net.SplitHostPort(outside)
	var asked atomic.Int32
	resolver := serveDNS(t, func(w dns.ResponseWriter, q *dns.Msg) {
		m := new(dns.Msg).SetReply(q)
		if q.Question[0].Qtype == dns.TypeA {
			address := map[bool]string{true: "127.0.0.2", false: "127.0.0.1"}[asked.Add(1) == 1]
			m.Answer = records(q.Question[0].Name + " 0 A " + address)
		}
		w.WriteMsg(m)
	})
	n := health.NewNetworkAsking(func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "udp", resolver.String())
	})
	n.Allow([]netip.Prefix{netip.MustParsePrefix("127.0.0.2/32")})
	probe, to := n.Probes()["http"], public("http", "http://rebind.example.net:"+port)
	wantGood(t, ask(t, probe, to))
	for range 3 {
		wantFailure(t, ask(t, probe, to), site.FailureForbidden, "127.0.0.1")
	}
	if reached.Load() || asked.Load() < 4 {
		t.Errorf("reached %t after %d look-ups", reached.Load(), asked.Load())
	}
}

// Names for addresses that other programs would understand are only names.
func TestF8AddressesInOtherForms(t *testing.T) {
	for _, host := range []string{"127.1", "2130706433", "0x7f.1", "0177.0.0.1", "127.0.0.1.", "①②⑦.0.0.1"} {
		to := public("http", "http://"+host+":80/")
		to.Timeout = 5 * time.Second
		r := ask(t, asking(t, nxDomain), to)
		if r.Failure != site.FailureResolve && r.Failure != site.FailureForbidden {
			t.Errorf("%s: got failure %q: %v", host, r.Failure, r.Err)
		}
	}
}

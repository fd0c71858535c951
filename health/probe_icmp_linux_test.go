package health_test

import (
	"net"
	"os"
	"runtime"
	"testing"
	"time"

	"golang.org/x/net/icmp"
	"golang.org/x/net/ipv4"
	"golang.org/x/sys/unix"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

// ownNetwork moves the test to a network namespace of its own, with nothing but
// a loopback interface. The thread is never unlocked, so it ends with the test.
func ownNetwork(t *testing.T, sysctls map[string]string) {
	t.Helper()
	runtime.LockOSThread()
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		missing(t, "making a network namespace is not allowed here: %v", err)
	}
	s, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(s)
	lo, err := unix.NewIfreq("lo")
	if err != nil {
		t.Fatal(err)
	}
	lo.SetUint16(unix.IFF_UP)
	if err := unix.IoctlIfreq(s, unix.SIOCSIFFLAGS, lo); err != nil {
		t.Fatal(err)
	}
	for name, value := range sysctls {
		if err := os.WriteFile("/proc/sys/net/ipv4/"+name, []byte(value), 0); err != nil {
			missing(t, "setting net.ipv4.%s is not allowed here: %v", name, err)
		}
	}
}

// withoutRaw takes CAP_NET_RAW from the test's thread.
func withoutRaw(t *testing.T) {
	t.Helper()
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if err := unix.Capget(&header, &data[0]); err != nil {
		t.Fatal(err)
	}
	data[0].Effective &^= 1 << unix.CAP_NET_RAW
	if err := unix.Capset(&header, &data[0]); err != nil {
		t.Fatal(err)
	}
}

const nobody, everybody = "1 0", "0 2147483647" // of net.ipv4.ping_group_range

func TestICMPSockets(t *testing.T) {
	tests := []struct {
		name   string
		groups string
		raw    bool
		want   site.Failure
	}{
		{"PingSocket", everybody, false, ""},
		{"RawSocket", nobody, true, ""},
		{"Neither", nobody, false, site.FailureLocal},
	}
	for _, tt := range tests {
		for _, url := range []string{"icmp://127.0.0.1", "icmp://[::1]"} {
			t.Run(tt.name+url[len("icmp:/"):], func(t *testing.T) {
				ownNetwork(t, map[string]string{"ping_group_range": tt.groups})
				if !tt.raw {
					withoutRaw(t)
				}
				before := openFiles(t)
				r := ask(t, probing(t, "icmp"), asked(url, site.Ask{}))
				if after := openFiles(t); after > before {
					t.Errorf("got %d open files, want the %d of before", after, before)
				}
				if tt.want == "" {
					wantGood(t, r)
					return
				}
				wantFailure(t, r, tt.want, "probing '"+url+"': opening a socket for ICMP: neither net.ipv4.ping_group_range (",
					"permission denied", "nor CAP_NET_RAW (", "operation not permitted")
			})
		}
	}
}

func openFiles(t *testing.T) int {
	t.Helper()
	files, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(files)
}

// The loopback interface does not answer here: the test does, or nobody.
func TestICMPAnswers(t *testing.T) {
	reply := func(spoil func(*icmp.Echo)) func(icmp.Echo, []byte) *icmp.Message {
		return func(echo icmp.Echo, _ []byte) *icmp.Message {
			spoil(&echo)
			return &icmp.Message{Type: ipv4.ICMPTypeEchoReply, Body: &echo}
		}
	}
	unreachable := func(spoil func(packet []byte) []byte) func(icmp.Echo, []byte) *icmp.Message {
		return func(_ icmp.Echo, packet []byte) *icmp.Message {
			return &icmp.Message{Type: ipv4.ICMPTypeDestinationUnreachable, Code: 1, Body: &icmp.DstUnreach{Data: spoil(packet)}}
		}
	}
	const host, other = "127.0.0.1", "127.0.0.2"
	tests := []struct {
		name   string
		from   string
		answer func(echo icmp.Echo, packet []byte) *icmp.Message
		want   site.Failure
	}{
		{"Right", host, reply(func(*icmp.Echo) {}), ""},
		{"OtherPeer", other, reply(func(*icmp.Echo) {}), site.FailureTimeout},
		{"OtherID", host, reply(func(e *icmp.Echo) { e.ID ^= 1 }), site.FailureTimeout},
		{"OtherSequence", host, reply(func(e *icmp.Echo) { e.Seq ^= 1 }), site.FailureTimeout},
		{"OtherPayload", host, reply(func(e *icmp.Echo) { e.Data = []byte("nothing of the kind") }), site.FailureTimeout},
		{"Unreachable", other, unreachable(func(p []byte) []byte { return p }), site.FailureConnect},
		{"OtherUnreachable", other, unreachable(func(p []byte) []byte { p[ipv4.HeaderLen+7] ^= 1; return p }), site.FailureTimeout},
		{"ShortUnreachable", other, unreachable(func(p []byte) []byte { return p[:ipv4.HeaderLen+4] }), site.FailureTimeout},
		{"Silent", host, nil, site.FailureTimeout},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			ownNetwork(t, map[string]string{"ping_group_range": nobody, "icmp_echo_ignore_all": "1"})
			if tt.answer != nil {
				answerPing(t, host, tt.from, tt.answer)
			}
			to := asked("icmp://"+host, site.Ask{})
			if tt.want == site.FailureTimeout {
				to.Timeout = 300 * time.Millisecond
			}
			r := ask(t, probing(t, "icmp"), to)
			switch tt.want {
			case "":
				wantGood(t, r)
			case site.FailureConnect:
				wantFailure(t, r, tt.want, "waiting for the echo reply: "+other+" says destination unreachable, code 1")
			default:
				wantFailure(t, r, tt.want, "waiting for the echo reply: ")
			}
		})
	}
}

// answerPing answers the first echo request to host once, from another address
// if need be.
func answerPing(t *testing.T, host, from string, answer func(icmp.Echo, []byte) *icmp.Message) {
	t.Helper()
	requests, replies := listenICMP(t, host), listenICMP(t, from)
	done := make(chan struct{})
	go func() {
		defer close(done)
		buf := make([]byte, 1500)
		for {
			n, peer, err := requests.ReadFrom(buf)
			if err != nil {
				return
			}
			m, err := icmp.ParseMessage(1, buf[:n])
			if err != nil || m.Type != ipv4.ICMPTypeEcho {
				continue
			}
			packet := append([]byte{4<<4 | ipv4.HeaderLen/4, ipv4.HeaderLen - 1: 0}, buf[:n]...) // a header that says its length
			wire, _ := answer(*m.Body.(*icmp.Echo), packet).Marshal(nil)
			replies.WriteTo(wire, peer)
			return
		}
	}()
	t.Cleanup(func() {
		requests.Close()
		replies.Close()
		<-done
	})
}

func listenICMP(t *testing.T, address string) net.PacketConn {
	t.Helper()
	conn, err := net.ListenPacket("ip4:icmp", address)
	if err != nil {
		missing(t, "raw sockets are not allowed here: %v", err)
	}
	return conn
}

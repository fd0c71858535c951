package onboard_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/cdnredirect/cdnredirect/test/bubble"
)

// TestCDNsThatHangLeaveRoom, however many of their sites wait, and wherever their names
// stand: as many CDNs as fill all places hang, and then some more.
func TestCDNsThatHangLeaveRoom(t *testing.T) {
	for _, hanging := range []int{4, 20} {
		t.Run(fmt.Sprint(hanging), func(t *testing.T) {
			bubble.Test(t, func(t *testing.T) {
				f := newField()
				with := f.follower(alone)
				names := []string{"works"}
				for i := range hanging {
					names = append(names, fmt.Sprintf("%c%d-hangs", "az"[i/4%2], i))
				}
				for i := range 20 {
					name := fmt.Sprintf("s%d.example.org", i)
					f.publish(name, siteWith(name, "192.0.2.1", "works"))
					must(t, f.setUp(with, name, "works"))
					f.publish(name, siteWith(name, "192.0.2.2", names...))
				}
				f.hangs = "hangs"
				during(with, func() { time.Sleep(map[int]time.Duration{4: time.Minute, 20: 20 * time.Minute}[hanging]) })
				got := strings.Count(f.sides(), "[192.0.2.2]")
				if want := map[int]int{4: 20, 20: 3}[hanging]; got < want {
					t.Errorf("Expected %d sites at least at the CDN that works, got %d", want, got)
				}
			})
		})
	}
}

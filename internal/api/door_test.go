package api

import (
	"context"
	"net"
	"testing"
	"time"
)

// TestBusyConnectionsEndForNobody: a customer who has as many as he may is refused one more.
func TestBusyConnectionsEndForNobody(t *testing.T) {
	d := newDoor(nil)
	arrives := func() (*visitor, context.Context) {
		ours, theirs := net.Pipe()
		t.Cleanup(func() { theirs.Close() })
		v := &visitor{Conn: ours, door: d, late: time.NewTimer(time.Hour)}
		d.inside = append(d.inside, v)
		return v, withVisitor(t.Context(), v)
	}
	var first *visitor
	for range maxOfCustomer {
		v, ctx := arrives()
		for range 2 { // the second request over it finds its place
			if !welcome(ctx, Caller{Customer: "acme"}) {
				t.Fatal("Expected room")
			}
		}
		if first == nil {
			first = v
		}
	}
	v, ctx := arrives()
	if welcome(ctx, Caller{Customer: "acme"}) || v.known {
		t.Error("Expected no room for one more, who stays a stranger")
	}
	if !welcome(ctx, Caller{Customer: "other"}) {
		t.Error("Expected room for another customer's")
	}
	if _, ctx := arrives(); !welcome(ctx, Caller{Name: "ann"}) {
		t.Error("Expected room for an operator's")
	}
	first.idle = true
	if _, ctx := arrives(); !welcome(ctx, Caller{Customer: "acme"}) || d.inside[0] == first {
		t.Error("Expected the place of the one that is idle")
	}
}

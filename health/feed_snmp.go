package health

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
	"time"

	"github.com/gosnmp/gosnmp"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

// Objects of the interfaces' group of MIB-2 (RFC 2863), to which the
// interface's index is added, and the time since the agent started (RFC 3418).
const (
	oidOctets        = ".1.3.6.1.2.1.31.1.1.1.10." // ifHCOutOctets
	oidSpeed         = ".1.3.6.1.2.1.31.1.1.1.15." // ifHighSpeed, in Mbit/s; 0: not known
	oidDiscontinuity = ".1.3.6.1.2.1.31.1.1.1.19." // ifCounterDiscontinuityTime: when counters began anew
	oidUptime        = ".1.3.6.1.2.1.1.3.0"        // sysUpTime, in 1/100 s
)

// maxCached is how long agents may repeat counters. That of net-snmp does for
// 3 s, and others for up to 15 s.
const maxCached = 15 * time.Second

// maxDatagram is more than the answer can have, in bytes.
const maxDatagram = 2048

// askSNMP is the feed of kind "snmp": what goes out at the network interface
// whose index is Query, by SNMPv2c (RFC 3416) with one GET; and what is left of
// the interface's speed. An agent does not answer a wrong community: that is a
// timeout. Many an agent refreshes its counters every few seconds only.
func askSNMP(ctx context.Context, c *call) (site.Failure, error) {
	if _, err := strconv.ParseUint(c.ask.Query, 10, 31); err != nil {
		return site.FailureContent, fmt.Errorf("'%s' is not the index of an interface", c.ask.Query)
	}
	community, err := c.community()
	if err != nil {
		return site.FailureLocal, fmt.Errorf("reading the community: %w", err)
	}
	conn, failure, err := c.connect(ctx, "udp")
	if err != nil {
		return failure, err
	}
	defer conn.Close()
	found, failure, err := c.get(conn, community)
	if err != nil {
		return failure, err
	}
	return c.interfaceReading(found)
}

func (c *call) community() (string, error) {
	if c.ask.Community == "" {
		return "public", nil
	}
	return secret(c.ask.Community)
}

// get asks for all objects at once and waits for the answer to that.
func (c *call) get(conn net.Conn, community string) (objects, site.Failure, error) {
	defer c.lap(&c.result.Phases.FirstByte)
	agent := &gosnmp.GoSNMP{Version: gosnmp.Version2c, Community: community}
	id := 1 + rand.Uint32N(1<<31-1)
	agent.SetRequestID(id - 1) // it counts up first
	var asked []gosnmp.SnmpPDU
	for _, oid := range []string{oidOctets + c.ask.Query, oidSpeed + c.ask.Query, oidDiscontinuity + c.ask.Query, oidUptime} {
		asked = append(asked, gosnmp.SnmpPDU{Name: oid, Type: gosnmp.Null})
	}
	request, err := agent.SnmpEncodePacket(gosnmp.GetRequest, asked, 0, 0)
	if err != nil {
		return nil, site.FailureProtocol, errors.New("writing the request: the community cannot be one")
	}
	if _, err := conn.Write(request); err != nil {
		return nil, site.FailureConnect, fmt.Errorf("sending the request: %w", err)
	}
	answer, err := receive(conn, agent, id)
	if err != nil {
		return nil, site.FailureConnect, fmt.Errorf("waiting for the answer: %w", err)
	}
	return c.objects(answer)
}

// receive passes over datagrams that are no answer to the request: anybody may
// send some, and late answers are none.
func receive(conn net.Conn, agent *gosnmp.GoSNMP, id uint32) (*gosnmp.SnmpPacket, error) {
	datagram := make([]byte, maxDatagram)
	for {
		n, err := conn.Read(datagram)
		if err != nil {
			return nil, err
		}
		if answer := decode(agent, datagram[:n]); answer != nil && answer.RequestID == id {
			return answer, nil
		}
	}
}

// decode returns nil for what is no answer in SNMPv2c. The library's own way of
// asking takes care of panics in its decoder; as we go around it, we do.
func decode(agent *gosnmp.GoSNMP, datagram []byte) (answer *gosnmp.SnmpPacket) {
	defer func() {
		if recover() != nil {
			answer = nil
		}
	}()
	p, err := agent.SnmpDecodePacket(datagram)
	if err != nil || p.Version != gosnmp.Version2c || p.PDUType != gosnmp.GetResponse {
		return nil
	}
	return p
}

// objects is the numbers of an answer by the object they are of.
type objects map[string]uint64

func (c *call) objects(answer *gosnmp.SnmpPacket) (objects, site.Failure, error) {
	if answer.Error != gosnmp.NoError {
		return nil, site.FailureStatus, fmt.Errorf("the agent answers with error %d", uint8(answer.Error))
	}
	found := make(objects)
	for _, v := range answer.Variables {
		switch v.Type {
		case gosnmp.Counter64, gosnmp.Counter32, gosnmp.Gauge32, gosnmp.TimeTicks, gosnmp.Integer:
			found[v.Name] = gosnmp.ToBigInt(v.Value).Uint64()
		}
	}
	return found, "", nil
}

// interfaceReading makes a reading of either signal of an interface.
func (c *call) interfaceReading(found objects) (site.Failure, error) {
	octets, there := found[oidOctets+c.ask.Query]
	if !there {
		return site.FailureContent, fmt.Errorf("interface %s has no ifHCOutOctets", c.ask.Query)
	}
	r := Reading{
		Signal: c.ask.Signal,
		Scale:  8, // bits
		Num:    []Counter{{Value: float64(octets), Epoch: found[oidDiscontinuity+c.ask.Query]}},
		Uptime: time.Duration(found[oidUptime]) * time.Second / 100,
		Cached: maxCached,
	}
	if c.ask.Signal == site.AvailableBandwidth {
		speed := found[oidSpeed+c.ask.Query]
		if speed == 0 {
			return site.FailureInvalid, fmt.Errorf("the speed of interface %s is not known", c.ask.Query)
		}
		r.Value, r.Scale = float64(speed)*1e6, -r.Scale
	}
	c.result.Readings = []Reading{r}
	return "", nil
}

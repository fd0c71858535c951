package site

import (
	"maps"
	"slices"
	"time"
)

// mapSignals is which signals each ready-made list gives at most.
var mapSignals = map[string][]Signal{
	"bunny":         {ErrorRatio, UsedBandwidth, Requests, HitRatio},
	"cloudflare":    {ErrorRatio, UsedBandwidth, Requests, HitRatio},
	"fastly":        {ErrorRatio, UsedBandwidth, Requests, HitRatio},
	"haproxy":       {ErrorRatio, UsedBandwidth, Connections, Requests},
	"nginx":         {Connections, Requests},
	"node_exporter": {UsedBandwidth, Load, Connections},
	"trafficserver": {ErrorRatio, UsedBandwidth, Connections, Requests, HitRatio},
	"varnish":       {UsedBandwidth, Connections, Requests, HitRatio},
}

// mapDelays is how far behind those lists are that the API of a CDN gives, of each
// of its services. Fastly waits that long for the messages of a second, unless its
// feed says how long; Cloudflare is known to be incomplete after 3 minutes and
// complete after 5 (https://github.com/lablabs/cloudflare-exporter/issues/18);
// bunny.net's smallest unit is the hour, and it is given 10 minutes to count it.
var mapDelays = map[string]time.Duration{
	"bunny":      70 * time.Minute,
	"cloudflare": 5 * time.Minute,
	"fastly":     10 * time.Second,
}

// IsAPI reports whether a ready-made list is one of the API of a CDN.
func IsAPI(name string) bool { return mapDelays[name] > 0 }

// Maps lists the names of the ready-made lists of signals, which feeds of kind
// "map" read.
func Maps() []string { return slices.Sorted(maps.Keys(mapSignals)) }

// MapSignals returns the signals that a ready-made list gives at most; nil:
// there is no list of that name.
func MapSignals(name string) []Signal { return slices.Clone(mapSignals[name]) }

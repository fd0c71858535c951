package site

import (
	"maps"
	"slices"
)

// mapSignals is which signals each ready-made list gives at most.
var mapSignals = map[string][]Signal{
	"haproxy":       {ErrorRatio, UsedBandwidth, Connections, Requests},
	"nginx":         {Connections, Requests},
	"node_exporter": {UsedBandwidth, Load, Connections},
	"trafficserver": {ErrorRatio, UsedBandwidth, Connections, Requests},
	"varnish":       {UsedBandwidth, Connections, Requests},
}

// Maps lists the names of the ready-made lists of signals, which feeds of kind
// "map" read.
func Maps() []string { return slices.Sorted(maps.Keys(mapSignals)) }

// MapSignals returns the signals that a ready-made list gives at most; nil:
// there is no list of that name.
func MapSignals(name string) []Signal { return slices.Clone(mapSignals[name]) }

package site

func MapSignals(name string) []Signal {
	return map[string][]Signal{
		"node_exporter": {UsedBandwidth, Load, Connections},
		"nginx":         {Connections, Requests},
		"haproxy":       {Connections, Requests, UsedBandwidth, ErrorRatio, ResponseTime},
	}[name]
}

func MapNames() []string { return []string{"haproxy", "nginx", "node_exporter"} }
